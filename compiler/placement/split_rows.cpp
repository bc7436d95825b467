#include "compiler/placement/split_rows.h"

#include "compiler/graph/row_uses.h"
#include "compiler/graph/views.h"
#include "compiler/placement/placed_graph_rewrite.h"
#include "compiler/placement/row_blocks.h"

namespace graphc {
namespace {

/// `rows` of what lies in `whole`, or begins with row 0, and has `each` rows there for one of its.
RowRange rows_within(const std::optional<RowRange>& whole, const RowRange& rows, int64_t each = 1) {
  const int64_t first = whole ? whole->begin : 0;
  return {first + each * rows.begin, first + each * rows.end};
}

class RowSplitter {
 public:
  RowSplitter(const PlacedGraph& placed, const Machine& machine, const BlockSizes& sizes)
      : placed_(placed), machine_(machine), sizes_(sizes) {}

  PlacedGraph run() {
    PlacedGraph split = placed_;
    split.ops = {};
    IdVector<PlacedOpId, std::vector<PlacedOpId>> parts;
    for (const PlacedOp& op : placed_.ops) {
      std::vector<PlacedOpId> ids;
      for (PlacedOp& block : blocks_of(op)) ids.push_back(split.ops.push_back(std::move(block)));
      parts.push_back(std::move(ids));
    }
    replace_producers(split, parts);
    return split;
  }

 private:
  std::vector<PlacedOp> blocks_of(const PlacedOp& op) const {
    const std::vector<RowRange> ranges = ranges_of(op);
    if (ranges.size() <= 1) return {op};
    std::vector<RowUse> uses;
    if (op.node) uses = row_uses_of(placed_.graph, *op.node);
    std::vector<PlacedOp> blocks;
    for (const RowRange& rows : ranges) {
      PlacedOp block = op;
      block.name += "[" + to_string(rows) + "]";
      block.rows = rows_within(op.rows, rows);
      for (size_t i = 0; i < uses.size(); ++i) {
        if (uses[i] == RowUse::kSame) narrow(block.reads[i], rows);
      }
      blocks.push_back(block);
    }
    return blocks;
  }

  /// To these rows of what the reader sees, which are whole rows of the value (resolve_views.h).
  void narrow(PlacedOperand& read, const RowRange& rows) const {
    const int64_t each =
        elements_of_row(placed_.operand_type(read)) / elements_of_row(placed_.type_of(read.value));
    read.rows = rows_within(read.rows, rows, each);
    if (read.shape) read.shape->front() = rows.size();
  }

  /// The rows of each block; one or none where the operation stays whole.
  std::vector<RowRange> ranges_of(const PlacedOp& op) const {
    const Device& device = machine_.devices[op.device];
    if (op.kind == PlacedOpKind::kFeed) {
      return feed_blocks(type_of_rows(placed_.type_of(op.writes.front()), op.rows),
                         device.num_readers, sizes_);
    }
    if (op.kind != PlacedOpKind::kNode || shares_compute(device)) return {};
    return row_blocks(placed_.graph, *op.node, sizes_);
  }

  const PlacedGraph& placed_;
  const Machine& machine_;
  const BlockSizes& sizes_;
};

}  // namespace

PlacedGraph split_rows(const PlacedGraph& placed, const Machine& machine, const BlockSizes& sizes) {
  return RowSplitter(placed, machine, sizes).run();
}

}  // namespace graphc

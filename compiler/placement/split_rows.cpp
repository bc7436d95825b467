#include "compiler/placement/split_rows.h"

#include "compiler/graph/row_uses.h"
#include "compiler/placement/row_blocks.h"

namespace graphc {
namespace {

class RowSplitter {
 public:
  RowSplitter(const PlacedGraph& placed, const Machine& machine, const BlockSizes& sizes)
      : placed_(placed), machine_(machine), sizes_(sizes) {}

  PlacedGraph run() {
    PlacedGraph split = placed_;
    split.ops = {};
    for (PlacedValue& value : split.values) value.producers.clear();
    for (const PlacedOp& op : placed_.ops) {
      for (const PlacedOp& block : blocks_of(op)) {
        const PlacedOpId id = split.ops.push_back(block);
        for (const PlacedValueId value : block.writes) split.values[value].producers.push_back(id);
      }
    }
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
      block.rows = rows;
      for (size_t i = 0; i < uses.size(); ++i) {
        if (uses[i] == RowUse::kSame) block.reads[i].rows = rows;
      }
      blocks.push_back(block);
    }
    return blocks;
  }

  /// The rows of each block; one or none where the operation stays whole.
  std::vector<RowRange> ranges_of(const PlacedOp& op) const {
    const Device& device = machine_.devices[op.device];
    if (op.kind == PlacedOpKind::kFeed) {
      return feed_blocks(placed_.type_of(op.writes.front()), device.num_readers, sizes_);
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

#include "compiler/placement/split_rows.h"

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
        if (block.writes) split.values[*block.writes].producers.push_back(id);
      }
    }
    return split;
  }

 private:
  std::vector<PlacedOp> blocks_of(const PlacedOp& op) const {
    if (op.kind != PlacedOpKind::kNode || shares_compute(machine_.devices[op.device])) return {op};
    const std::vector<RowRange> ranges = row_blocks(placed_.graph, *op.node, sizes_);
    if (ranges.size() == 1) return {op};
    const std::vector<RowUse> uses = row_uses_of(placed_.graph, *op.node);
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

  const PlacedGraph& placed_;
  const Machine& machine_;
  const BlockSizes& sizes_;
};

}  // namespace

PlacedGraph split_rows(const PlacedGraph& placed, const Machine& machine, const BlockSizes& sizes) {
  return RowSplitter(placed, machine, sizes).run();
}

}  // namespace graphc

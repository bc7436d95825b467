#include "compiler/placement/split_copies.h"

#include <set>

#include "compiler/placement/row_blocks.h"

namespace graphc {
namespace {

class CopySplitter {
 public:
  CopySplitter(const PlacedGraph& placed, const BlockSizes& sizes)
      : placed_(placed), sizes_(sizes), read_in_(placed.values.size()) {
    for (const PlacedOp& op : placed.ops) {
      if (op.kind != PlacedOpKind::kNode) continue;
      for (const PlacedOperand& read : op.reads) {
        if (read.rows) note_cuts(*read.rows, read_in_[read.value]);
      }
    }
  }

  SplitCopies run() {
    SplitCopies split{placed_, {}};
    split.placed.ops = {};
    for (PlacedValue& value : split.placed.values) value.producers.clear();
    for (const PlacedOpId id : placed_.ops.ids()) {
      for (const PlacedOp& block : blocks_of(placed_.ops[id])) {
        const PlacedOpId at = split.placed.ops.push_back(block);
        split.origin.push_back(id);
        for (const PlacedValueId value : block.writes) {
          split.placed.values[value].producers.push_back(at);
        }
      }
    }
    return split;
  }

 private:
  using Cuts = std::set<int64_t>;

  static void note_cuts(const RowRange& rows, Cuts& cuts) {
    cuts.insert(rows.begin);
    cuts.insert(rows.end);
  }

  std::vector<PlacedOp> blocks_of(const PlacedOp& op) const {
    if (op.kind != PlacedOpKind::kCopy || op.node || op.rows) return {op};
    const std::vector<RowRange> ranges =
        copy_blocks(placed_.type_of(op.writes.front()), blocks_between(cuts_of(op)), sizes_);
    if (ranges.size() <= 1) return {op};
    std::vector<PlacedOp> blocks;
    for (const RowRange& rows : ranges) {
      blocks.push_back(op);
      blocks.back().name += "[" + to_string(rows) + "]";
      blocks.back().rows = rows;
      blocks.back().reads[0].rows = rows;
    }
    return blocks;
  }

  /// Where the blocks end that the value is made in; if it is made as a whole, those it is read in.
  Cuts cuts_of(const PlacedOp& copy) const {
    Cuts cuts;
    for (const PlacedOpId id : placed_.values[copy.reads[0].value].producers) {
      const PlacedOp& producer = placed_.ops[id];
      if (producer.kind == PlacedOpKind::kNode && producer.rows) note_cuts(*producer.rows, cuts);
    }
    return cuts.empty() ? read_in_[copy.writes.front()] : cuts;
  }

  static std::vector<RowRange> blocks_between(const Cuts& cuts) {
    std::vector<RowRange> blocks;
    for (auto cut = cuts.begin(); cut != cuts.end() && std::next(cut) != cuts.end(); ++cut) {
      blocks.push_back({*cut, *std::next(cut)});
    }
    return blocks;
  }

  const PlacedGraph& placed_;
  const BlockSizes& sizes_;
  IdVector<PlacedValueId, Cuts> read_in_;
};

}  // namespace

SplitCopies split_copies(const PlacedGraph& placed, const BlockSizes& sizes) {
  return CopySplitter(placed, sizes).run();
}

}  // namespace graphc

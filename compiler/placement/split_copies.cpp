#include "compiler/placement/split_copies.h"

#include <set>

#include "compiler/placement/placed_graph_rewrite.h"
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
    IdVector<PlacedOpId, std::vector<PlacedOpId>> parts;
    for (const PlacedOpId id : placed_.ops.ids()) {
      std::vector<PlacedOpId> ids;
      for (PlacedOp& block : blocks_of(placed_.ops[id])) {
        ids.push_back(split.placed.ops.push_back(std::move(block)));
        split.origin.push_back(id);
      }
      parts.push_back(std::move(ids));
    }
    replace_producers(split.placed, parts);
    return split;
  }

 private:
  using Cuts = std::set<int64_t>;

  static void note_cuts(const RowRange& rows, Cuts& cuts) {
    cuts.insert(rows.begin);
    cuts.insert(rows.end);
  }

  std::vector<PlacedOp> blocks_of(const PlacedOp& op) const {
    if (op.kind != PlacedOpKind::kCopy || op.reads[0].shape) return {op};
    const RowRange read = rows_or_all(placed_.type_of(op.reads[0].value), op.reads[0].rows);
    const int64_t written = op.rows ? op.rows->begin : 0;
    const TensorType type = type_of_rows(placed_.type_of(op.reads[0].value), op.reads[0].rows);
    const std::vector<RowRange> ranges =
        copy_blocks(type, blocks_between(cuts_of(op, read, written)), sizes_);
    if (ranges.size() <= 1) return {op};
    std::vector<PlacedOp> blocks;
    for (const RowRange& rows : ranges) {
      blocks.push_back(op);
      blocks.back().name += "[" + to_string(rows) + "]";
      blocks.back().rows = RowRange{written + rows.begin, written + rows.end};
      blocks.back().reads[0].rows = RowRange{read.begin + rows.begin, read.begin + rows.end};
    }
    return blocks;
  }

  /// Where the blocks end that the rows `read` are made in; if they are made as a whole, those that
  /// are read of them where they arrive, from row `written` on.
  Cuts cuts_of(const PlacedOp& copy, const RowRange& read, int64_t written) const {
    Cuts made_in;
    for (const PlacedOpId id : placed_.producers_of(copy.reads[0])) {
      const PlacedOp& producer = placed_.ops[id];
      if (producer.kind == PlacedOpKind::kNode && producer.rows) note_cuts(*producer.rows, made_in);
    }
    Cuts cuts = cuts_within(made_in, read.begin, read.size());
    if (cuts.empty()) cuts = cuts_within(read_in_[copy.writes.front()], written, read.size());
    if (!cuts.empty()) note_cuts({0, read.size()}, cuts);
    return cuts;
  }

  /// Those between row `first` and as many rows further, counted from there.
  static Cuts cuts_within(const Cuts& cuts, int64_t first, int64_t num_rows) {
    Cuts within;
    const auto end = cuts.lower_bound(first + num_rows);
    for (auto cut = cuts.upper_bound(first); cut != end; ++cut) within.insert(*cut - first);
    return within;
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

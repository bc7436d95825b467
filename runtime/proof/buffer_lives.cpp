#include "runtime/proof/buffer_lives.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "runtime/proof/buffer_overlap.h"
#include "runtime/proof/in_place.h"

namespace graphrt {
namespace {

/// An access, `span` intervals after the write of what it reads; 0 for that write itself.
struct Use {
  InstructionId instruction;
  int32_t span = 0;
};

/// Rows of a buffer that every access touches all of, or none.
struct Piece {
  BufferId buffer;
  RowRange rows;
  BufferRegion region;
  InstructionId writer;
  std::vector<Use> last_uses;  ///< one a lane: it is after all others of its lane
};

class LivesOfGroup {
 public:
  LivesOfGroup(const Plan& plan, const BufferUses& uses, const PlanOrder& order)
      : plan_(plan), uses_(uses), order_(order) {}

  bool follow_each_other(const std::vector<BufferId>& group) {
    int64_t period = 1;
    for (const BufferId buffer : group) {
      period = std::lcm(period, int64_t{plan_.buffers[buffer].versions});
      if (period > kMaxStepsInFlight) return false;
      add_pieces(buffer);
    }
    std::sort(pieces_.begin(), pieces_.end(), [&](const Piece& a, const Piece& b) {
      return order_.rank(a.writer) < order_.rank(b.writer);
    });
    // From the second period on, what each byte held before is known; later ones repeat it.
    for (int32_t interval = 0; interval < 2 * period; ++interval) {
      for (const Piece& piece : pieces_) {
        if (!begin_life({&piece, interval})) return false;
      }
    }
    return true;
  }

 private:
  /// What `piece` holds from the write in `interval` on.
  struct Life {
    const Piece* piece = nullptr;
    int32_t interval = 0;
  };
  struct Tenancy {
    int64_t end = 0;
    Life life;
  };

  void add_pieces(BufferId buffer) {
    const TensorType& type = plan_.buffers[buffer].type;
    const size_t first = pieces_.size();
    std::vector<int64_t> cuts;
    for (const InstructionId writer : uses_.writers[buffer]) {
      const RowRange rows = rows_or_all(type, written_rows(plan_.instructions[writer], buffer));
      cuts.insert(cuts.end(), {rows.begin, rows.end});
    }
    for (const ProducedRead& read : uses_.reads[buffer]) {
      const RowRange rows = rows_or_all(type, read.operand->rows);
      if (read.operand->rows) cuts.insert(cuts.end(), {rows.begin, rows.end});
    }
    std::sort(cuts.begin(), cuts.end());
    cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
    for (size_t i = 1; i < cuts.size(); ++i) {
      const RowRange rows{cuts[i - 1], cuts[i]};
      pieces_.push_back({buffer, rows, region_of_rows(buffer, rows), {}, {}});
    }
    for (const InstructionId writer : uses_.writers[buffer]) {
      const RowRange rows = rows_or_all(type, written_rows(plan_.instructions[writer], buffer));
      for_pieces(first, rows, [&](Piece& piece) {
        piece.writer = writer;
        add_use(piece, {writer, 0});
      });
    }
    for (const ProducedRead& read : uses_.reads[buffer]) {
      const RowRange rows =
          common_rows(rows_or_all(type, read.operand->rows),
                      rows_or_all(type, written_rows(plan_.instructions[read.producer], buffer)));
      for_pieces(first, rows,
                 [&](Piece& piece) { add_use(piece, {read.reader, span_of(plan_, read)}); });
    }
  }

  BufferRegion region_of_rows(BufferId buffer, const RowRange& rows) const {
    const TensorType& type = plan_.buffers[buffer].type;
    if (rows == rows_or_all(type, {})) return region_of(plan_.buffers[buffer]);
    return region_of(plan_.buffers[buffer], rows);
  }

  /// Those from number `first` on that lie within `rows`.
  template <class Visit>
  void for_pieces(size_t first, const RowRange& rows, Visit visit) {
    auto piece = std::lower_bound(
        pieces_.begin() + static_cast<std::ptrdiff_t>(first), pieces_.end(), rows.begin,
        [](const Piece& other, int64_t begin) { return other.rows.begin < begin; });
    for (; piece != pieces_.end() && piece->rows.end <= rows.end; ++piece) visit(*piece);
  }

  void add_use(Piece& piece, const Use& use) const {
    const Position& place = order_.place(use.instruction);
    for (Use& known : piece.last_uses) {
      const Position& known_place = order_.place(known.instruction);
      if (known_place.lane != place.lane) continue;
      if (std::pair(known.span, known_place.index) < std::pair(use.span, place.index)) known = use;
      return;
    }
    piece.last_uses.push_back(use);
  }

  /// Gives the life its bytes, if all lives that had some of them are over by then.
  bool begin_life(const Life& life) {
    const BufferRegion& region = life.piece->region;
    const int32_t step = life.interval - plan_.instructions[life.piece->writer].stage;
    const int32_t version = (step % region.versions + region.versions) % region.versions;
    const ByteRange bytes = version_bytes(region, version);
    auto at = tenancies_.lower_bound(bytes.begin);
    if (at != tenancies_.begin() && std::prev(at)->second.end > bytes.begin) --at;
    while (at != tenancies_.end() && at->first < bytes.end) {
      const int64_t begin = at->first;
      const Tenancy before = at->second;
      if (!is_over(before.life, life)) return false;
      at = tenancies_.erase(at);
      if (begin < bytes.begin) {
        tenancies_.emplace_hint(at, begin, Tenancy{bytes.begin, before.life});
      }
      if (bytes.end < before.end) at = tenancies_.emplace_hint(at, bytes.end, before);
    }
    tenancies_.emplace_hint(at, bytes.begin, Tenancy{bytes.end, life});
    return true;
  }

  /// Whether all accesses of `life` are over before the write of `next`, or are that write's own
  /// reads, in place. A buffer's own versions are compared elsewhere.
  bool is_over(const Life& life, const Life& next) const {
    if (life.piece->buffer == next.piece->buffer) return true;
    const InstructionId write = next.piece->writer;
    // Two results of one instruction are there at the same time.
    if (life.piece->writer == write && life.interval == next.interval) return false;
    for (const Use& use : life.piece->last_uses) {
      const int32_t distance = next.interval - (life.interval + use.span);
      if (order_.is_ordered(use.instruction, write, distance)) continue;
      if (use.instruction == write && distance == 0 &&
          writes_in_place(use, *life.piece, next.piece->buffer)) {
        continue;
      }
      return false;
    }
    return true;
  }

  /// Whether the instruction of `use` may write to `written` what it reads of `piece`.
  bool writes_in_place(const Use& use, const Piece& piece, BufferId written) const {
    const Instruction& instruction = plan_.instructions[use.instruction];
    const int32_t distance = use.span + plan_.instructions[piece.writer].stage - instruction.stage;
    return std::all_of(instruction.reads.begin(), instruction.reads.end(),
                       [&](const Operand& operand) {
                         return operand.buffer != piece.buffer || operand.distance != distance ||
                                may_write_over(plan_, use.instruction, operand, written);
                       });
  }

  const Plan& plan_;
  const BufferUses& uses_;
  const PlanOrder& order_;
  std::vector<Piece> pieces_;
  std::map<int64_t, Tenancy> tenancies_;  // by their first byte; they do not overlap
};

}  // namespace

BufferUses::BufferUses(const Plan& plan)
    : writers(writers_of_buffers(plan)), reads(plan.buffers.size()) {
  for (const InstructionId id : plan.instructions.ids()) {
    for (const Operand& operand : plan.instructions[id].reads) {
      for (const InstructionId producer : operand.producers) {
        reads[operand.buffer].push_back({id, &operand, producer});
      }
    }
  }
}

int32_t span_of(const Plan& plan, const ProducedRead& read) {
  return read.operand->distance + plan.instructions[read.reader].stage -
         plan.instructions[read.producer].stage;
}

bool lives_follow_each_other(const Plan& plan, const BufferUses& uses, const PlanOrder& order,
                             const std::vector<BufferId>& group) {
  return LivesOfGroup(plan, uses, order).follow_each_other(group);
}

}  // namespace graphrt

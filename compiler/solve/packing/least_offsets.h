#pragma once

#include <limits>
#include <utility>
#include <vector>

#include "compiler/solve/packing/strip.h"

namespace graphc {

/// The state of a search that places blocks from the bottom to the top: what is placed, and for all
/// that is open the least offset at which it can still end up under a capacity. All of it can be
/// taken back.
///
/// A section is full of blocks that lie on each other, so each is a machine and its blocks are
/// jobs. The rules are those of disjunctive scheduling, cheap ones:
///   load          what is open in a section lies above the lowest of it and below the capacity;
///                 so does what is open above the top of the block that was placed last;
///   not first     what cannot be the lowest of a section lies on something that can;
///   passed over   a block that was not placed where it would drop to lies on an open neighbour.
/// The first two after M. Moffitt, "MiniMalloc", ASPLOS 2023 (floors of sections) and J. Carlier,
/// E. Pinson, "An algorithm for solving the job-shop problem", Management Science 35(2), 1989.
class LeastOffsets {
 public:
  struct SectionRange {
    int32_t begin = 0;
    int32_t end = 0;
  };

  /// Cost: O(pairs of blocks that overlap + blocks x sections of a block).
  explicit LeastOffsets(const Strip& strip);

  /// Forgets all that was placed.
  void start(int64_t capacity_bytes);

  bool is_open(int32_t id) const { return open_bytes_[to_index(id)] != 0; }
  /// The lowest offset above all that is placed: after placing, where it lies.
  int64_t drop_bytes(int32_t id) const { return drop_bytes_[to_index(id)]; }
  bool is_passed(int32_t id) const { return passed_bytes_[to_index(id)] == drop_bytes(id); }
  /// How many of the two edges of a block meet something higher than the place where it drops.
  int num_walls(int32_t id, SectionRange range) const;
  /// Blocks of the same life.
  const std::vector<int32_t>& twins(int32_t id) const { return twins_[to_index(id)]; }
  const Block& block(int32_t id) const { return blocks_[to_index(id)]; }
  /// Where open blocks are, cut where none of them crosses.
  void find_parts(SectionRange range, std::vector<SectionRange>& parts) const;

  /// All that is open in `range` will lie at `bottom_bytes` or above. False if that is impossible.
  /// `open` names all that may be open there.
  bool place(int32_t id, const std::vector<int32_t>& open, SectionRange range);
  /// From now on it does not end up where it drops to now. False if that is impossible.
  bool pass(int32_t id);

  size_t num_changes() const { return trail_.size(); }
  void undo_to(size_t num_changes);

 private:
  /// What was overwritten.
  struct Change {
    int64_t* place;
    int64_t old_value;
  };

  void overwrite(int64_t& place, int64_t value) {
    trail_.push_back({&place, place});
    place = value;
  }
  bool lift(int32_t id, int64_t bottom_bytes);
  bool raise(int32_t id, int64_t least_bytes);
  bool tighten(int64_t bottom_bytes, int64_t top_bytes);
  bool tighten_section(int32_t section, int64_t bottom_bytes, int64_t top_bytes);

  static constexpr int64_t kPlacedBytes = std::numeric_limits<int64_t>::max();

  std::vector<Block> blocks_;
  std::vector<std::vector<int32_t>> neighbours_;  ///< by block: who is alive at the same time
  std::vector<std::vector<int32_t>> twins_;       ///< by block
  std::vector<std::vector<int32_t>> members_;     ///< by section
  int64_t capacity_bytes_ = 0;
  std::vector<int64_t> open_bytes_;    ///< by block: its size, 0 once placed
  std::vector<int64_t> drop_bytes_;    ///< by block
  std::vector<int64_t> least_bytes_;   ///< by block; kPlacedBytes once placed
  std::vector<int64_t> passed_bytes_;  ///< by block: where it was not placed, or -1
  std::vector<int64_t> load_bytes_;    ///< by section: of its open blocks
  std::vector<int64_t> num_across_;    ///< by section: open blocks also in the one before
  std::vector<int64_t> top_bytes_;     ///< by section: of what is placed
  std::vector<int32_t> support_;       ///< by block: a neighbour that it may come to lie on, or -1
  SectionRange changed_;               ///< sections to be looked at
  std::vector<Change> trail_;
};

}  // namespace graphc

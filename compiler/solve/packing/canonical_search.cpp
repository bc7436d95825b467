#include "compiler/solve/packing/canonical_search.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "compiler/solve/packing/search_ranks.h"

namespace graphc {
namespace {

/// Every round tries the fixed ranks and this many new random ones.
constexpr int64_t kRandomRanksPerRound = 8;

using Rank = int32_t;
using Section = int32_t;

struct SectionRange {
  Section begin = 0;
  Section end = 0;
};

/// Where the last block went: the next one comes later in the order of offset, then rank.
struct LastPlaced {
  int64_t offset_bytes = 0;
  Rank rank = -1;

  auto operator<=>(const LastPlaced&) const = default;
};

/// What was overwritten, to be undone.
struct Change {
  int64_t* place;
  int64_t old_value;
};

/// One search with one rank; blocks are known by it.
class RankedSearch {
 public:
  RankedSearch(const Strip& strip, const BlockOrder& block_of_rank, int64_t capacity_bytes,
               int64_t max_steps);

  SearchEnd run() {
    std::vector<Rank> all(blocks_.size());
    std::iota(all.begin(), all.end(), 0);
    return search(all, {0, num_sections_}, LastPlaced{0, -1});
  }
  int64_t num_steps() const { return num_steps_; }
  int64_t offset_bytes(Rank rank) const { return offset_bytes_[to_index(rank)]; }

 private:
  const Block& block(Rank rank) const { return blocks_[to_index(rank)]; }

  SearchEnd search(const std::vector<Rank>& open, SectionRange range, LastPlaced last);
  SearchEnd search_parts(const std::vector<Rank>& open, SectionRange range, LastPlaced last);
  bool lift_stale(const std::vector<Rank>& open, LastPlaced last);
  int64_t lowest_way_up(Rank rank, int64_t from_bytes) const;
  bool place(Rank rank, SectionRange range);
  void take_back(Rank rank, size_t trail_size);
  bool raise_floors(Section begin, Section end);
  void overwrite(int64_t& place, int64_t value) {
    trail_.push_back({&place, place});
    place = value;
  }
  void undo_to(size_t trail_size);

  int64_t capacity_bytes_;
  int64_t steps_left_;
  int64_t num_steps_ = 0;
  int32_t num_sections_;
  std::vector<Block> blocks_;
  std::vector<std::vector<Rank>> neighbours_;  ///< by rank: who is alive at the same time
  std::vector<std::vector<Rank>> members_;     ///< by section
  std::vector<char> is_open_;                  ///< by rank: not placed yet
  std::vector<int64_t> offset_bytes_;          ///< by rank, once placed
  std::vector<int64_t> drop_bytes_;   ///< by rank: the lowest offset above all placed neighbours
  std::vector<int64_t> least_bytes_;  ///< by rank: no lower offset is possible any more
  std::vector<int64_t> floor_bytes_;  ///< by section: least of its open blocks
  std::vector<int64_t> open_bytes_;   ///< by section: total of its open blocks
  std::vector<int32_t> num_across_;   ///< by section: open blocks that also are in the one before
  std::vector<Change> trail_;
};

RankedSearch::RankedSearch(const Strip& strip, const BlockOrder& block_of_rank,
                           int64_t capacity_bytes, int64_t max_steps)
    : capacity_bytes_(capacity_bytes),
      steps_left_(max_steps),
      num_sections_(strip.num_sections),
      neighbours_(strip.blocks.size()),
      members_(to_index(strip.num_sections)),
      is_open_(strip.blocks.size(), 1),
      offset_bytes_(strip.blocks.size(), 0),
      drop_bytes_(strip.blocks.size(), 0),
      least_bytes_(strip.blocks.size(), 0),
      floor_bytes_(to_index(strip.num_sections), 0),
      open_bytes_(to_index(strip.num_sections), 0),
      num_across_(to_index(strip.num_sections), 0) {
  for (const int32_t id : block_of_rank) blocks_.push_back(strip.blocks[to_index(id)]);
  for (Rank rank = 0; to_index(rank) < blocks_.size(); ++rank) {
    for (Rank other = 0; to_index(other) < blocks_.size(); ++other) {
      if (other == rank || !overlap_in_time(block(rank), block(other))) continue;
      neighbours_[to_index(rank)].push_back(other);
    }
    for (Section section = block(rank).begin; section < block(rank).end; ++section) {
      members_[to_index(section)].push_back(rank);
      open_bytes_[to_index(section)] += block(rank).size_bytes;
      if (section > block(rank).begin) ++num_across_[to_index(section)];
    }
  }
}

/// Places all of `open`, whose sections are `range`, or nothing.
SearchEnd RankedSearch::search(const std::vector<Rank>& open, SectionRange range, LastPlaced last) {
  if (steps_left_ <= 0) return SearchEnd::kOutOfBudget;
  steps_left_ -= static_cast<int64_t>(open.size());
  num_steps_ += static_cast<int64_t>(open.size());
  const size_t trail_size = trail_.size();
  // An open block left entirely below a gap could fall into it.
  int64_t lowest_top_bytes = std::numeric_limits<int64_t>::max();
  for (const Rank rank : open) {
    lowest_top_bytes =
        std::min(lowest_top_bytes, drop_bytes_[to_index(rank)] + block(rank).size_bytes);
  }
  std::vector<LastPlaced> candidates;
  for (const Rank rank : open) {
    const LastPlaced position{drop_bytes_[to_index(rank)], rank};
    if (position < last || position.offset_bytes >= lowest_top_bytes) continue;
    candidates.push_back(position);
  }
  std::sort(candidates.begin(), candidates.end());
  for (const LastPlaced& candidate : candidates) {
    // Whatever came before this one in the order now has to wait for something to lift it.
    if (!lift_stale(open, candidate)) break;
    const size_t before_placing = trail_.size();
    SearchEnd end = SearchEnd::kImpossible;
    if (place(candidate.rank, range)) end = search_parts(open, range, candidate);
    if (end == SearchEnd::kFound) return end;
    take_back(candidate.rank, before_placing);
    if (end == SearchEnd::kOutOfBudget) {
      undo_to(trail_size);
      return end;
    }
  }
  undo_to(trail_size);
  return SearchEnd::kImpossible;
}

/// After a block was placed: the rest falls apart where no open block crosses. Each part is a
/// search of its own, and one that fails fails all.
SearchEnd RankedSearch::search_parts(const std::vector<Rank>& open, SectionRange range,
                                     LastPlaced last) {
  std::vector<std::vector<Rank>> parts;
  std::vector<SectionRange> ranges;
  for (Section begin = range.begin; begin < range.end;) {
    Section end = begin + 1;
    while (end < range.end && num_across_[to_index(end)] > 0) ++end;
    if (open_bytes_[to_index(begin)] > 0) ranges.push_back({begin, end});
    begin = end;
  }
  for (const SectionRange& part : ranges) {
    parts.emplace_back();
    for (const Rank rank : open) {
      if (!is_open_[to_index(rank)]) continue;
      if (block(rank).begin >= part.begin && block(rank).end <= part.end) {
        parts.back().push_back(rank);
      }
    }
  }
  std::vector<size_t> order(parts.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return parts[a].size() < parts[b].size(); });
  for (size_t i = 0; i < order.size(); ++i) {
    const SearchEnd end = search(parts[order[i]], ranges[order[i]], last);
    if (end == SearchEnd::kFound) continue;
    // What the parts before this one placed is taken back.
    for (size_t j = 0; j < i; ++j) {
      for (const Rank rank : parts[order[j]]) {
        is_open_[to_index(rank)] = 1;
        for (Section s = block(rank).begin; s < block(rank).end; ++s) {
          open_bytes_[to_index(s)] += block(rank).size_bytes;
          if (s > block(rank).begin) ++num_across_[to_index(s)];
        }
      }
    }
    return end;
  }
  return SearchEnd::kFound;
}

/// Raises the least offset of the open blocks whose turn has passed: they end up on an open
/// neighbour that goes below them. False if one has none, or if a section overflows.
bool RankedSearch::lift_stale(const std::vector<Rank>& open, LastPlaced last) {
  for (const Rank rank : open) {
    if (LastPlaced{drop_bytes_[to_index(rank)], rank} >= last) continue;
    const int64_t lifted_bytes = lowest_way_up(rank, last.offset_bytes);
    if (lifted_bytes == std::numeric_limits<int64_t>::max()) return false;
    if (lifted_bytes <= least_bytes_[to_index(rank)]) continue;
    overwrite(least_bytes_[to_index(rank)], lifted_bytes);
    if (!raise_floors(block(rank).begin, block(rank).end)) return false;
  }
  return true;
}

int64_t RankedSearch::lowest_way_up(Rank rank, int64_t from_bytes) const {
  int64_t lowest_bytes = std::numeric_limits<int64_t>::max();
  for (const Rank other : neighbours_[to_index(rank)]) {
    if (!is_open_[to_index(other)]) continue;
    const int64_t top_bytes =
        std::max(from_bytes, least_bytes_[to_index(other)]) + block(other).size_bytes;
    lowest_bytes = std::min(lowest_bytes, top_bytes);
  }
  return lowest_bytes;
}

/// Places a block where it drops. False if a section of `range` overflows then.
bool RankedSearch::place(Rank rank, SectionRange range) {
  const Block& placed = block(rank);
  const int64_t offset_bytes = drop_bytes_[to_index(rank)];
  const int64_t top_bytes = offset_bytes + placed.size_bytes;
  offset_bytes_[to_index(rank)] = offset_bytes;
  is_open_[to_index(rank)] = 0;
  for (Section section = placed.begin; section < placed.end; ++section) {
    open_bytes_[to_index(section)] -= placed.size_bytes;
    if (section > placed.begin) --num_across_[to_index(section)];
  }
  Section begin = placed.begin;
  Section end = placed.end;
  for (const Rank other : neighbours_[to_index(rank)]) {
    if (!is_open_[to_index(other)] || drop_bytes_[to_index(other)] >= top_bytes) continue;
    overwrite(drop_bytes_[to_index(other)], top_bytes);
    if (least_bytes_[to_index(other)] >= top_bytes) continue;
    overwrite(least_bytes_[to_index(other)], top_bytes);
    begin = std::min(begin, block(other).begin);
    end = std::max(end, block(other).end);
  }
  if (!raise_floors(begin, end)) return false;
  for (Section section = range.begin; section < range.end; ++section) {
    const int64_t floor_bytes = std::max(offset_bytes, floor_bytes_[to_index(section)]);
    if (open_bytes_[to_index(section)] > 0 &&
        floor_bytes > capacity_bytes_ - open_bytes_[to_index(section)]) {
      return false;
    }
  }
  return true;
}

void RankedSearch::take_back(Rank rank, size_t trail_size) {
  const Block& placed = block(rank);
  undo_to(trail_size);
  is_open_[to_index(rank)] = 1;
  for (Section section = placed.begin; section < placed.end; ++section) {
    open_bytes_[to_index(section)] += placed.size_bytes;
    if (section > placed.begin) ++num_across_[to_index(section)];
  }
}

bool RankedSearch::raise_floors(Section begin, Section end) {
  for (Section section = begin; section < end; ++section) {
    if (open_bytes_[to_index(section)] == 0) continue;
    int64_t floor_bytes = std::numeric_limits<int64_t>::max();
    for (const Rank member : members_[to_index(section)]) {
      if (is_open_[to_index(member)])
        floor_bytes = std::min(floor_bytes, least_bytes_[to_index(member)]);
    }
    if (floor_bytes <= floor_bytes_[to_index(section)]) continue;
    if (floor_bytes > capacity_bytes_ - open_bytes_[to_index(section)]) return false;
    overwrite(floor_bytes_[to_index(section)], floor_bytes);
  }
  return true;
}

void RankedSearch::undo_to(size_t trail_size) {
  while (trail_.size() > trail_size) {
    *trail_.back().place = trail_.back().old_value;
    trail_.pop_back();
  }
}

StripPacking packing_of(const RankedSearch& search, const Strip& strip,
                        const BlockOrder& block_of_rank) {
  StripPacking packing{std::vector<int64_t>(strip.blocks.size(), 0), 0};
  for (Rank rank = 0; to_index(rank) < block_of_rank.size(); ++rank) {
    const size_t id = to_index(block_of_rank[to_index(rank)]);
    packing.offset_bytes[id] = search.offset_bytes(rank);
    packing.height_bytes =
        std::max(packing.height_bytes, packing.offset_bytes[id] + strip.blocks[id].size_bytes);
  }
  return packing;
}

}  // namespace

SearchResult search_canonical(const Strip& strip, int64_t capacity_bytes, int64_t max_steps) {
  SearchResult result;
  if (strip.max_load_bytes > capacity_bytes) {
    result.end = SearchEnd::kImpossible;
    return result;
  }
  const Ranks ranks(strip);
  constexpr int64_t kTries = Ranks::kNumFixed + kRandomRanksPerRound;
  // Straight down to a packing takes half of the square of the number of blocks.
  int64_t round_steps = static_cast<int64_t>(strip.blocks.size() * strip.blocks.size());
  for (int64_t round = 0; result.num_steps < max_steps; ++round, round_steps *= 2) {
    for (int64_t i = 0; i < kTries && result.num_steps < max_steps; ++i) {
      const int64_t number = i < Ranks::kNumFixed ? i : i + kRandomRanksPerRound * round;
      const BlockOrder block_of_rank = ranks.number(number);
      RankedSearch search(strip, block_of_rank, capacity_bytes,
                          std::min(round_steps, max_steps - result.num_steps));
      result.end = search.run();
      result.num_steps += search.num_steps();
      if (result.end == SearchEnd::kOutOfBudget) continue;
      if (result.end == SearchEnd::kImpossible) return result;
      result.packing = packing_of(search, strip, block_of_rank);
      return result;
    }
  }
  return result;
}

}  // namespace graphc

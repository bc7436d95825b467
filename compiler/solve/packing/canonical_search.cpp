#include "compiler/solve/packing/canonical_search.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <tuple>

#include "compiler/solve/packing/least_offsets.h"
#include "compiler/solve/packing/search_ranks.h"

namespace graphc {
namespace {

/// Every round tries the fixed ranks and this many new random ones.
constexpr int64_t kRandomRanksPerRound = 8;

using SectionRange = LeastOffsets::SectionRange;

/// Depth first, with one rank.
class RankedSearch {
 public:
  RankedSearch(LeastOffsets& state, const BlockOrder& order, bool prefers_walls, int64_t max_steps)
      : state_(state), rank_(order.size()), prefers_walls_(prefers_walls), steps_left_(max_steps) {
    for (size_t i = 0; i < order.size(); ++i) rank_[to_index(order[i])] = static_cast<int32_t>(i);
  }

  /// Places all of `open`, whose sections are `range`, or nothing.
  SearchEnd search(const std::vector<int32_t>& open, SectionRange range) {
    const size_t before = state_.num_changes();
    while (steps_left_ > 0) {
      steps_left_ -= static_cast<int64_t>(open.size());
      num_steps_ += static_cast<int64_t>(open.size());
      const int32_t next = choose(open, range);
      if (next < 0) break;
      const size_t before_placing = state_.num_changes();
      SearchEnd end = SearchEnd::kImpossible;
      if (!is_out_of_order(next) && state_.place(next, open, range))
        end = search_parts(open, range);
      if (end == SearchEnd::kFound) return end;
      state_.undo_to(before_placing);
      if (end == SearchEnd::kImpossible && !state_.pass(next)) break;
    }
    state_.undo_to(before);
    return steps_left_ > 0 ? SearchEnd::kImpossible : SearchEnd::kOutOfBudget;
  }
  int64_t num_steps() const { return num_steps_; }

 private:
  /// Which of the blocks that drop lowest goes there or never will; -1 if there is none.
  int32_t choose(const std::vector<int32_t>& open, SectionRange range) const {
    // An open block left entirely below a gap could fall into it.
    int64_t lowest_top_bytes = std::numeric_limits<int64_t>::max();
    std::tuple<int64_t, int, int32_t> best = {lowest_top_bytes, 0, 0};
    int32_t best_id = -1;
    for (const int32_t id : open) {
      const int64_t drop_bytes = state_.drop_bytes(id);
      lowest_top_bytes = std::min(lowest_top_bytes, drop_bytes + state_.block(id).size_bytes);
      if (drop_bytes > std::get<0>(best) || state_.is_passed(id)) continue;
      const int num_gaps = prefers_walls_ ? 2 - state_.num_walls(id, range) : 0;
      const std::tuple candidate = {drop_bytes, num_gaps, rank_[to_index(id)]};
      if (candidate >= best) continue;
      best = candidate;
      best_id = id;
    }
    return std::get<0>(best) < lowest_top_bytes ? best_id : -1;
  }

  /// Blocks of one life that lie on each other may change places: only one order is looked at. The
  /// other one was, where the lower of them lies.
  bool is_out_of_order(int32_t id) const {
    const std::vector<int32_t>& twins = state_.twins(id);
    return std::any_of(twins.begin(), twins.end(), [&](int32_t other) {
      return !state_.is_open(other) && rank_[to_index(other)] > rank_[to_index(id)] &&
             state_.drop_bytes(other) + state_.block(other).size_bytes == state_.drop_bytes(id);
    });
  }

  /// After a block was placed: the rest falls apart where no open block crosses. Each part is a
  /// search of its own, and one that fails fails all.
  SearchEnd search_parts(const std::vector<int32_t>& open, SectionRange range) {
    std::vector<SectionRange> ranges;
    state_.find_parts(range, ranges);
    std::vector<std::vector<int32_t>> parts(ranges.size());
    for (const int32_t id : open) {
      if (!state_.is_open(id)) continue;
      const auto after = std::upper_bound(
          ranges.begin(), ranges.end(), state_.block(id).begin,
          [](int32_t section, const SectionRange& part) { return section < part.begin; });
      parts[static_cast<size_t>(after - ranges.begin()) - 1].push_back(id);
    }
    std::vector<size_t> order(parts.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return parts[a].size() < parts[b].size(); });
    for (const size_t i : order) {
      const SearchEnd end = search(parts[i], ranges[i]);
      if (end != SearchEnd::kFound) return end;
    }
    return SearchEnd::kFound;
  }

  LeastOffsets& state_;
  std::vector<int32_t> rank_;  ///< by block
  bool prefers_walls_;
  int64_t steps_left_;
  int64_t num_steps_ = 0;
};

StripPacking packing_of(const LeastOffsets& state, const Strip& strip) {
  StripPacking packing;
  for (int32_t id = 0; to_index(id) < strip.blocks.size(); ++id) {
    packing.offset_bytes.push_back(state.drop_bytes(id));
    packing.height_bytes =
        std::max(packing.height_bytes, state.drop_bytes(id) + state.block(id).size_bytes);
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
  LeastOffsets state(strip);
  std::vector<int32_t> all(strip.blocks.size());
  std::iota(all.begin(), all.end(), 0);
  constexpr int64_t kTries = Ranks::kNumFixed + kRandomRanksPerRound;
  // Straight down to a packing takes half of the square of the number of blocks.
  int64_t round_steps = static_cast<int64_t>(strip.blocks.size() * strip.blocks.size());
  for (int64_t round = 0; result.num_steps < max_steps; ++round, round_steps *= 2) {
    for (int64_t i = 0; i < kTries && result.num_steps < max_steps; ++i) {
      const int64_t number = i < Ranks::kNumFixed ? i : i + kRandomRanksPerRound * round;
      const bool prefers_walls = (i + round) % 2 == 1;
      state.start(capacity_bytes);
      RankedSearch search(state, ranks.number(number), prefers_walls,
                          std::min(round_steps, max_steps - result.num_steps));
      result.end = search.search(all, {0, strip.num_sections});
      result.num_steps += search.num_steps();
      if (result.end == SearchEnd::kOutOfBudget) continue;
      if (result.end == SearchEnd::kFound) result.packing = packing_of(state, strip);
      return result;
    }
  }
  return result;
}

}  // namespace graphc

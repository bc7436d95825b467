#include "compiler/solve/packing/box_search.h"

#include <algorithm>

namespace graphc {
namespace {

constexpr size_t kMaxSearchedBoxes = 2048;
constexpr size_t kMaxKeptTries = 8;
/// Random ways to join before the first search, and at most.
constexpr uint32_t kFirstRandomTries = 16;
constexpr uint32_t kMaxRandomTries = 1024;
/// Joining n blocks takes about as long as this many steps of a search, times n.
constexpr int64_t kStepsPerJoinedBlock = 24;

/// Straight down to a packing takes half of the square of the number of boxes, with each rank.
int64_t first_limit(const BoxedStrip& boxed) {
  constexpr int64_t kRanks = 12;
  const auto num_boxes = static_cast<int64_t>(boxed.nodes.size());
  return kRanks * num_boxes * num_boxes;
}

}  // namespace

BoxSearch::BoxSearch(const Strip& strip, std::vector<BoxedStrip> first) : strip_(strip) {
  // Where one order joins nothing, no other does.
  for (const BoxedStrip& boxed : first) is_joinable_ = is_joinable_ && !boxed.joints.empty();
  if (!is_joinable_) return;
  for (BoxedStrip& boxed : first) offer(std::move(boxed));
}

void BoxSearch::offer(BoxedStrip boxed) {
  if (boxed.nodes.size() > kMaxSearchedBoxes) return;
  const auto after = std::upper_bound(
      tries_.begin(), tries_.end(), boxed.nodes.size(),
      [](size_t num_boxes, const Try& other) { return num_boxes < other.boxed.nodes.size(); });
  tries_.insert(after, {std::move(boxed)});
  if (tries_.size() > kMaxKeptTries) tries_.pop_back();
}

/// As many as there are already, as far as the steps last. Returns the steps that it took.
int64_t BoxSearch::add_tries(int64_t max_steps) {
  if (!is_joinable_ || strip_.blocks.size() > kMaxSearchedBoxes) return 0;
  const int64_t steps_per_try = kStepsPerJoinedBlock * static_cast<int64_t>(strip_.blocks.size());
  const uint32_t wanted =
      std::min(std::max(2 * num_random_tries_, kFirstRandomTries), kMaxRandomTries);
  int64_t num_steps = 0;
  while (num_random_tries_ < wanted && num_steps + steps_per_try <= max_steps) {
    offer(join_at_random(strip_, num_random_tries_++));
    num_steps += steps_per_try;
  }
  return num_steps;
}

SearchResult BoxSearch::search(int64_t capacity_bytes, int64_t max_steps) {
  SearchResult result;
  for (int64_t scale = 1; result.num_steps < max_steps; scale *= 2) {
    // A quarter of what is left: most of the work is to search.
    result.num_steps += add_tries((max_steps - result.num_steps) / 4);
    bool is_any_open = false;
    for (Try& next : tries_) {
      if (next.impossible_bytes >= capacity_bytes || result.num_steps >= max_steps) continue;
      is_any_open = true;
      const int64_t limit = std::min(scale * first_limit(next.boxed), max_steps - result.num_steps);
      const SearchResult found = search_canonical(next.boxed.strip, capacity_bytes, limit);
      result.num_steps += found.num_steps;
      if (found.end == SearchEnd::kImpossible) next.impossible_bytes = capacity_bytes;
      if (found.end != SearchEnd::kFound) continue;
      result.end = SearchEnd::kFound;
      result.packing = unboxed(next.boxed, found.packing, strip_);
      return result;
    }
    if (!is_any_open) break;
  }
  return result;
}

}  // namespace graphc

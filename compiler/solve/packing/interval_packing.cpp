#include "compiler/solve/packing/interval_packing.h"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>

#include "compiler/solve/packing/box_search.h"
#include "compiler/solve/packing/canonical_search.h"
#include "compiler/solve/packing/order_search.h"
#include "compiler/solve/packing/valley_fill.h"

namespace graphc {
namespace {

constexpr int64_t kNoLimit = std::numeric_limits<int64_t>::max();
/// First fit looks at all that is alive around a block; beyond this many pairs it is left out.
constexpr int64_t kMaxFirstFitOverlaps = 50'000'000;
/// The exact search lists all overlaps of all blocks.
constexpr size_t kMaxExactBlocks = 2048;
constexpr int64_t kOrdersPerIntervalStart = 24;

/// Blocks by the size of `key`, the largest first.
template <class Key>
BlockOrder order_by(const Strip& strip, Key key) {
  BlockOrder order(strip.blocks.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    return key(strip.blocks[static_cast<size_t>(a)]) > key(strip.blocks[static_cast<size_t>(b)]);
  });
  return order;
}

/// Powers of width against size, none best everywhere. Products of doubles only: the same order on
/// every machine.
std::vector<BlockOrder> valley_orders(const Strip& strip) {
  const auto width = [](const Block& block) { return static_cast<double>(block.num_sections()); };
  const auto size = [](const Block& block) { return static_cast<double>(block.size_bytes); };
  return {
      order_by(strip,
               [&](const Block& b) { return width(b) * width(b) * width(b) * size(b) * size(b); }),
      order_by(strip, [&](const Block& b) { return width(b) * size(b); }),
      order_by(strip, size),
  };
}

/// Width counts most, size decides between like widths: what levels out best where many small
/// blocks lie on each other.
BlockOrder widest_order(const Strip& strip) {
  return order_by(strip, [](const Block& block) {
    const auto width = static_cast<double>(block.num_sections());
    const double cube = width * width * width;
    return cube * cube * static_cast<double>(block.size_bytes);
  });
}

/// Those worth a try before any search.
std::vector<std::pair<BlockOrder, EdgeFit>> first_fills(const Strip& strip) {
  const BlockOrder by_area = valley_orders(strip)[0];
  return {
      {widest_order(strip), EdgeFit::kOne}, {by_area, EdgeFit::kBoth}, {by_area, EdgeFit::kAny}};
}

constexpr std::array kEdgeFits = {EdgeFit::kBoth, EdgeFit::kBothThenOne, EdgeFit::kAny,
                                  EdgeFit::kOne};

/// One strip, from the quick tiers to the thorough ones, until the target is reached.
class StripPacker {
 public:
  StripPacker(const Strip& strip, int64_t target_bytes, const PackingGoal& goal)
      : strip_(strip),
        target_bytes_(target_bytes),
        max_placements_(goal.max_placements),
        steps_left_(goal.max_search_steps) {
    for (const Block& block : strip.blocks) size_bytes_.push_back(block.size_bytes);
  }

  StripPacking pack() {
    fill_boxes_once();
    // What takes least time goes first: valleys of a million blocks take longer than their boxes.
    if (!is_done() && is_searchable()) fill_valleys_once();
    if (!is_done()) probe_boxes(target_bytes_, steps_left_ / 2);
    if (!is_done() && !is_searchable()) fill_valleys_once();
    if (!is_done()) try_target();
    if (!is_done()) search_valley_orders();
    if (!is_done()) try_greedy_orders();
    if (!is_done()) descend();
    return std::move(*best_);
  }

 private:
  bool is_done() const { return best_ && best_->height_bytes <= target_bytes_; }
  bool is_searchable() const { return strip_.blocks.size() <= kMaxExactBlocks; }
  int64_t best_bytes() const { return best_ ? best_->height_bytes : kNoLimit; }

  void offer(StripPacking packing) {
    if (packing.height_bytes < best_bytes()) best_ = std::move(packing);
  }

  /// Tier 0: what fits together without a gap may belong together.
  void fill_boxes_once() {
    std::vector<BoxedStrip> joined;
    for (const BoxOrder order : {BoxOrder::kStacksFirst, BoxOrder::kRelaysFirst}) {
      joined.push_back(join_into_boxes(strip_, order));
      const BoxedStrip& boxed = joined.back();
      if (boxed.joints.empty()) break;
      for (const auto& [valley_order, fit] : first_fills(boxed.strip)) {
        offer(unboxed(boxed, fill_valleys(boxed.strip, valley_order, fit), strip_));
        if (is_done()) return;
      }
    }
    boxes_.emplace(strip_, std::move(joined));
  }

  /// Tier 1.
  void fill_valleys_once() {
    for (const auto& [order, fit] : first_fills(strip_)) {
      if (!is_done()) offer(fill_valleys(strip_, order, fit));
    }
  }

  void try_greedy_orders() {
    if (strip_.num_overlaps > kMaxFirstFitOverlaps) return;
    for (const BlockOrder& order : greedy_orders(strip_)) {
      if (is_done()) return;
      if (auto packing = first_fit(strip_, order, best_bytes())) offer(*std::move(packing));
    }
  }

  /// Tier 2: from every order, with large and then with smaller steps.
  void search_valley_orders() {
    const auto num_blocks = static_cast<int64_t>(strip_.blocks.size());
    int64_t orders_left = max_placements_ / num_blocks;
    if (orders_left == 0) return;
    const std::vector<BlockOrder> starts = valley_orders(strip_);
    for (uint32_t i = 0; orders_left > 0 && !is_done(); ++i) {
      OrderSearch search;
      search.target_bytes = target_bytes_;
      search.max_orders = std::min(orders_left, kOrdersPerIntervalStart);
      search.largest_step =
          static_cast<int32_t>(std::max<int64_t>(num_blocks >> (2 + i / 4 % 3), 1));
      search.seed = i;
      const EdgeFit fit = kEdgeFits[i % kEdgeFits.size()];
      offer(
          search_orders(starts[i % starts.size()], size_bytes_, search,
                        [&](const BlockOrder& order) { return fill_valleys(strip_, order, fit); }));
      orders_left -= search.max_orders;
    }
  }

  /// Tier 3: often straight to the target, as fast as any heuristic.
  void try_target() {
    if (is_searchable()) probe(target_bytes_, steps_left_ / 2);
  }

  /// Halves the range between what is packed and what is not, as long as the budget lasts.
  void descend() {
    if (!is_searchable()) return;
    int64_t impossible_bytes = target_bytes_ - 1;
    if (is_target_impossible_) impossible_bytes = target_bytes_;
    while (steps_left_ > 0 && impossible_bytes + 1 < best_bytes()) {
      const int64_t middle_bytes =
          impossible_bytes + std::max<int64_t>((best_bytes() - impossible_bytes) / 2, 1);
      if (probe_boxes(middle_bytes, steps_left_ / 8 + 1) == SearchEnd::kFound) continue;
      if (probe(middle_bytes, steps_left_ / 4 + 1) == SearchEnd::kFound) continue;
      impossible_bytes = middle_bytes;  // or given up
    }
  }

  SearchEnd probe_boxes(int64_t capacity_bytes, int64_t max_steps) {
    SearchResult result = boxes_->search(capacity_bytes, max_steps);
    steps_left_ -= result.num_steps;
    if (result.end == SearchEnd::kFound) offer(std::move(result.packing));
    return result.end;
  }

  SearchEnd probe(int64_t capacity_bytes, int64_t max_steps) {
    SearchResult result = search_canonical(strip_, capacity_bytes, max_steps);
    steps_left_ -= result.num_steps;
    if (result.end == SearchEnd::kFound) offer(std::move(result.packing));
    if (result.end == SearchEnd::kImpossible && capacity_bytes == target_bytes_) {
      is_target_impossible_ = true;
    }
    return result.end;
  }

  const Strip& strip_;
  std::vector<int64_t> size_bytes_;
  int64_t target_bytes_;
  int64_t max_placements_;
  int64_t steps_left_;
  bool is_target_impossible_ = false;
  std::optional<BoxSearch> boxes_;  ///< once they were filled
  std::optional<StripPacking> best_;
};

}  // namespace

bool has_packable_sizes(const IntervalProblem& problem) {
  int64_t total_bytes = 0;
  for (const auto& [size_bytes, live] : problem.requests) {
    if (size_bytes < 0 || size_bytes > kNoLimit - 1 - total_bytes) return false;
    total_bytes += size_bytes;
  }
  return true;
}

int64_t max_load_bytes(const IntervalProblem& problem) {
  CHECK(has_packable_sizes(problem), "sizes are negative or too large to be added");
  int64_t load_bytes = 0;
  for (const Strip& strip : split_into_strips(problem)) {
    load_bytes = std::max(load_bytes, strip.max_load_bytes);
  }
  return load_bytes;
}

Packing pack_intervals(const IntervalProblem& problem, const PackingGoal& goal) {
  CHECK(has_packable_sizes(problem), "sizes are negative or too large to be added");
  std::vector<Strip> strips = split_into_strips(problem);
  // The fullest strip says how high the others may be.
  std::stable_sort(strips.begin(), strips.end(), [](const Strip& a, const Strip& b) {
    return a.max_load_bytes > b.max_load_bytes;
  });
  Packing packing{IdVector<RequestId, int64_t>(problem.requests.size(), 0), 0};
  const int64_t enough_bytes = goal.capacity_bytes.value_or(0);
  for (const Strip& strip : strips) {
    const int64_t target_bytes =
        std::max({strip.max_load_bytes, packing.arena_bytes, enough_bytes});
    const StripPacking packed = StripPacker(strip, target_bytes, goal).pack();
    packing.arena_bytes = std::max(packing.arena_bytes, packed.height_bytes);
    for (size_t id = 0; id < strip.requests.size(); ++id) {
      packing.offset_bytes[strip.requests[id]] = packed.offset_bytes[id];
    }
  }
  for (const auto& [size_bytes, live] : problem.requests) {  // alive or not, it has its bytes
    packing.arena_bytes = std::max(packing.arena_bytes, size_bytes);
  }
  return packing;
}

std::optional<PackingViolation> find_packing_violation(const IntervalProblem& problem,
                                                       const Packing& packing) {
  std::vector<RequestId> by_begin;
  for (const RequestId id : problem.requests.ids()) {
    const int64_t begin_bytes = packing.offset_bytes[id];
    const int64_t size_bytes = problem.requests[id].size_bytes;
    if (begin_bytes < 0 || begin_bytes > packing.arena_bytes - size_bytes) {
      return PackingViolation{id, id};
    }
    const LiveInterval& live = problem.requests[id].live;
    if (live.begin < live.end) by_begin.push_back(id);
  }
  std::stable_sort(by_begin.begin(), by_begin.end(), [&](RequestId a, RequestId b) {
    return problem.requests[a].live.begin < problem.requests[b].live.begin;
  });
  std::vector<RequestId> alive;
  for (const RequestId b : by_begin) {
    const int64_t now = problem.requests[b].live.begin;
    std::erase_if(alive, [&](RequestId a) { return problem.requests[a].live.end <= now; });
    const int64_t b_begin = packing.offset_bytes[b];
    const int64_t b_end = b_begin + problem.requests[b].size_bytes;
    for (const RequestId a : alive) {
      const int64_t a_begin = packing.offset_bytes[a];
      const int64_t a_end = a_begin + problem.requests[a].size_bytes;
      if (a_begin < b_end && b_begin < a_end) return PackingViolation{a, b};
    }
    alive.push_back(b);
  }
  return std::nullopt;
}

}  // namespace graphc

#include "compiler/solve/packing/arena_packing.h"

#include <algorithm>
#include <functional>

#include "compiler/solve/packing/order_search.h"

namespace graphc {
namespace {

using Order = std::vector<RequestId>;

/// The bound grows little after the first few seeds, its cost with each.
constexpr size_t kMaxBoundSeeds = 64;
/// Conflicts that the search over orders looks at: some tens of milliseconds.
constexpr int64_t kMaxLooks = 2'000'000;
constexpr int64_t kMaxOrders = 400;
constexpr int64_t kOrdersPerSectionStart = 50;

std::vector<Order> orders_of(const PackingProblem& problem) {
  Order as_given;
  for (const RequestId id : problem.size_bytes.ids()) as_given.push_back(id);
  Order by_size = as_given;
  std::stable_sort(by_size.begin(), by_size.end(), [&](RequestId a, RequestId b) {
    return problem.size_bytes[a] > problem.size_bytes[b];
  });
  Order by_conflicts = by_size;
  std::stable_sort(by_conflicts.begin(), by_conflicts.end(), [&](RequestId a, RequestId b) {
    return problem.conflicts[a].size() > problem.conflicts[b].size();
  });
  return {by_size, by_conflicts, as_given};
}

/// The lowest gap between taken ranges, given by [begin, end) in any order.
int64_t lowest_gap(std::vector<std::pair<int64_t, int64_t>> taken, int64_t size_bytes) {
  std::sort(taken.begin(), taken.end());
  int64_t offset = 0;
  for (const auto& [begin, end] : taken) {
    if (begin - offset >= size_bytes) return offset;
    offset = std::max(offset, end);
  }
  return offset;
}

Packing pack_in(const Order& order, const PackingProblem& problem) {
  Packing packing;
  packing.offset_bytes = IdVector<RequestId, int64_t>(problem.size_bytes.size(), 0);
  IdVector<RequestId, bool> is_placed(problem.size_bytes.size(), false);
  for (const RequestId id : order) {
    std::vector<std::pair<int64_t, int64_t>> taken;
    for (const RequestId other : problem.conflicts[id]) {
      if (!is_placed[other]) continue;
      const int64_t begin = packing.offset_bytes[other];
      taken.emplace_back(begin, begin + problem.size_bytes[other]);
    }
    const int64_t offset = lowest_gap(std::move(taken), problem.size_bytes[id]);
    packing.offset_bytes[id] = offset;
    packing.arena_bytes = std::max(packing.arena_bytes, offset + problem.size_bytes[id]);
    is_placed[id] = true;
  }
  return packing;
}

bool conflict(const PackingProblem& problem, RequestId a, RequestId b) {
  return std::binary_search(problem.conflicts[a].begin(), problem.conflicts[a].end(), b);
}

/// The requests with the most bytes of their own and around them: where heavy sets are likely.
Order most_contested(const PackingProblem& problem) {
  IdVector<RequestId, int64_t> around_bytes(problem.size_bytes.size(), 0);
  Order order;
  for (const RequestId id : problem.size_bytes.ids()) {
    order.push_back(id);
    around_bytes[id] = problem.size_bytes[id];
    for (const RequestId other : problem.conflicts[id]) {
      around_bytes[id] += problem.size_bytes[other];
    }
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](RequestId a, RequestId b) { return around_bytes[a] > around_bytes[b]; });
  order.resize(std::min(order.size(), kMaxBoundSeeds));
  return order;
}

/// Heavy sets of mutually conflicting requests, each around a seed.
class CliqueSearch {
 public:
  explicit CliqueSearch(const PackingProblem& problem)
      : problem_(problem), num_conflicts_(problem.size_bytes.size(), 0) {}

  /// Bytes of the set around `seed`, of whose conflicts the largest join first.
  int64_t clique_bytes(RequestId seed) {
    Order candidates = problem_.conflicts[seed];
    std::stable_sort(candidates.begin(), candidates.end(), [&](RequestId a, RequestId b) {
      return problem_.size_bytes[a] > problem_.size_bytes[b];
    });
    for (const RequestId candidate : candidates) num_conflicts_[candidate] = 1;
    int32_t num_members = 1;
    int64_t total_bytes = problem_.size_bytes[seed];
    for (const RequestId candidate : candidates) {
      if (num_conflicts_[candidate] != num_members) continue;
      total_bytes += problem_.size_bytes[candidate];
      ++num_members;
      for (const RequestId other : problem_.conflicts[candidate]) ++num_conflicts_[other];
    }
    num_conflicts_ = IdVector<RequestId, int32_t>(problem_.size_bytes.size(), 0);
    return total_bytes;
  }

 private:
  const PackingProblem& problem_;
  IdVector<RequestId, int32_t> num_conflicts_;  ///< with members of the set
};

StripPacking without_ids(const Packing& packing) {
  return {{packing.offset_bytes.begin(), packing.offset_bytes.end()}, packing.arena_bytes};
}

/// The best of the orders that follow from `start`, each placing sooner what ended up too high.
Packing search_from(const Order& start, const PackingProblem& problem, const OrderSearch& search) {
  BlockOrder order;
  for (const RequestId id : start) order.push_back(id.value());
  const std::vector<int64_t> size_bytes(problem.size_bytes.begin(), problem.size_bytes.end());
  const StripPacking best = search_orders(order, size_bytes, search, [&](const BlockOrder& ids) {
    Order requests;
    for (const int32_t id : ids) requests.push_back(RequestId(id));
    return without_ids(pack_in(requests, problem));
  });
  Packing packing{{}, best.height_bytes};
  for (const int64_t offset_bytes : best.offset_bytes) packing.offset_bytes.push_back(offset_bytes);
  return packing;
}

/// `packing`, or a better one from searches that start at the greedy orders, with
/// smaller steps in every round, until the bound is reached or the budget is used up.
Packing improved(Packing packing, const PackingProblem& problem, int64_t bound_bytes) {
  OrderSearch search;
  search.target_bytes = bound_bytes;
  if (packing.arena_bytes <= search.target_bytes) return packing;
  const std::vector<Order> orders = orders_of(problem);
  int64_t looks_per_order = static_cast<int64_t>(problem.size_bytes.size());
  for (const auto& list : problem.conflicts) looks_per_order += static_cast<int64_t>(list.size());
  int64_t orders_left = std::min(kMaxLooks / looks_per_order, kMaxOrders);
  search.largest_step = static_cast<int32_t>(problem.size_bytes.size());
  for (; orders_left > 0; ++search.seed) {
    search.max_orders = std::min(orders_left, kOrdersPerSectionStart);
    orders_left -= search.max_orders;
    Packing found = search_from(orders[search.seed % orders.size()], problem, search);
    if (found.arena_bytes < packing.arena_bytes) packing = std::move(found);
    if (packing.arena_bytes <= search.target_bytes) break;
    if (search.seed % orders.size() + 1 == orders.size()) {
      search.largest_step = search.largest_step / 4 + 1;
    }
  }
  return packing;
}

}  // namespace

Packing pack(const PackingProblem& problem, int64_t bound_bytes) {
  std::optional<Packing> best;
  for (const Order& order : orders_of(problem)) {
    Packing packing = pack_in(order, problem);
    if (!best || packing.arena_bytes < best->arena_bytes) best = std::move(packing);
  }
  return improved(*std::move(best), problem, bound_bytes);
}

int64_t packing_bound_bytes(const PackingProblem& problem) {
  CliqueSearch cliques(problem);
  int64_t bound_bytes = 0;
  for (const RequestId seed : most_contested(problem)) {
    bound_bytes = std::max(bound_bytes, cliques.clique_bytes(seed));
  }
  return bound_bytes;
}

std::optional<PackingViolation> find_packing_violation(const PackingProblem& problem,
                                                       const Packing& packing) {
  for (const RequestId a : problem.size_bytes.ids()) {
    const int64_t a_begin = packing.offset_bytes[a];
    const int64_t a_end = a_begin + problem.size_bytes[a];
    if (a_begin < 0 || a_end > packing.arena_bytes) return PackingViolation{a, a};
    for (const RequestId b : problem.size_bytes.ids()) {
      if (b >= a || !conflict(problem, a, b)) continue;
      const int64_t b_begin = packing.offset_bytes[b];
      const int64_t b_end = b_begin + problem.size_bytes[b];
      if (a_begin < b_end && b_begin < a_end) return PackingViolation{b, a};
    }
  }
  return std::nullopt;
}

}  // namespace graphc

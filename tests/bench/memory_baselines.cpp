#include "tests/bench/memory_baselines.h"

#include <algorithm>
#include <set>

namespace graphc {
namespace {

using Order = std::vector<RequestId>;

bool overlap(const LiveInterval& a, const LiveInterval& b) {
  return a.begin < b.end && b.begin < a.end;
}

/// What is placed is kept lowest first, so that gaps are met from below.
Packing first_fit(const IntervalProblem& problem, const Order& order) {
  Packing packing{IdVector<RequestId, int64_t>(problem.requests.size(), 0), 0};
  std::vector<RequestId> placed;
  for (const RequestId id : order) {
    const auto& [size_bytes, live] = problem.requests[id];
    int64_t offset_bytes = 0;
    for (const RequestId other : placed) {
      if (!overlap(live, problem.requests[other].live)) continue;
      if (packing.offset_bytes[other] - offset_bytes >= size_bytes) break;
      offset_bytes =
          std::max(offset_bytes, packing.offset_bytes[other] + problem.requests[other].size_bytes);
    }
    packing.offset_bytes[id] = offset_bytes;
    packing.arena_bytes = std::max(packing.arena_bytes, offset_bytes + size_bytes);
    const auto above = std::upper_bound(
        placed.begin(), placed.end(), offset_bytes,
        [&](int64_t bytes, RequestId other) { return bytes < packing.offset_bytes[other]; });
    placed.insert(above, id);
  }
  return packing;
}

Order start_order(const IntervalProblem& problem) {
  Order order;
  for (const RequestId id : problem.requests.ids()) order.push_back(id);
  std::stable_sort(order.begin(), order.end(), [&](RequestId a, RequestId b) {
    return problem.requests[a].live.begin < problem.requests[b].live.begin;
  });
  return order;
}

Order size_order(const IntervalProblem& problem) {
  Order order = start_order(problem);
  std::stable_sort(order.begin(), order.end(), [&](RequestId a, RequestId b) {
    return problem.requests[a].size_bytes > problem.requests[b].size_bytes;
  });
  return order;
}

Order conflict_order(const IntervalProblem& problem) {
  std::vector<int64_t> begins;
  std::vector<int64_t> ends;
  for (const auto& [size_bytes, live] : problem.requests) {
    begins.push_back(live.begin);
    ends.push_back(live.end);
  }
  std::sort(begins.begin(), begins.end());
  std::sort(ends.begin(), ends.end());
  IdVector<RequestId, int64_t> num_conflicts;
  for (const auto& [size_bytes, live] : problem.requests) {
    const auto begun = std::lower_bound(begins.begin(), begins.end(), live.end) - begins.begin();
    const auto ended = std::upper_bound(ends.begin(), ends.end(), live.begin) - ends.begin();
    num_conflicts.push_back(begun - ended);
  }
  Order order = size_order(problem);
  std::stable_sort(order.begin(), order.end(),
                   [&](RequestId a, RequestId b) { return num_conflicts[a] > num_conflicts[b]; });
  return order;
}

/// The fullest times first, at each what is alive and not placed yet, by size.
Order breadth_order(const IntervalProblem& problem) {
  struct Moment {
    int64_t load_bytes = 0;
    std::vector<RequestId> alive;
  };
  std::vector<Moment> moments;
  int64_t load_bytes = 0;
  std::set<RequestId> alive;
  std::vector<std::pair<int64_t, RequestId>> by_end;
  for (const RequestId id : problem.requests.ids()) {
    by_end.emplace_back(problem.requests[id].live.end, id);
  }
  std::sort(by_end.begin(), by_end.end());
  size_t num_ended = 0;
  const Order begins = start_order(problem);
  for (size_t i = 0; i < begins.size(); ++i) {
    const int64_t now = problem.requests[begins[i]].live.begin;
    for (; num_ended < by_end.size() && by_end[num_ended].first <= now; ++num_ended) {
      load_bytes -= problem.requests[by_end[num_ended].second].size_bytes;
      alive.erase(by_end[num_ended].second);
    }
    alive.insert(begins[i]);
    load_bytes += problem.requests[begins[i]].size_bytes;
    const bool is_last_now =
        i + 1 == begins.size() || problem.requests[begins[i + 1]].live.begin != now;
    if (is_last_now) moments.push_back({load_bytes, {alive.begin(), alive.end()}});
  }
  std::stable_sort(moments.begin(), moments.end(),
                   [](const Moment& a, const Moment& b) { return a.load_bytes > b.load_bytes; });
  IdVector<RequestId, size_t> turn(problem.requests.size(), moments.size());
  for (size_t i = 0; i < moments.size(); ++i) {
    for (const RequestId id : moments[i].alive) turn[id] = std::min(turn[id], i);
  }
  Order order = size_order(problem);
  std::stable_sort(order.begin(), order.end(),
                   [&](RequestId a, RequestId b) { return turn[a] < turn[b]; });
  return order;
}

}  // namespace

std::vector<Baseline> memory_baselines() {
  return {
      {"size", [](const IntervalProblem& p) { return first_fit(p, size_order(p)); }},
      {"breadth", [](const IntervalProblem& p) { return first_fit(p, breadth_order(p)); }},
      {"conflicts", [](const IntervalProblem& p) { return first_fit(p, conflict_order(p)); }},
      {"start", [](const IntervalProblem& p) { return first_fit(p, start_order(p)); }},
  };
}

}  // namespace graphc

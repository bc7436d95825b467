#include "compiler/schedule/lower_bound.h"

#include <algorithm>

namespace graphc {
namespace {

int64_t divided_up(int64_t amount, int64_t parts) { return (amount + parts - 1) / parts; }

IntervalBound resource_bound(const SchedulingProblem& problem) {
  IdVector<GroupId, int64_t> busy_ns(problem.groups.size(), 0);
  IdVector<GroupId, int64_t> longest_ns(problem.groups.size(), 0);
  IdVector<SharedResourceId, int64_t> shared_ns(problem.num_shared, 0);
  for (const SchedulingTask& task : problem.tasks) {
    busy_ns[task.group] += task.cost.duration_ns();
    longest_ns[task.group] = std::max(longest_ns[task.group], task.cost.duration_ns());
    if (const auto shared = problem.groups[task.group].shared) {
      shared_ns[*shared] += task.cost.shared_ns;
    }
  }
  IntervalBound bound;
  for (const GroupId group : problem.groups.ids()) {
    const LaneGroup& lanes = problem.groups[group];
    if (lanes.lanes.empty()) continue;
    // However many lanes there are, one of them does the longest task in every interval.
    int64_t group_ns = std::max(
        longest_ns[group], divided_up(busy_ns[group], static_cast<int64_t>(lanes.lanes.size())));
    if (lanes.shared) group_ns = std::max(group_ns, shared_ns[*lanes.shared]);
    if (group_ns <= bound.interval_ns) continue;
    bound.interval_ns = group_ns;
    bound.busiest = group;
  }
  return bound;
}

/// A cycle whose durations exceed `interval_ns` times its distance; empty if there is none.
std::vector<TaskId> cycle_above(const SchedulingProblem& problem, int64_t interval_ns) {
  IdVector<TaskId, int64_t> potential(problem.tasks.size(), 0);
  IdVector<TaskId, std::optional<TaskId>> parent(problem.tasks.size());
  std::optional<TaskId> raised;
  for (size_t round = 0; round <= problem.tasks.size(); ++round) {
    raised.reset();
    for (const SchedulingEdge& edge : problem.edges) {
      if (edge.is_storage) continue;
      const int64_t weight_ns =
          problem.tasks[edge.from].cost.duration_ns() - interval_ns * edge.distance;
      if (potential[edge.from] + weight_ns <= potential[edge.to]) continue;
      potential[edge.to] = potential[edge.from] + weight_ns;
      parent[edge.to] = edge.from;
      raised = edge.to;
    }
    if (!raised) return {};
  }
  // Still rising after as many rounds as tasks: walk back until on the cycle, then around it.
  TaskId on_cycle = *raised;
  for (size_t i = 0; i < problem.tasks.size(); ++i) on_cycle = *parent[on_cycle];
  std::vector<TaskId> cycle = {on_cycle};
  for (TaskId at = *parent[on_cycle]; at != on_cycle; at = *parent[at]) cycle.push_back(at);
  std::reverse(cycle.begin(), cycle.end());
  return cycle;
}

}  // namespace

IntervalBound interval_bound(const SchedulingProblem& problem) {
  IntervalBound bound = resource_bound(problem);
  if (cycle_above(problem, bound.interval_ns).empty()) return bound;
  int64_t low_ns = bound.interval_ns;  // some cycle is above it
  int64_t high_ns = low_ns;            // no cycle is above this one
  for (const SchedulingTask& task : problem.tasks) high_ns += task.cost.duration_ns();
  while (high_ns - low_ns > 1) {
    const int64_t middle_ns = low_ns + (high_ns - low_ns) / 2;
    (cycle_above(problem, middle_ns).empty() ? high_ns : low_ns) = middle_ns;
  }
  return {high_ns, std::nullopt, cycle_above(problem, low_ns)};
}

}  // namespace graphc

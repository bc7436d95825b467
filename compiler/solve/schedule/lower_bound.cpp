#include "compiler/solve/schedule/lower_bound.h"

#include <algorithm>
#include <utility>

#include "compiler/solve/schedule/recurrence_bound.h"

namespace graphc {
namespace {

int64_t divided_up(int64_t amount, int64_t parts) { return (amount + parts - 1) / parts; }

IntervalBound resource_bound(const SchedulingProblem& problem) {
  IdVector<GroupId, int64_t> busy_ns(problem.groups.size(), 0);
  IdVector<GroupId, int64_t> longest_ns(problem.groups.size(), 0);
  const IdVector<SharedResourceId, int64_t> shared_ns = busy_resources_ns(problem);
  for (const SchedulingTask& task : problem.tasks) {
    busy_ns[task.group] += task.cost.duration_ns();
    longest_ns[task.group] = std::max(longest_ns[task.group], task.cost.duration_ns());
  }
  IntervalBound bound;
  for (const GroupId group : problem.groups.ids()) {
    const LaneGroup& lanes = problem.groups[group];
    if (lanes.lanes.empty()) continue;
    // However many lanes there are, one of them does the longest task in every interval.
    const int64_t lanes_ns = std::max(
        longest_ns[group], divided_up(busy_ns[group], static_cast<int64_t>(lanes.lanes.size())));
    if (lanes_ns > bound.interval_ns) bound = {lanes_ns, group, std::nullopt, {}};
    for (const SharedResourceId resource : lanes.resources) {
      if (shared_ns[resource] <= bound.interval_ns) continue;
      bound = {shared_ns[resource], group, resource, {}};
    }
  }
  return bound;
}

}  // namespace

IdVector<SharedResourceId, int64_t> busy_resources_ns(const SchedulingProblem& problem) {
  IdVector<SharedResourceId, int64_t> busy_ns(problem.num_resources, 0);
  for (const SchedulingTask& task : problem.tasks) {
    const std::vector<SharedResourceId>& resources = problem.groups[task.group].resources;
    for (size_t i = 0; i < resources.size(); ++i) busy_ns[resources[i]] += task.cost.shared_ns[i];
  }
  return busy_ns;
}

IntervalBound interval_bound(const SchedulingProblem& problem) {
  IntervalBound bound = resource_bound(problem);
  Recurrence recurrence = longest_recurrence(problem, bound.interval_ns);
  if (recurrence.cycle.empty()) return bound;
  return {recurrence.interval_ns, std::nullopt, std::nullopt, std::move(recurrence.cycle)};
}

}  // namespace graphc

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

}  // namespace

IntervalBound interval_bound(const SchedulingProblem& problem) {
  IntervalBound bound = resource_bound(problem);
  Recurrence recurrence = longest_recurrence(problem, bound.interval_ns);
  if (recurrence.cycle.empty()) return bound;
  return {recurrence.interval_ns, std::nullopt, std::move(recurrence.cycle)};
}

}  // namespace graphc

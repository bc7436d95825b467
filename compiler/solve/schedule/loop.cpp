#include "compiler/solve/schedule/loop.h"

#include <algorithm>
#include <cstddef>
#include <optional>

#include "compiler/solve/schedule/components.h"
#include "compiler/solve/schedule/lower_bound.h"

namespace graphc {
namespace {

/// Which of the resources that a task takes is the busiest; of equal ones the first. Requires: it
/// takes one.
size_t busiest_resource(const TaskCost& cost, const std::vector<SharedResourceId>& resources,
                        const IdVector<SharedResourceId, int64_t>& busy_ns) {
  std::optional<size_t> best;
  for (size_t i = 0; i < resources.size(); ++i) {
    if (cost.shared_ns[i] == 0) continue;
    if (!best || busy_ns[resources[i]] > busy_ns[resources[*best]]) best = i;
  }
  return *best;
}

}  // namespace

bool takes_turns(const SchedulingProblem& problem, const SchedulingTask& task) {
  const size_t num_resources = problem.groups[task.group].resources.size();
  const auto first = task.cost.shared_ns.begin();
  return std::any_of(first, first + static_cast<std::ptrdiff_t>(num_resources),
                     [](int64_t shared_ns) { return shared_ns > 0; });
}

Loop loop_of(const SchedulingProblem& problem) {
  Loop loop;
  const IdVector<SharedResourceId, int64_t> busy_ns = busy_resources_ns(problem);
  for (const SchedulingTask& task : problem.tasks) {
    const LaneGroup& group = problem.groups[task.group];
    const int64_t duration_ns = std::max<int64_t>(task.cost.duration_ns(), 1);
    if (!takes_turns(problem, task)) {
      loop.tasks.push_back({group.lanes, duration_ns, 0, duration_ns});
      continue;
    }
    const size_t at = busiest_resource(task.cost, group.resources, busy_ns);
    const LaneId turns(problem.num_lanes + group.resources[at].index());
    loop.tasks.push_back({{turns}, duration_ns, task.cost.latency_ns, task.cost.shared_ns[at]});
  }
  loop.edges = edges_on_cycles(problem);
  loop.num_lanes = problem.num_lanes + problem.num_resources;
  return loop;
}

int64_t min_initiation_interval_ns(SchedulingProblem problem) {
  for (SchedulingEdge& edge : problem.edges) edge.is_storage = false;
  for (SchedulingTask& task : problem.tasks) {
    if (task.cost.duration_ns() == 0) task.cost.work_ns = 1;
  }
  return std::max<int64_t>(interval_bound(problem).interval_ns, 1);
}

}  // namespace graphc

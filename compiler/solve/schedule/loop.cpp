#include "compiler/solve/schedule/loop.h"

#include <algorithm>

#include "compiler/solve/schedule/components.h"
#include "compiler/solve/schedule/lower_bound.h"

namespace graphc {

bool takes_turns(const SchedulingProblem& problem, const SchedulingTask& task) {
  return problem.groups[task.group].shared && task.cost.shared_ns > 0;
}

Loop loop_of(const SchedulingProblem& problem) {
  Loop loop;
  for (const SchedulingTask& task : problem.tasks) {
    const LaneGroup& group = problem.groups[task.group];
    const int64_t duration_ns = std::max<int64_t>(task.cost.duration_ns(), 1);
    if (!takes_turns(problem, task)) {
      loop.tasks.push_back({group.lanes, duration_ns, 0, duration_ns});
      continue;
    }
    const LaneId turns(problem.num_lanes + group.shared->index());
    loop.tasks.push_back({{turns}, duration_ns, task.cost.latency_ns, task.cost.shared_ns});
  }
  loop.edges = edges_on_cycles(problem);
  loop.num_lanes = problem.num_lanes + problem.num_shared;
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

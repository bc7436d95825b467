#include "compiler/solve/schedule/stage_solver.h"

#include <queue>

namespace graphc {

std::optional<Stages> lowest_stages(const SchedulingProblem& problem,
                                    const IdVector<TaskId, int64_t>& start_ns,
                                    int64_t interval_ns) {
  struct Step {
    TaskId to;
    int32_t stages = 0;
  };
  IdVector<TaskId, std::vector<Step>> steps(problem.tasks.size());
  for (const SchedulingEdge& edge : problem.edges) {
    const int64_t late_ns =
        start_ns[edge.from] + problem.tasks[edge.from].cost.duration_ns() - start_ns[edge.to];
    // Starts lie within the interval: an early end is early by less than one.
    const int64_t intervals = late_ns <= 0 ? 0 : (late_ns + interval_ns - 1) / interval_ns;
    steps[edge.from].push_back({edge.to, static_cast<int32_t>(intervals) - edge.distance});
  }
  Stages stages(problem.tasks.size(), 0);
  IdVector<TaskId, size_t> num_steps(problem.tasks.size(), 0);  // on the path to a task
  std::queue<TaskId> raised;
  IdVector<TaskId, bool> is_queued(problem.tasks.size(), true);
  for (const TaskId task : problem.tasks.ids()) raised.push(task);
  while (!raised.empty()) {
    const TaskId from = raised.front();
    raised.pop();
    is_queued[from] = false;
    for (const Step& step : steps[from]) {
      if (stages[step.to] >= stages[from] + step.stages) continue;
      stages[step.to] = stages[from] + step.stages;
      num_steps[step.to] = num_steps[from] + 1;
      if (num_steps[step.to] > problem.tasks.size()) return std::nullopt;
      if (!is_queued[step.to]) raised.push(step.to);
      is_queued[step.to] = true;
    }
  }
  return stages;
}

}  // namespace graphc

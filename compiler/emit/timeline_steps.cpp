#include "compiler/emit/timeline_steps.h"

namespace graphc {

std::vector<TaskRun> predicted_runs(const Synchronised& synchronised, int64_t num_steps) {
  const SchedulingSolution& solution = synchronised.memory->schedule->solution;
  const Timeline timeline = simulate(synchronised.program, num_steps);
  std::vector<TaskRun> runs;
  for (const LaneId lane : synchronised.lanes.tasks().ids()) {
    const std::vector<TaskId>& tasks = synchronised.lanes.tasks()[lane];
    for (size_t interval = 0; interval < timeline.intervals.size(); ++interval) {
      for (size_t i = 0; i < tasks.size(); ++i) {
        const TaskId task = tasks[i];
        const int64_t step = static_cast<int64_t>(interval) - solution.tasks[task].stage;
        if (step < 0 || step >= num_steps) continue;
        runs.push_back({lane, task, step, timeline.intervals[interval][lane][i]});
      }
    }
  }
  return runs;
}

}  // namespace graphc

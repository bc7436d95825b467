#include "compiler/solve/schedule/forward_backward.h"

#include "compiler/solve/schedule/interval_passes.h"

namespace graphc {

SchedulingSolution forward_backward(const SchedulingProblem& problem, const Stages& stages,
                                    const SchedulingSolution& solution,
                                    const SchedulingSolution& previous_interval) {
  IntervalPasses passes(problem, stages, previous_interval);
  IntervalPasses::Keys ends_ns;
  for (const ScheduledTask& task : solution.tasks) ends_ns.push_back(task.end_ns);
  IntervalPasses::Keys latest_starts_ns;
  passes.latest_starts(ends_ns, latest_starts_ns);
  IntervalPasses::Filled filled;
  passes.fill(latest_starts_ns, filled);
  return passes.solution_of(filled);
}

}  // namespace graphc

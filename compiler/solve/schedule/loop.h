#pragma once

#include "compiler/solve/schedule/scheduling_problem.h"

namespace graphc {

/// A task of a loop: it takes one of `lanes` for `busy_ns`, from `busy_from_ns` after its start on.
struct LoopTask {
  std::vector<LaneId> lanes;
  int64_t duration_ns = 0;  ///< until those that depend on it may start
  int64_t busy_from_ns = 0;
  int64_t busy_ns = 0;
};

/// What is repeated every step. Only edges on cycles stand in `edges`: all others can be kept at
/// any interval, by stages.
struct Loop {
  IdVector<TaskId, LoopTask> tasks;
  std::vector<SchedulingEdge> edges;
  size_t num_lanes = 0;
};

/// Whether the task takes turns with others at a resource that its lanes share.
bool takes_turns(const SchedulingProblem& problem, const SchedulingTask& task);

/// The problem as a loop. What lanes share stands for them, as one lane more behind those of the
/// problem: its tasks are put in order, and on which lane they go is open. Of several resources that
/// a task takes it stands in the order of the busiest, as if the others were free: what they do to
/// the interval, those who compare orders find out. Tasks that take no time
/// take a nanosecond, so that no two are at one place.
Loop loop_of(const SchedulingProblem& problem);

/// MII, the least initiation interval: no order of the lanes of `loop_of(problem)` repeats faster.
/// Edges for storage count here.
int64_t min_initiation_interval_ns(SchedulingProblem problem);

}  // namespace graphc

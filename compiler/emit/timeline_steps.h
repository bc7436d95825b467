#pragma once

#include "compiler/sync/synchronised.h"

namespace graphc {

/// One run of one task in the predicted timeline.
struct TaskRun {
  LaneId lane;
  TaskId task;
  int64_t step = 0;
  Span span;
};

/// The first `num_steps` steps of a run in virtual time, by lane and start.
std::vector<TaskRun> predicted_runs(const Synchronised& synchronised, int64_t num_steps);

}  // namespace graphc

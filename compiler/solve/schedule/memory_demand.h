#pragma once

#include <optional>
#include <vector>

#include "compiler/solve/schedule/scheduling_problem.h"

namespace graphc {

using MemoryId = Id<struct MemoryTag>;
using DemandId = Id<struct DemandTag>;

/// Bytes of one memory that are in use from the start of the first writer until the end of the last
/// task that touches them, once a step. Requires: a writer; no reader can start before all writers.
struct DemandedValue {
  MemoryId memory;
  int64_t size_bytes = 0;
  std::vector<TaskId> writers;
  std::vector<TaskId> readers;  ///< of the same step
};

/// What the tasks of a scheduling problem need memory for, as plain values.
struct MemoryDemand {
  IdVector<DemandId, DemandedValue> values;
  IdVector<MemoryId, int64_t> always_bytes;  ///< in use the whole time (states, constants)
};

/// Where a memory is fullest.
struct MemoryPeak {
  int64_t size_bytes = 0;
  /// The task whose start makes the peak, the first if several do; none: what is always in use is
  /// all.
  std::optional<TaskId> task;
};

/// The peak of every memory by the start and end times of the solution, in one step alone with
/// everything in stage 0. At equal times ends free before starts allocate; tasks that take no time
/// come one after the other, before what else starts then.
///
/// Cost: O(t log t) for t tasks, edges and touched values.
IdVector<MemoryId, MemoryPeak> memory_peaks(const SchedulingProblem& problem,
                                            const MemoryDemand& demand,
                                            const SchedulingSolution& solution);

}  // namespace graphc

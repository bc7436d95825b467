#pragma once

#include <optional>
#include <vector>

#include "compiler/solve/schedule/scheduling_problem.h"

namespace graphc {

/// No schedule of the problem has a shorter time per step, and why.
struct IntervalBound {
  int64_t interval_ns = 0;
  std::optional<GroupId> busiest;            ///< set if lanes, or what they share, bind
  std::optional<SharedResourceId> resource;  ///< what lanes of `busiest` share, if that binds
  std::vector<TaskId> recurrence;            ///< the cycle that binds, if one does
};

/// For how long the tasks of a step take each shared resource, together.
IdVector<SharedResourceId, int64_t> busy_resources_ns(const SchedulingProblem& problem);

/// The larger of
///  - the resource bound: work of a lane group over its lanes, its longest task, which some lane
///    does in every interval, and the work of every shared resource;
///  - the recurrence bound: over all cycles of edges, durations over distances (recurrence_bound.h).
/// Edges that only order memory reuse are not counted.
IntervalBound interval_bound(const SchedulingProblem& problem);

}  // namespace graphc

#pragma once

#include <vector>

#include "compiler/solve/schedule/scheduling_problem.h"

namespace graphc {

/// The cycle of edges that asks for the longest interval: its durations over its distances.
struct Recurrence {
  int64_t interval_ns = 0;    ///< rounded up
  std::vector<TaskId> cycle;  ///< in the order of its edges
};

/// The recurrence that asks for more than `least_ns`, if one does, else `least_ns` and no cycle.
/// Edges for storage do not count.
///
/// Takes the strongly connected components one by one, and in each goes from cycle to cycle: one
/// that is too long for the interval so far sets the next interval, until there is none. Paths are
/// lengthened along edges within a step, in their order, then along those into later steps; a cycle
/// shows in the links from each task to the one before it on its path.
///
/// Requires: edges of distance 0 form no cycle.
/// Cost:     O(tasks + edges) for every cycle that is found and every edge into a later step on a
///           longest path; few of both in graphs of operators.
/// Source:   Dasdan, "Experimental analysis of the fastest optimum cycle ratio and mean
///           algorithms", 2004 (going from cycle to cycle: Burns, Howard).
Recurrence longest_recurrence(const SchedulingProblem& problem, int64_t least_ns);

}  // namespace graphc

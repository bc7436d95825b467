#pragma once

#include "compiler/solve/schedule/scheduling_problem.h"

namespace graphc {

/// `solution` with tasks moved, at their times, from the fullest of the cores of a group to the
/// emptiest, until all have room or none of the fullest makes those two more even. A search ends
/// where the bound is reached, which another resource may set; cores that are as full as each other
/// then leave each the most room for taking longer than predicted. What makes what its own core
/// reads, or reads what that made, stays there, and so does what takes less than 50 us. Streams
/// stay as they are: for them, few are better.
///
/// Start times, versions and the times of a step are no longer those of the result.
/// Requires: start times keep the edges within an interval.
SchedulingSolution balance_cores(const SchedulingProblem& problem, SchedulingSolution solution);

}  // namespace graphc

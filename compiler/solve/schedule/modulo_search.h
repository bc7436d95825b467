#pragma once

#include <optional>

#include "compiler/solve/schedule/scheduling_problem.h"

namespace graphc {

/// A schedule with a shorter interval than `known` has; none if there is none or the search does
/// not find one. It places tasks one by one into cyclic lanes (modulo_lanes.h) at a fixed interval:
/// those with the least slack on the cycles of edges first, each where others have to give way the
/// least. Where a task fits nowhere, those that stand in its way lose their place and wait:
///
///   T = 8   lane 0  | a      b  |     c needs a and b of the same step, and starts before b ends:
///           lane 1  |=> c    |==>     it works on the step before, in stage 1. As nothing leads
///                                     back from c to a, any order of the lanes would do.
///
/// First from nothing, at the shortest interval that resources and recurrences allow and, as long
/// as tasks are left, at longer ones. Then, up to some hundred tasks, pairs are put in order before
/// any task has a place (pair_orders.h). Then from the best orders so far, at shorter and shorter
/// intervals: only few tasks lose their places there.
///
/// Start times are those of the steady state; the interval, versions and latency are not set.
///
/// Cost:   `budget` starts and edges looked at; about 25 ns each.
/// Source: Rau, "Iterative modulo scheduling: an algorithm for software pipelining loops", 1994.
std::optional<SchedulingSolution> modulo_schedule(const SchedulingProblem& problem,
                                                  const SchedulingSolution& known, int64_t budget);

}  // namespace graphc

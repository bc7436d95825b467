#pragma once

#include <optional>

#include "compiler/schedule/scheduling_problem.h"

namespace graphc {

struct ModuloOptions {
  int64_t below_ns = 0;  ///< only a shorter interval is of use
  int64_t budget = 0;    ///< starts and edges looked at, in all
};

/// A schedule of the steady state, placed task by task into cyclic lanes: first at the shortest
/// interval that resources and recurrences allow; where that cannot be filled, at longer ones. None
/// if there is none below `below_ns`, or it is not found within the budget.
///
///   T = 8    lane 0  | a      b  |      a, b and c are of one step, and c of the step before: its
///            lane 1  |=> c    |==>      stage is 1. Any order of the lanes will do, as there is no
///                                       way back from c to a.
///
/// Tasks with the least slack on the cycles of edges go first. Each takes the slot where others have
/// to give way the least; where there is none, the tasks that stand in its way lose theirs and
/// are placed again.
///
/// Start times are those of the steady state; the interval, versions and latency are not set.
/// Source: Rau, "Iterative modulo scheduling: an algorithm for software pipelining loops", 1994.
std::optional<SchedulingSolution> modulo_schedule(const SchedulingProblem& problem,
                                                  const ModuloOptions& options);

}  // namespace graphc

#pragma once

#include <cstdint>

#include "compiler/solve/schedule/scheduling_problem.h"

namespace graphc {

/// What a planted loop looks like.
struct LoopShape {
  uint32_t seed = 1;
  int num_groups = 4;
  int lanes_per_group = 1;
  int tasks_per_lane = 8;
  int max_stage = 2;          ///< of the planted schedule
  double tightness = 0.5;     ///< share of edges that leave hardly any slack
  double recurrences = 0.25;  ///< share of edges that reach into a later step
};

/// A loop whose shortest time per step is known, with a schedule that reaches it.
struct PlantedLoop {
  SchedulingProblem problem;
  int64_t interval_ns = 0;  ///< the work of every lane: no schedule is faster
};

/// Fills every lane of a modulo reservation table without a gap, gives every task a stage, and
/// draws edges that this schedule keeps:
///
///   lane 0  | a0  |  b1   |  c0 |  c0 ends, then a of the next step starts
///   lane 1  |d1|  e0   |  d1      a task may reach over the end of the interval
///
/// The same from the same shape. Shapes: num_groups x lanes_per_group x tasks_per_lane tasks, three
/// edges for each; every edge carries a value whose versions the scheduler chooses.
PlantedLoop planted_loop(const LoopShape& shape);

}  // namespace graphc

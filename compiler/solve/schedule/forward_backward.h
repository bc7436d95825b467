#pragma once

#include "compiler/solve/schedule/list_scheduler.h"

namespace graphc {

/// Orders one interval again by how late every task could start.
///
/// The backward pass packs the interval from its end, in the order of falling end times; the
/// forward pass then takes tasks in the order of those latest starts and gives each the earliest
/// lane. Unlike list_schedule it keeps a lane idle for a moment when something urgent is about to
/// arrive:
///
///   link   [loss][  gradient  ]          link        [  gradient  ][loss]
///   cpu                        [update]  cpu                       [update]
///
/// Requires: `solution` is an interval of the same stages; `previous_interval` as for list_schedule.
/// Source:   Tormos and Lova, "A competitive heuristic solution technique for resource-constrained
///           project scheduling", 2001 (forward-backward improvement).
SchedulingSolution forward_backward(const SchedulingProblem& problem, const Stages& stages,
                                    const SchedulingSolution& solution,
                                    const SchedulingSolution& previous_interval);

}  // namespace graphc

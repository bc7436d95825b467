#pragma once

#include <optional>

#include "compiler/solve/schedule/list_scheduler.h"

namespace graphc {

/// The lowest stages with which tasks that start at `start_ns`, each within the interval, keep all
/// edges; none if no stages do.
///
///   a   |====>|     |          start_ns 0, ends after 6
///   b   |  ===|=>   |          start_ns 3: before a ends, so b works on the step before: stage 1
///       0         T = 8
///
/// An edge asks for stage[to] - stage[from] >= ceil((end of from - start of to) / T) - distance;
/// the lowest stages are the longest paths over that.
/// Cost: O(tasks x edges) at worst, O(tasks + edges) where few edges wrap around.
std::optional<Stages> lowest_stages(const SchedulingProblem& problem,
                                    const IdVector<TaskId, int64_t>& start_ns, int64_t interval_ns);

}  // namespace graphc

#pragma once

#include <string_view>

#include "compiler/machine/cost_model.h"
#include "compiler/schedule/schedule.h"

namespace graphc {

/// The schedule with its large copies in blocks (placement/split_copies.h), where that is worth it:
/// a step is shorter by 1 %, or it is not longer, one step alone is shorter, and no value needs
/// more versions. Tried are the same order, each block where the whole copy was, in which nothing
/// waits for more than before, and one that is searched for anew. Kept whole where memory is short.
///
/// Runs after:  schedule_tasks, of dependencies as they were found: order that was added to them is
///              lost.
/// Ensures:     verify_placed_graph, verify_task_graph and verify_schedule pass.
Schedule with_divided_copies(const Schedule& whole, const Machine& machine, const CostModel& costs,
                             const MemoryLimits& limits);

/// The tasks of a schedule that with_divided_copies made, if the text of one names such; otherwise
/// `whole`.
TaskGraph tasks_of_text(std::string_view schedule_text, const TaskGraph& whole,
                        const Machine& machine, const CostModel& costs);

}  // namespace graphc

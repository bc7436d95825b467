#pragma once

#include "compiler/schedule/task_graph.h"

namespace graphc {

/// The same tasks one operation at a time, on whatever device: a program as one would write it down
/// without a scheduler, for comparison. Only the blocks of one operation, which the CPU's workers
/// share, run side by side, and no step begins before the last has ended.
///
///   cpu.worker0   [a]-.       .-[d.0]-.            of what is ready the first by name
///   cpu.worker1       |       +-[d.1]-+
///   cpu->gpu0          `-[b]-.|       |
///   gpu0.stream0              [c]     `-[a]  (next step)
///
/// The text of such a schedule has lanes and their order, not the order between lanes: read back,
/// it overlaps what it can.
///
/// Runs after:  find_dependencies.
/// Runs before: schedule_tasks, for which the order is made of dependencies like any other.
/// Ensures:     verify_task_graph passes.
TaskGraph serialised(TaskGraph tasks);

}  // namespace graphc

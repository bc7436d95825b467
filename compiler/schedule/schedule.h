#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "compiler/schedule/task_graph.h"
#include "compiler/solve/schedule/effort.h"
#include "compiler/solve/schedule/lower_bound.h"

namespace graphc {

/// Level 4: a lane, a position, a stage and a predicted time for every task, versions for every
/// value, and the reason for every choice.
struct Schedule {
  Shared<TaskGraph> tasks;
  SchedulingSolution solution;
  IdVector<PlacedValueId, int32_t> versions;
  IntervalBound bound;  ///< for this placement and these launches
};

/// Whether small updates may share launches (joint_launches.h).
enum class Launches : uint8_t { kJoint, kSeparate };

/// Orders lanes and overlaps steps so that copies run beside compute. Updates share launches where
/// a step is predicted at most 2 % longer for that.
///
/// Runs after:  find_dependencies.
/// Runs before: plan_memory - who may share bytes follows from the order.
/// Ensures:     verify_schedule passes.
Schedule schedule_tasks(const Shared<TaskGraph>& tasks, Launches launches = Launches::kJoint,
                        Effort effort = Effort::kNormal);

/// The same for devices whose memory is short: no step overlaps another, and a task starts only if
/// its results fit into the budgets beside what is alive then; as far as any order does.
Schedule schedule_tasks_within(const Shared<TaskGraph>& tasks, const MemoryLimits& budget_bytes);

/// Whether an order comes with its start times and versions.
enum class Times : uint8_t { kFind, kKeep };

/// The schedule in this order; its time per step is evaluated.
/// Requires: lane order and the edges of interval distance 0 form no cycle.
Schedule schedule_as_written(const Shared<TaskGraph>& tasks, SchedulingSolution order, Times times);

/// The versions of every value: fixed by the task graph, else as the solution chose.
IdVector<PlacedValueId, int32_t> versions_by_value(const TaskGraph& tasks,
                                                   const SchedulingSolution& solution);

/// All dependencies that the schedule has to enforce: those of the task graph, and those that keep
/// a version from being overwritten while it is read.
std::vector<SchedulingEdge> enforced_edges(const Schedule& schedule);

/// Checks that every task stands once, on a lane that can run it; that no edge points back to an
/// earlier interval; that lane order and the edges within an interval form no cycle.
Violation verify_schedule(const Schedule& schedule);

/// What print_schedule says of a task that is started in one launch with the one before it.
inline constexpr std::string_view kJoinedWord = "joined";

/// One line a task, lane by lane in order:
/// `gpu0.stream0  z1  stage=1 start=12us end=15us because longer_path`.
std::string print_schedule(const Schedule& schedule);

}  // namespace graphc

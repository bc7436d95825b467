#pragma once

#include <algorithm>
#include <vector>

#include "compiler/vocabulary.h"
#include "runtime/plan/plan.h"

/// The scheduling problem as plain values: no IR, no machine file. A benchmark or a fuzzer builds
/// one directly.
namespace graphc {

using TaskId = Id<struct TaskTag>;
using GroupId = Id<struct GroupTag>;
using VersionedId = Id<struct VersionedTag>;

/// Lanes that can stand in for each other (workers of the CPU, streams of one GPU); a link
/// direction is a group of one.
struct LaneGroup {
  std::vector<LaneId> lanes;
  /// That its tasks share with those of other groups, and of other lanes of this one, at most
  /// kMaxLaneResources; costs say how long a task takes each of them.
  std::vector<SharedResourceId> resources;
  /// Each lane works by itself, as CPU workers do; streams of a GPU only queue what it does.
  bool is_of_cores = false;
};

/// Whether a task takes a resource of its lanes for as long as it works.
constexpr bool saturates(const TaskCost& cost) {
  return std::find(cost.shared_ns.begin(), cost.shared_ns.end(), cost.work_ns) !=
         cost.shared_ns.end();
}

/// Whether it does, and works so long that its launch is nothing against it.
constexpr bool saturates_for_long(const TaskCost& cost) {
  constexpr int64_t kMinWorkPerLaunch = 64;
  return saturates(cost) && cost.work_ns / kMinWorkPerLaunch >= cost.latency_ns;
}

struct SchedulingTask {
  GroupId group;
  TaskCost cost;
  bool is_copy = false;     ///< moves data between memories
  bool feeds_copy = false;  ///< a copy waits for its result
  int32_t name_rank = 0;  ///< rank of its name: the last rule of every choice, so that the order of
                          ///< tasks in the problem never matters
};

/// `to` in step s starts after `from` in step s - distance ended.
struct SchedulingEdge {
  TaskId from;
  TaskId to;
  int32_t distance = 0;
  /// It orders the reuse of memory that one step shares with the next (in-place state), not data:
  /// with more memory it could go, so no bound counts it.
  bool is_storage = false;
};

/// `task` reads what `writer` has written.
struct VersionedRead {
  TaskId task;
  TaskId writer;
  int32_t distance = 0;
};

/// What tasks write every step and others read: it gets as many versions as it takes for the
/// writers of a later step not to wait for the readers of this one.
struct VersionedValue {
  std::vector<VersionedRead> reads;
};

struct SchedulingProblem {
  IdVector<TaskId, SchedulingTask> tasks;
  std::vector<SchedulingEdge> edges;
  IdVector<GroupId, LaneGroup> groups;
  IdVector<VersionedId, VersionedValue> values;
  size_t num_lanes = 0;
  size_t num_resources = 0;
};

/// Why a task stands where it stands.
enum class Reason : uint8_t {
  kOnlyReady,       ///< nothing else could start as early
  kStartsCopy,      ///< it is a copy, or a copy waits for it: opens overlap
  kLongerPath,      ///< more work depends on it
  kLeastSlack,      ///< what depends on it leaves it the least time to wait
  kNameOrder,       ///< all else equal
  kAsWritten,       ///< the user fixed the schedule
  kWaitsForMemory,  ///< it could have started before, had there been memory
  kFitsMemory,      ///< what goes before it by the other rules did not fit in memory yet
  kMinPeakOrder,    ///< next in the order that uses little memory
  kBalance,         ///< moved there from a fuller core
};
inline constexpr Reason kReasons[] = {
    Reason::kOnlyReady,    Reason::kStartsCopy, Reason::kLongerPath,     Reason::kLeastSlack,
    Reason::kNameOrder,    Reason::kAsWritten,  Reason::kWaitsForMemory, Reason::kFitsMemory,
    Reason::kMinPeakOrder, Reason::kBalance};
std::string_view to_string(Reason reason);

struct ScheduledTask {
  LaneId lane;
  int32_t stage = 0;
  int64_t start_ns = 0;  ///< in its interval; may lie beyond the interval's length
  int64_t end_ns = 0;
  Reason reason = Reason::kOnlyReady;
  /// Started in one launch with the task before it on its lane: what one of them waits for, the
  /// first does, and who waits for one waits for the last.
  bool is_joined = false;
};

/// What a task takes where it stands: launching several is the first one's.
constexpr TaskCost cost_in_launch(const TaskCost& cost, const ScheduledTask& task) {
  return {task.is_joined ? 0 : cost.latency_ns, cost.work_ns, cost.shared_ns};
}

/// An order for every lane and a stage for every task.
struct SchedulingSolution {
  IdVector<TaskId, ScheduledTask> tasks;
  IdVector<LaneId, std::vector<TaskId>> lanes;
  IdVector<VersionedId, int32_t> versions;
  int64_t interval_ns = 0;  ///< time per step in the steady state
  int64_t latency_ns = 0;   ///< of one step alone
};

}  // namespace graphc

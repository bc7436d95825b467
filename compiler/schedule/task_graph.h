#pragma once

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "compiler/machine/cost_model.h"
#include "compiler/placement/placed_graph.h"
#include "compiler/solve/schedule/memory_demand.h"
#include "compiler/solve/schedule/scheduling_problem.h"

namespace graphc {

/// A lane of the machine, as the plan will have it, without instructions.
struct MachineLane {
  std::string name;
  LaneKind kind = LaneKind::kCompute;
  DeviceId device;
  DeviceId destination;
  HostId host{0};
  HostId to_host{0};  ///< of the destination

  /// Whether what it copies goes from one host to another: as a message, which is sent and received
  /// (schedule/message_lanes.h). Here it is one copy.
  bool is_network() const { return host != to_host; }
};

/// All lanes, in groups that can stand in for each other.
struct LaneTable {
  IdVector<LaneId, MachineLane> lanes;
  IdVector<GroupId, LaneGroup> groups;
  IdVector<GroupId, std::string> group_names;
  IdVector<SharedResourceId, std::string> resource_names;
  int64_t message_ns = 0;  ///< of what a copy between hosts takes, the part of who receives it
};

/// Whether it is links that share a resource, and not the lanes of a device.
bool is_of_links(const LaneTable& table, SharedResourceId resource);

/// `cpu.worker0`, `gpu0.stream1`, `cpu->gpu0`, `feed`, `output`: devices in the machine's order. Of
/// several hosts `h0/cpu.worker0`, `h0/cpu->gpu0`, `h0/feed`, and `h0->h1` between two of them.
/// What the lanes of a device share has its name; resources of links follow in the machine's order.
LaneTable lanes_of(const Machine& machine);

/// From the first host to the second.
using HostPairs = std::set<std::pair<HostId, HostId>>;
/// The same without links between hosts but those.
LaneTable lanes_of(const Machine& machine, const HostPairs& used);

enum class EdgeKind {
  kData,   ///< `to` reads the value
  kAnti,   ///< `to` replaces the value, which must not happen too early
  kOrder,  ///< somebody wants it so (serialise.h); without a value
};

/// `to` in step s starts after `from` in step s - distance.
struct TaskEdge {
  TaskId from;
  TaskId to;
  int32_t distance = 0;
  EdgeKind kind = EdgeKind::kData;
  PlacedValueId value;
};

struct Task {
  std::string name;
  PlacedOpId op;
  GroupId group;
  TaskCost cost;
};

/// For how long a task takes a resource.
int64_t taken_ns(const LaneTable& table, const Task& task, SharedResourceId resource);

/// Level 3: what takes time, on what, after what.
///
/// Output edges (a write after a write) need no entry: a value has one writer, and a lane runs it
/// once per interval, in order.
struct TaskGraph {
  Shared<PlacedGraph> placed;
  LaneTable lanes;
  IdVector<TaskId, Task> tasks;
  std::vector<TaskEdge> edges;
  /// Versions of values that carry state, decided here: 1 where the update may overwrite what it
  /// replaces. All others are the scheduler's to choose.
  IdVector<PlacedValueId, std::optional<int32_t>> fixed_versions;
};

/// Finds every dependency and its distance in steps.
///
/// Runs after:  insert_copies - a dependency across devices is a dependency on a copy.
/// Runs before: schedule_tasks.
/// Ensures:     verify_task_graph passes.
TaskGraph find_dependencies(const Shared<PlacedGraph>& placed, const Machine& machine,
                            const CostModel& costs);

/// Checks that every operand has its data edge, that every replaced state value is protected by
/// anti edges from all its readers, and that edges of distance 0 form no cycle.
Violation verify_task_graph(const TaskGraph& tasks);

std::string print_task_graph(const TaskGraph& tasks);

/// The values whose versions the scheduler chooses, in the order of SchedulingProblem::values.
std::vector<PlacedValueId> versioned_values(const TaskGraph& tasks);

/// The same problem as plain values.
SchedulingProblem scheduling_problem(const TaskGraph& tasks);

/// What a buffer of so many bytes takes of an arena.
constexpr int64_t aligned_bytes(int64_t num_bytes) {
  return (num_bytes + kBufferAlignmentBytes - 1) / kBufferAlignmentBytes * kBufferAlignmentBytes;
}

/// What the tasks need of the memories of `num_devices` devices, as plain values: MemoryId i is
/// DeviceId i. Every value that is not in use the whole time has one version.
MemoryDemand memory_demand(const TaskGraph& tasks, size_t num_devices);

}  // namespace graphc

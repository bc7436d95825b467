#include "compiler/schedule/relaxed_bound.h"

#include <algorithm>
#include <map>

#include "compiler/graph/views.h"
#include "compiler/machine/routes.h"
#include "compiler/placement/row_blocks.h"
#include "compiler/schedule/joint_launches.h"
#include "compiler/solve/schedule/capacity_bound.h"

namespace graphc {
namespace {

using Pins = IdVector<NodeId, std::optional<DeviceId>>;

/// What a node that is not pinned is counted with. Either count is a lower bound; which one is
/// larger depends on the sizes.
enum class PoolCount {
  kLanes,    ///< launch and work, on any lane of the machine
  kDevices,  ///< work alone, and a device whose lanes share it does one thing at a time
};

class Relaxation {
 public:
  Relaxation(const Graph& graph, const Machine& machine, const CostModel& costs, const Pins& pins,
             PoolCount count)
      : graph_(graph),
        machine_(machine),
        costs_(costs),
        pins_(pins),
        count_(count),
        next_value_(graph.next_values()),
        lanes_(lanes_of(machine)) {
    for (const GroupId group : lanes_.groups.ids()) {
      group_named_.emplace(lanes_.group_names[group], group);
    }
    problem_.groups = lanes_.groups;
    problem_.num_resources = lanes_.resource_names.size();
    problem_.num_lanes = lanes_.lanes.size();
    add_pool();
    for (const NodeId node : graph.nodes.ids()) add_node(node);
    for (const NodeId node : graph.nodes.ids()) add_other_blocks(node);
    for (const NodeId node : graph.nodes.ids()) {
      for (const ValueId input : graph.nodes[node].inputs) {
        const bool travels_alone = may_travel_alone(node);
        if (travels_alone && !machine.hosts.empty()) continue;  // with the rows that are wanted
        connect(input, travels_alone ? std::nullopt : pins[node], TaskId(node.value()));
      }
    }
    for (const GraphOutput& output : graph.outputs) add_output(output);
  }

  StepBound bound() const {
    const IntervalBound bound = interval_bound(problem_);
    const int64_t capacity_ns = capacity_bound_ns(capacities());
    if (capacity_ns > bound.interval_ns) {
      return {capacity_ns, lanes_.group_names[pool_] + " is busy all the time"};
    }
    if (bound.resource) {
      return {bound.interval_ns, lanes_.resource_names[*bound.resource] + " is busy all the time"};
    }
    if (bound.busiest) {
      return {bound.interval_ns, lanes_.group_names[*bound.busiest] + " is busy all the time"};
    }
    std::vector<std::string> cycle;
    for (const TaskId task : bound.recurrence) cycle.push_back(names_[task]);
    if (cycle.empty()) return {bound.interval_ns, "nothing to do"};
    // The same cycle has as many spellings as tasks: begin with the first by name.
    std::rotate(cycle.begin(), std::min_element(cycle.begin(), cycle.end()), cycle.end());
    return {bound.interval_ns, "each step needs the one before", std::move(cycle)};
  }

 private:
  void add_pool() {
    LaneGroup pool;
    for (const DeviceId device : machine_.devices.ids()) {
      const auto& lanes = lanes_.groups[GroupId(device.value())].lanes;
      pool.lanes.insert(pool.lanes.end(), lanes.begin(), lanes.begin() + num_pooled_lanes(device));
    }
    pool_ = problem_.groups.push_back(pool);
    lanes_.group_names.push_back("the whole machine");
  }

  std::ptrdiff_t num_pooled_lanes(DeviceId id) const {
    const Device& device = machine_.devices[id];
    return count_ == PoolCount::kDevices && shares_compute(device) ? 1 : device.num_lanes;
  }

  /// The pool again, with lanes that are not equally fast. What rows of a value cost is not counted
  /// (see may_be_nothing).
  std::vector<DeviceCapacity> capacities() const {
    std::vector<DeviceCapacity> devices;
    for (const DeviceId device : machine_.devices.ids()) {
      DeviceCapacity capacity{num_pooled_lanes(device), 0, {}};
      for (const NodeId node : graph_.nodes.ids()) {
        if (may_be_nothing(node)) continue;
        if (pins_[node] == device) {
          capacity.pinned_ns += costs_.node_cost(graph_, node, device).work_ns;
        } else if (!pins_[node]) {
          capacity.work_ns.push_back(std::max<int64_t>(pooled_ns(node, device), 1));
        }
      }
      devices.push_back(std::move(capacity));
    }
    return devices;
  }

  TaskId add_task(const std::string& name, GroupId group, TaskCost cost) {
    names_.push_back(name);
    return problem_.tasks.push_back({group, cost});
  }

  void add_node(NodeId id) {
    if (may_be_nothing(id)) {
      add_task(graph_.nodes[id].name, pool_, {});
      return;
    }
    if (pins_[id]) {
      // Device groups come first in the lane table, in the order of the devices.
      TaskCost cost = costs_.node_cost(graph_, id, *pins_[id]);
      cost.latency_ns = launch_ns(id, *pins_[id]);
      cost.work_ns = longest_block_ns(id, *pins_[id]);
      add_task(graph_.nodes[id].name, GroupId(pins_[id]->value()), cost);
      return;
    }
    add_task(graph_.nodes[id].name, pool_,
             TaskCost{0, least_of_devices(id, &Relaxation::longest_ns), {}});
  }

  /// Rows that are cut out of a value may be all of it that travels (placement/sink_slices.h): then
  /// the value itself stays where it is.
  bool may_travel_alone(NodeId id) const { return sliced_rows(graph_, id).has_value(); }

  /// Rows that are cut out of a value, or put together, may lie where they are to lie already
  /// (placement/resolve_views.h).
  bool may_be_nothing(NodeId id) const { return may_be_view(graph_, id); }

  /// A node that is made in blocks, which run side by side, holds up what comes after it for the
  /// longest of them; the time of the others is still to be found.
  void add_other_blocks(NodeId id) {
    if (may_be_nothing(id)) return;
    if (pins_[id]) {
      const int64_t block_ns = longest_block_ns(id, *pins_[id]);
      return add_blocks(id, GroupId(pins_[id]->value()), block_ns,
                        costs_.node_cost(graph_, id, *pins_[id]).work_ns - block_ns);
    }
    const int64_t block_ns = least_of_devices(id, &Relaxation::longest_ns);
    add_blocks(id, pool_, block_ns, least_of_devices(id, &Relaxation::pooled_ns) - block_ns);
  }

  /// Blocks of together `work_ns`, none longer than `block_ns`.
  void add_blocks(NodeId id, GroupId group, int64_t block_ns, int64_t work_ns) {
    const std::string name = graph_.nodes[id].name + ", other blocks";
    const int64_t most_ns = std::max<int64_t>(block_ns, 1);
    for (int64_t left_ns = work_ns; left_ns > 0; left_ns -= most_ns) {
      add_task(name, group, TaskCost{0, std::min(left_ns, most_ns), {}});
    }
  }

  using NodeTime = int64_t (Relaxation::*)(NodeId, DeviceId) const;

  int64_t least_of_devices(NodeId node, NodeTime time_of) const {
    int64_t least_ns = (this->*time_of)(node, machine_.host());
    for (const DeviceId device : machine_.devices.ids()) {
      least_ns = std::min(least_ns, (this->*time_of)(node, device));
    }
    return least_ns;
  }

  int64_t pooled_ns(NodeId node, DeviceId device) const {
    const int64_t work_ns = costs_.node_cost(graph_, node, device).work_ns;
    return work_ns + (count_ == PoolCount::kLanes ? launch_ns(node, device) : 0);
  }

  int64_t longest_ns(NodeId node, DeviceId device) const {
    const int64_t work_ns = longest_block_ns(node, device);
    return work_ns + (count_ == PoolCount::kLanes ? launch_ns(node, device) : 0);
  }

  /// What launching it takes, or less: others may be launched with it.
  int64_t launch_ns(NodeId node, DeviceId device) const {
    const bool may_be_joined =
        shares_compute(machine_.devices[device]) && may_share_launch(graph_.nodes[node]);
    return may_be_joined ? 0 : costs_.node_cost(graph_, node, device).latency_ns;
  }

  /// Work of the longest block, or less.
  int64_t longest_block_ns(NodeId node, DeviceId device) const {
    const int64_t work_ns = costs_.node_cost(graph_, node, device).work_ns;
    if (shares_compute(machine_.devices[device])) return work_ns;
    return work_ns / std::ssize(row_blocks(graph_, node, costs_.block_sizes()));
  }

  /// Edge from whatever produces `value` to `reader`, over copies if both ends are fixed.
  void connect(ValueId value, std::optional<DeviceId> to, TaskId reader) {
    int32_t distance = 0;
    if (graph_.values[value].kind == ValueKind::kConstant) return;
    if (graph_.values[value].kind == ValueKind::kState) {
      if (!next_value_[value]) return;
      value = *next_value_[value];
      distance = 1;
    }
    const bool is_input = graph_.values[value].kind == ValueKind::kInput;
    const DeviceId home = to ? machine_.host_of(*to) : machine_.host();
    const auto from = is_input ? home : pins_[*graph_.values[value].producer];
    TaskId last = is_input ? feed(value, home) : TaskId(graph_.values[value].producer->value());
    if (from && to && *from != *to) {
      for (const LinkDirection* link : cheapest_route(machine_, *from, *to)) {
        last = hop(value, *link, last);
      }
    }
    problem_.edges.push_back({last, reader, distance, false});
  }

  TaskId feed(ValueId input, DeviceId host) {
    const auto known = feeds_.find({input, host});
    if (known != feeds_.end()) return known->second;
    const TensorType& batch = graph_.type_of(input);
    const std::string name = "feed " + graph_.values[input].name;
    const int64_t row_bytes = batch.size_bytes() / rows_or_all(batch, {}).size();
    // Blocks come side by side; what reads the batch waits for the longest of them.
    std::optional<TaskId> longest;
    for (const RowRange& rows :
         feed_blocks(batch, machine_.devices[host].num_readers, costs_.block_sizes())) {
      const TaskCost cost = costs_.host_transfer_cost(rows.size() * row_bytes, host);
      const TaskId block = add_task(name, group_of(name_on_host(machine_, host, "feed")), cost);
      if (!longest || cost.work_ns > problem_.tasks[*longest].cost.work_ns) longest = block;
    }
    feeds_[{input, host}] = *longest;
    return *longest;
  }

  TaskId hop(ValueId value, const LinkDirection& link, TaskId before) {
    const auto known = hops_.find({value, link.to});
    if (known != hops_.end()) return known->second;
    const std::string& to = machine_.devices[link.to].name;
    const GroupId group = group_of(name_of_link(machine_, link));
    const int64_t num_bytes = graph_.type_of(value).size_bytes();
    // It may travel in blocks (placement/split_copies.h), none of which is smaller than this.
    const int64_t block_bytes = std::min(num_bytes, costs_.block_sizes().least_bytes_of_copy);
    const std::string name = graph_.values[value].name + " -> " + to;
    const TaskCost block = costs_.copy_cost(link, block_bytes);
    const TaskId task = add_task(name, group, block);
    if (block_bytes < num_bytes) {
      TaskCost others = costs_.copy_cost(link, num_bytes);
      others.latency_ns = 0;
      others.work_ns -= block.work_ns;
      for (size_t i = 0; i < kMaxLaneResources; ++i) others.shared_ns[i] -= block.shared_ns[i];
      add_task(name + ", other blocks", group, others);
    }
    problem_.edges.push_back({before, task, 0, false});
    hops_[{value, link.to}] = task;
    return task;
  }

  void add_output(const GraphOutput& output) {
    if (output.device) return;  // it stays there
    const int64_t num_bytes = graph_.type_of(output.value).size_bytes();
    const DeviceId host = machine_.host();
    const TaskId task = add_task("output " + graph_.values[output.value].name,
                                 group_of(name_on_host(machine_, host, "output")),
                                 costs_.host_transfer_cost(num_bytes, host));
    connect(output.value, host, task);
  }

  GroupId group_of(const std::string& name) const {
    const auto at = group_named_.find(name);
    CHECK(at != group_named_.end(), "every link has a group of its name");
    return at->second;
  }

  const Graph& graph_;
  const Machine& machine_;
  const CostModel& costs_;
  const Pins& pins_;
  PoolCount count_;
  IdVector<ValueId, std::optional<ValueId>> next_value_;  // of states
  LaneTable lanes_;
  SchedulingProblem problem_;
  GroupId pool_;
  IdVector<TaskId, std::string> names_;
  std::map<std::string, GroupId> group_named_;
  std::map<std::pair<ValueId, DeviceId>, TaskId> feeds_;  ///< by the host that reads it
  std::map<std::pair<ValueId, DeviceId>, TaskId> hops_;
};

/// Without those of nodes that several devices compute: whoever reads one reads the nearest.
Pins pins_of_one_device(const Graph& graph, Pins pins) {
  for (const NodeId id : graph.nodes.ids()) {
    if (!graph.nodes[id].also_on.empty()) pins[id].reset();
  }
  return pins;
}

}  // namespace

StepBound relaxed_bound(const Graph& graph, const Machine& machine, const CostModel& costs,
                        const Pins& all_pins) {
  const Pins pins = pins_of_one_device(graph, all_pins);
  const auto bound_with = [&](PoolCount count) {
    return Relaxation(graph, machine, costs, pins, count).bound();
  };
  StepBound by_lanes = bound_with(PoolCount::kLanes);
  StepBound by_devices = bound_with(PoolCount::kDevices);
  return by_devices.interval_ns > by_lanes.interval_ns ? by_devices : by_lanes;
}

}  // namespace graphc

#include <algorithm>
#include <map>
#include <tuple>

#include "compiler/schedule/task_graph.h"

namespace graphc {
namespace {

class DependencyFinder {
 public:
  DependencyFinder(const Shared<PlacedGraph>& placed, const Machine& machine,
                   const CostModel& costs)
      : machine_(machine), costs_(costs) {
    tasks_.placed = placed;
    HostPairs used;
    for (const PlacedOp& op : placed->ops) {
      used.emplace(machine.devices[op.device].host, machine.devices[op.destination].host);
    }
    tasks_.lanes = lanes_of(machine, used);
    for (const GroupId group : tasks_.lanes.groups.ids()) {
      const MachineLane& lane = tasks_.lanes.lanes[tasks_.lanes.groups[group].lanes.front()];
      groups_.emplace(Place(lane.kind, lane.device, lane.destination), group);
    }
  }

  TaskGraph run() {
    for (const PlacedOpId op : tasks_.placed->ops.ids()) tasks_.tasks.push_back(task_of(op));
    fix_state_versions();
    for (const TaskId task : tasks_.tasks.ids()) add_edges(task);
    return std::move(tasks_);
  }

 private:
  Task task_of(PlacedOpId id) const {
    const PlacedOp& op = tasks_.placed->ops[id];
    Task task{op.name, id, group_of(op), {}};
    switch (op.kind) {
      case PlacedOpKind::kNode:
        task.cost = kernel_cost(op);
        break;
      case PlacedOpKind::kCopy:
        task.cost = costs_.copy_cost(
            *machine_.find_link(op.device, op.destination),
            type_of_rows(tasks_.placed->type_of(op.writes.front()), op.rows).size_bytes());
        break;
      case PlacedOpKind::kFeed:
        task.cost = costs_.host_transfer_cost(
            type_of_rows(tasks_.placed->type_of(op.writes.front()), op.rows).size_bytes(),
            op.device);
        break;
      case PlacedOpKind::kOutput:
        task.cost = costs_.host_transfer_cost(
            tasks_.placed->type_of(op.reads[0].value).size_bytes(), op.device);
        break;
    }
    return task;
  }

  TaskCost kernel_cost(const PlacedOp& op) const {
    const Node& node = tasks_.placed->graph->nodes[*op.node];
    std::vector<TensorType> inputs;
    for (const PlacedOperand& read : op.reads) {
      inputs.push_back(tasks_.placed->operand_type(read));
    }
    std::vector<TensorType> results;
    for (const PlacedValueId written : op.writes) {
      results.push_back(type_of_rows(tasks_.placed->type_of(written), op.rows));
    }
    return costs_.kernel_cost(*node.op, inputs, results, node.attributes, op.device);
  }

  /// What lanes of a group do, and from where to where.
  using Place = std::tuple<LaneKind, DeviceId, DeviceId>;

  /// The first group whose lanes can run the operation.
  GroupId group_of(const PlacedOp& op) const {
    const auto at = groups_.find({lane_kind(op.kind), op.device, op.destination});
    CHECK(at != groups_.end(), "every device and link has lanes");
    return at->second;
  }

  static LaneKind lane_kind(PlacedOpKind kind) {
    switch (kind) {
      case PlacedOpKind::kCopy:
        return LaneKind::kLink;
      case PlacedOpKind::kFeed:
        return LaneKind::kFeed;
      case PlacedOpKind::kOutput:
        return LaneKind::kOutput;
      case PlacedOpKind::kNode:
        break;
    }
    return LaneKind::kCompute;
  }

  void fix_state_versions() {
    tasks_.fixed_versions =
        IdVector<PlacedValueId, std::optional<int32_t>>(tasks_.placed->values.size());
    for (const PlacedValueId value : tasks_.placed->values.ids()) {
      if (!tasks_.placed->is_filled_at_load(value)) continue;
      tasks_.fixed_versions[value] = replaces_in_place(value) ? 1 : 2;
    }
    // An output that stays on its device and names the state before the last step outlives the step
    // that replaces it.
    for (const auto& output : tasks_.placed->resident_outputs) {
      if (output && output->distance > 0) tasks_.fixed_versions[output->value] = 2;
    }
    keep_old_values_where_order_demands();
  }

  using Successors = IdVector<PlacedOpId, std::vector<PlacedOpId>>;

  /// What `writer` replaces, `reader`, another operation, reads before.
  struct Replacement {
    PlacedOpId reader;
    PlacedOpId writer;
  };
  using Replacements = IdVector<PlacedValueId, std::vector<Replacement>>;

  /// An update in place comes after all who read the old value. Where one of those needs what the
  /// update makes, directly or over other updates in place (two states that swap their values), old
  /// and new exist side by side.
  void keep_old_values_where_order_demands() {
    Successors after = successors_within_step();
    const Replacements replacements = replacements_by_value();
    Reached reached(after.size(), std::nullopt);
    for (const PlacedValueId value : values_replaced_in_place(replacements)) {
      if (is_circular(replacements[value], after, reached)) {
        tasks_.fixed_versions[value] = 2;
        continue;
      }
      for (const Replacement& replacement : replacements[value]) {
        after[replacement.reader].push_back(replacement.writer);
      }
    }
  }

  /// The writer from which an operation was reached last.
  using Reached = IdVector<PlacedOpId, std::optional<PlacedOpId>>;

  /// Whether someone needs in this step both the old value and what its replacement makes.
  static bool is_circular(std::vector<Replacement> replacements, const Successors& after,
                          Reached& reached) {
    std::stable_sort(
        replacements.begin(), replacements.end(),
        [](const Replacement& a, const Replacement& b) { return a.writer < b.writer; });
    std::optional<PlacedOpId> writer;
    for (const Replacement& replacement : replacements) {
      if (replacement.writer != writer) reach_from(replacement.writer, after, reached);
      writer = replacement.writer;
      if (reached[replacement.reader] == writer) return true;
    }
    return false;
  }

  /// What updates make is read by little in the same step, so this is short.
  static void reach_from(PlacedOpId writer, const Successors& after, Reached& reached) {
    std::vector<PlacedOpId> open = {writer};
    while (!open.empty()) {
      const PlacedOpId op = open.back();
      open.pop_back();
      for (const PlacedOpId next : after[op]) {
        if (reached[next] == writer) continue;
        reached[next] = writer;
        open.push_back(next);
      }
    }
  }

  Successors successors_within_step() const {
    Successors after(tasks_.placed->ops.size());
    for (const PlacedOpId op : tasks_.placed->ops.ids()) {
      for (const PlacedOperand& read : tasks_.placed->ops[op].reads) {
        if (read.distance > 0) continue;
        for (const PlacedOpId producer : tasks_.placed->producers_of(read)) {
          after[producer].push_back(op);
        }
      }
    }
    return after;
  }

  /// Large ones first: they save most by staying in place. Ties by name, so that the order of nodes
  /// in the file does not matter.
  std::vector<PlacedValueId> values_replaced_in_place(const Replacements& replacements) const {
    const PlacedGraph& placed = tasks_.placed;
    struct Candidate {
      int64_t size_bytes = 0;
      PlacedValueId value;
    };
    std::vector<Candidate> candidates;
    for (const PlacedValueId value : placed.values.ids()) {
      if (replacements[value].empty() || placed.values[value].producers.empty() ||
          tasks_.fixed_versions[value] != 1) {
        continue;
      }
      candidates.push_back({placed.type_of(value).size_bytes(), value});
    }
    std::sort(candidates.begin(), candidates.end(), [&](const Candidate& a, const Candidate& b) {
      if (a.size_bytes != b.size_bytes) return a.size_bytes > b.size_bytes;
      return placed.values[a.value].name < placed.values[b.value].name;
    });
    std::vector<PlacedValueId> values;
    for (const Candidate& candidate : candidates) values.push_back(candidate.value);
    return values;
  }

  Replacements replacements_by_value() const {
    Replacements replacements(tasks_.placed->values.size());
    for (const PlacedOpId op : tasks_.placed->ops.ids()) {
      for (const PlacedOperand& read : tasks_.placed->ops[op].reads) {
        if (read.distance == 0) continue;
        for (const PlacedOpId writer : tasks_.placed->producers_of(read)) {
          if (writer != op) replacements[read.value].push_back({op, writer});
        }
      }
    }
    return replacements;
  }

  /// Whether the writers may overwrite the previous value: they do not read it, or they read each
  /// element before they write it.
  bool replaces_in_place(PlacedValueId value) const {
    const std::vector<PlacedOpId>& producers = tasks_.placed->values[value].producers;
    return std::all_of(producers.begin(), producers.end(), [&](PlacedOpId producer) {
      const PlacedOp& op = tasks_.placed->ops[producer];
      for (size_t i = 0; i < op.reads.size(); ++i) {
        const PlacedOperand& read = op.reads[i];
        if (read.value == value && read.distance > 0 && !may_replace(op, i)) return false;
      }
      return true;
    });
  }

  /// Whether `op`, which replaces a value that is its operand `i`, may do so in place.
  bool may_replace(const PlacedOp& op, size_t i) const {
    const PlacedOperand& read = op.reads[i];
    const TensorType result = type_of_rows(tasks_.placed->type_of(read.value), op.rows);
    const auto written = std::find(op.writes.begin(), op.writes.end(), read.value);
    const auto number = static_cast<size_t>(written - op.writes.begin());
    return read.rows == op.rows &&
           may_run_in_place(*tasks_.placed->graph->nodes[*op.node].op, i,
                            tasks_.placed->operand_type(read), result, number);
  }

  void add_edges(TaskId id) {
    const PlacedOp& op = tasks_.placed->ops[tasks_.tasks[id].op];
    const size_t first = tasks_.edges.size();
    for (const PlacedOperand& read : op.reads) {
      const auto versions = tasks_.fixed_versions[read.value];
      for (const PlacedOpId producer : tasks_.placed->producers_of(read)) {
        const TaskId writer(producer.value());
        add_edge({writer, id, read.distance, EdgeKind::kData, read.value}, first);
        if (!versions || writer == id) continue;
        add_edge({id, writer, *versions - read.distance, EdgeKind::kAnti, read.value}, first);
      }
    }
  }

  /// An operator that reads a value twice depends on it once; `first` is where its edges begin.
  void add_edge(const TaskEdge& edge, size_t first) {
    const auto begin = tasks_.edges.begin() + static_cast<std::ptrdiff_t>(first);
    const bool is_known = std::any_of(begin, tasks_.edges.end(), [&](const TaskEdge& known) {
      return known.from == edge.from && known.to == edge.to && known.distance == edge.distance &&
             known.kind == edge.kind && known.value == edge.value;
    });
    if (!is_known) tasks_.edges.push_back(edge);
  }

  const Machine& machine_;
  const CostModel& costs_;
  TaskGraph tasks_;
  std::map<Place, GroupId> groups_;
};

}  // namespace

TaskGraph find_dependencies(const Shared<PlacedGraph>& placed, const Machine& machine,
                            const CostModel& costs) {
  return DependencyFinder(placed, machine, costs).run();
}

}  // namespace graphc

#include "compiler/placement/insert_copies.h"

#include <algorithm>
#include <limits>
#include <map>

#include "compiler/machine/routes.h"
#include "compiler/placement/dependency_order.h"
#include "compiler/placement/feed_wanted_rows.h"
#include "compiler/placement/resolve_views.h"
#include "compiler/placement/sink_slices.h"

namespace graphc {
namespace {

/// Where a graph value comes from within a step, and how far back.
struct Source {
  ValueId value;  ///< the value that is produced, fed or filled in
  int32_t distance = 0;
};

class CopyInserter {
 public:
  CopyInserter(const Shared<Graph>& graph, const Assignment& assignment, const Machine& machine,
               DiagnosticSink& diagnostics)
      : graph_(graph),
        assignment_(assignment),
        machine_(machine),
        diagnostics_(diagnostics),
        ops_of_(graph->nodes.size()),
        is_anywhere_(graph->values.size(), false),
        next_value_(graph->next_values()) {
    placed_.graph = graph;
  }

  Result<PlacedGraph> run() {
    place_results();
    for (const NodeId node : graph_.nodes.ids()) add_node(node);
    for (size_t i = 0; i < graph_.outputs.size(); ++i) add_output(i);
    for (const ValueId value : graph_.values.ids()) add_state(value);
    if (diagnostics_.num_errors() > 0) return reported();
    // Copies and feeds were appended as they were asked for.
    std::vector<PlacedOpId> wanted;
    for (const PlacedOpId op : placed_.ops.ids()) wanted.push_back(op);
    return in_dependency_order(placed_, wanted);
  }

 private:
  /// Results of nodes exist before anybody asks, so that a read of a state from the previous step
  /// finds its producer even when that comes later in the list.
  void place_results() {
    for (const NodeId id : graph_.nodes.ids()) {
      for (const DeviceId device : devices_of(id)) place_result(id, device);
    }
  }

  void place_result(NodeId id, DeviceId device) {
    const Node& node = graph_.nodes[id];
    std::vector<PlacedValueId> values;
    for (const ValueId result : node.results) values.push_back(value_on(result, device));
    PlacedOp op;
    op.kind = PlacedOpKind::kNode;
    const bool is_first = ops_of_[id].empty();
    op.name = is_first ? node.name : node.name + "@" + machine_.devices[device].name;
    op.device = op.destination = device;
    op.node = id;
    op.writes = values;
    ops_of_[id].push_back(placed_.ops.push_back(op));
    for (const PlacedValueId value : values) placed_.values[value].producers = {ops_of_[id].back()};
  }

  std::vector<DeviceId> devices_of(NodeId id) const {
    std::vector<DeviceId> devices = {assignment_[id]};
    for (const std::string& name : graph_.nodes[id].also_on) {
      devices.push_back(*machine_.find_device(name));
    }
    return devices;
  }

  void add_node(NodeId id) {
    const Node& node = graph_.nodes[id];
    for (const PlacedOpId op : ops_of_[id]) {
      for (size_t i = 0; i < node.inputs.size(); ++i) {
        const SourceRange& where = i < node.input_places.size() ? node.input_places[i] : node.where;
        const auto operand = read_on(node.inputs[i], placed_.ops[op].device, where);
        if (operand) placed_.ops[op].reads.push_back(*operand);
      }
    }
  }

  void add_output(size_t index) {
    const GraphOutput& output = graph_.outputs[index];
    placed_.resident_outputs.emplace_back();
    const DeviceId device = output.device ? *machine_.find_device(*output.device) : machine_.host();
    const auto operand = read_on(output.value, device, output.where);
    if (!operand) return;
    if (output.device) {
      placed_.resident_outputs.back() = operand;
      return;
    }
    PlacedOp op;
    op.kind = PlacedOpKind::kOutput;
    op.name = "output " + graph_.values[output.value].name;
    op.device = op.destination = machine_.host();
    op.output = index;
    op.reads = {*operand};
    placed_.ops.push_back(op);
  }

  /// A state lives where the user wants it, whoever reads it; one that nobody reads or updates is
  /// still saved and loaded, so it lives on the host.
  void add_state(ValueId id) {
    const Value& value = graph_.values[id];
    if (value.kind != ValueKind::kState) return;
    if (value.device) read_on(id, *machine_.find_device(*value.device), value.where);
    if (!is_anywhere_[id]) value_on(id, machine_.host());
  }

  Source source_of(ValueId value) const {
    if (next_value_[value]) return {*next_value_[value], 1};
    return {value, 0};
  }

  std::optional<PlacedOperand> read_on(ValueId value, DeviceId device, const SourceRange& where) {
    const Source source = source_of(value);
    const auto at = deliver(source.value, device, where);
    if (!at) return std::nullopt;
    return PlacedOperand{*at, source.distance};
  }

  /// `value` in the memory of `device`, with the copies that bring it there.
  std::optional<PlacedValueId> deliver(ValueId value, DeviceId device, const SourceRange& where) {
    if (const auto known = placed_at_.find({value, device}); known != placed_at_.end()) {
      return known->second;
    }
    const Value& origin = graph_.values[value];
    if (origin.kind == ValueKind::kState || origin.kind == ValueKind::kConstant) {
      return value_on(value, device);  // every device has its own, filled in at load
    }
    const bool is_input = origin.kind == ValueKind::kInput;
    const DeviceId home =
        is_input ? machine_.host_of(device) : nearest_of(devices_of(*origin.producer), device);
    if (is_input) feed(value, home);
    const auto route = cheapest_route(machine_, home, device);
    if (route.empty() && home != device) {
      diagnostics_.error(
          where,
          "no route from '" + machine_.devices[home].name + "' to '" +
              machine_.devices[device].name + "' for '" + origin.name + "'",
          "add a link between them, or a chain of links, to machine '" + machine_.name + "'");
      return std::nullopt;
    }
    for (const LinkDirection* link : route) copy_over(value, *link);
    return placed_at_.at({value, device});
  }

  /// The first of the homes from which it is the fewest links to `device`.
  DeviceId nearest_of(const std::vector<DeviceId>& homes, DeviceId device) const {
    DeviceId nearest = homes.front();
    size_t fewest = std::numeric_limits<size_t>::max();
    for (const DeviceId home : homes) {
      const size_t num_links = cheapest_route(machine_, home, device).size();
      if (num_links == 0 || num_links >= fewest) continue;
      nearest = home;
      fewest = num_links;
    }
    return nearest;
  }

  /// Every host that needs it reads it for itself.
  void feed(ValueId input, DeviceId host) {
    if (placed_at_.contains({input, host})) return;
    PlacedOp op;
    op.kind = PlacedOpKind::kFeed;
    op.name = "feed " + graph_.values[input].name;
    if (host != machine_.host()) op.name += "@" + machine_.devices[host].name;
    op.device = op.destination = host;
    op.input = input;
    op.writes = {value_on(input, host)};
    placed_.values[op.writes.front()].producers = {placed_.ops.push_back(op)};
  }

  void copy_over(ValueId value, const LinkDirection& link) {
    if (placed_at_.contains({value, link.to})) return;
    PlacedOp op;
    op.kind = PlacedOpKind::kCopy;
    op.name = label_of(value) + " -> " + machine_.devices[link.to].name;
    op.device = link.from;
    op.destination = link.to;
    op.reads = {{placed_at_.at({value, link.from}), 0}};
    op.writes = {value_on(value, link.to)};
    placed_.values[op.writes.front()].producers = {placed_.ops.push_back(op)};
  }

  /// A new value of a state is known to the user by the state's name.
  ValueId origin_of(ValueId value) const {
    const auto producer = graph_.values[value].producer;
    if (!producer) return value;
    // What else the node gives that replaces a state is a value like any.
    const Node& node = graph_.nodes[*producer];
    const std::vector<ValueId> states = node.updated_states();
    for (size_t i = 0; i < states.size(); ++i) {
      if (node.results[i] == value) return states[i];
    }
    return value;
  }
  const std::string& label_of(ValueId value) const { return graph_.values[origin_of(value)].name; }

  PlacedValueId value_on(ValueId value, DeviceId device) {
    const auto known = placed_at_.find({value, device});
    if (known != placed_at_.end()) return known->second;
    PlacedValue placed;
    placed.name = label_of(value) + "@" + machine_.devices[device].name;
    placed.origin = origin_of(value);
    placed.device = device;
    const PlacedValueId id = placed_.values.push_back(placed);
    placed_at_[{value, device}] = id;
    is_anywhere_[placed.origin] = true;
    return id;
  }

  const Graph& graph_;
  const Assignment& assignment_;
  const Machine& machine_;
  DiagnosticSink& diagnostics_;
  PlacedGraph placed_;
  IdVector<NodeId, std::vector<PlacedOpId>> ops_of_;      // one a device
  IdVector<ValueId, bool> is_anywhere_;                   // whether a placed value holds it
  IdVector<ValueId, std::optional<ValueId>> next_value_;  // of states
  std::map<std::pair<ValueId, DeviceId>, PlacedValueId> placed_at_;
};

}  // namespace

Result<PlacedGraph> insert_copies(const Shared<Graph>& graph, const Assignment& assignment,
                                  const Machine& machine, DiagnosticSink& diagnostics) {
  TRY(const PlacedGraph placed, CopyInserter(graph, assignment, machine, diagnostics).run());
  return feed_wanted_rows(resolve_views(sink_slices(placed, machine), machine), machine);
}

}  // namespace graphc

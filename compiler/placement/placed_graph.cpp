#include "compiler/placement/placed_graph.h"

#include <algorithm>
#include <map>
#include <set>

#include "compiler/graph/sliced_rows.h"
#include "runtime/base/text.h"

namespace graphc {
namespace {

/// Dumber than insert_copies on purpose: looks at one operation at a time.
class PlacedGraphVerifier {
 public:
  PlacedGraphVerifier(const PlacedGraph& placed, const Machine& machine)
      : placed_(placed), machine_(machine) {
    for (const Node& node : placed.graph->nodes) {
      if (node.updates) updated_.insert(*node.updates);
    }
  }

  Violation run() {
    for (const PlacedValueId value : placed_.values.ids()) {
      if (auto violation = check_value(value)) return violation;
    }
    for (const PlacedOpId op : placed_.ops.ids()) {
      if (auto violation = check_op(op)) return violation;
    }
    if (auto violation = check_nodes()) return violation;
    return check_resident_outputs();
  }

 private:
  const std::string& device_name(DeviceId device) const { return machine_.devices[device].name; }
  const std::string& name_of(ValueId value) const { return placed_.graph->values[value].name; }

  /// The next value of a state is placed as the state.
  ValueId origin_of(ValueId value) const {
    const auto producer = placed_.graph->values[value].producer;
    if (!producer) return value;
    const Node& node = placed_.graph->nodes[*producer];
    return node.updates && node.result() == value ? *node.updates : value;
  }

  Violation check_value(PlacedValueId id) {
    const PlacedValue& value = placed_.values[id];
    if (!value_names_.insert(value.name).second) {
      return "two values are named '" + value.name + "'";
    }
    // What is made in a step may be there several times, each made by operations of its own.
    if (placed_.is_filled_at_load(id) && !carried_.insert({value.origin, value.device}).second) {
      return "'" + name_of(value.origin) + "' exists twice on " + device_name(value.device);
    }
    if (value.producers.empty()) {
      if (placed_.is_filled_at_load(id)) return std::nullopt;
      return "nothing produces '" + value.name + "'";
    }
    return check_producers(id);
  }

  Violation check_producers(PlacedValueId id) const {
    const PlacedValue& value = placed_.values[id];
    const PlacedOp& first = placed_.ops[value.producers.front()];
    int64_t next_row = 0;
    for (const PlacedOpId producer : value.producers) {
      const PlacedOp& op = placed_.ops[producer];
      const std::vector<PlacedValueId> written = written_values(op);
      if (std::find(written.begin(), written.end(), id) == written.end()) {
        return "'" + op.name + "' does not write '" + value.name + "'";
      }
      if (op.kind != first.kind || op.node != first.node) {
        return "'" + first.name + "' and '" + op.name + "' are not parts of one computation";
      }
      const RowRange rows = rows_or_all(placed_.type_of(id), written_rows(op, id));
      if (rows.begin != next_row || rows.end <= rows.begin) {
        return "'" + op.name + "' does not write '" + value.name + "' from row " +
               std::to_string(next_row) + " on";
      }
      next_row = rows.end;
    }
    if (next_row == rows_or_all(placed_.type_of(id), {}).end) return std::nullopt;
    return "nothing writes '" + value.name + "' from row " + std::to_string(next_row) + " on";
  }

  Violation check_op(PlacedOpId id) {
    const PlacedOp& op = placed_.ops[id];
    if (!op_names_.insert(op.name).second) return "two operations are named '" + op.name + "'";
    for (const PlacedOperand& read : op.reads) {
      if (auto violation = check_read(id, read)) return violation;
    }
    if (auto violation = check_write(id)) return violation;
    return check_kind(op);
  }

  Violation check_read(PlacedOpId id, const PlacedOperand& read) const {
    const PlacedOp& op = placed_.ops[id];
    const PlacedValue& value = placed_.values[read.value];
    if (value.scratch) return "'" + op.name + "' reads '" + value.name + "', scratch memory";
    if (value.device != op.device) {
      return "'" + op.name + "' runs on " + device_name(op.device) + " and reads '" + value.name +
             "' in the memory of " + device_name(value.device);
    }
    if (read.distance == 0) {
      for (const PlacedOpId producer : placed_.producers_of(read)) {
        if (producer.value() < id.value()) continue;
        return "'" + op.name + "' reads '" + value.name + "' before this step produced it";
      }
    }
    if (read.distance < 0 || read.distance > 1 ||
        (read.distance == 1 &&
         !(!value.producers.empty() && placed_.is_filled_at_load(read.value)))) {
      return "'" + op.name + "' reads '" + value.name + "' from step -" +
             std::to_string(read.distance) + ", which does not exist";
    }
    return std::nullopt;
  }

  Violation check_write(PlacedOpId id) const {
    const PlacedOp& op = placed_.ops[id];
    for (const PlacedValueId written : written_values(op)) {
      const PlacedValue& value = placed_.values[written];
      if (value.device != op.destination) {
        return "'" + op.name + "' writes '" + value.name + "' in another device's memory";
      }
      const auto& producers = value.producers;
      if (std::find(producers.begin(), producers.end(), id) != producers.end()) continue;
      return "'" + op.name + "' writes '" + value.name + "', which others produce";
    }
    return check_scratch(op);
  }

  /// Only what is made to be one is scratch memory, and nothing else writes there.
  Violation check_scratch(const PlacedOp& op) const {
    for (const PlacedValueId written : op.writes) {
      if (!placed_.values[written].scratch) continue;
      return "'" + op.name + "' has '" + placed_.values[written].name + "' as a result";
    }
    if (!op.scratch) return std::nullopt;
    const PlacedValue& scratch = placed_.values[*op.scratch];
    if (op.kind == PlacedOpKind::kNode && scratch.scratch && scratch.producers.size() == 1) {
      return std::nullopt;
    }
    return "'" + op.name + "' has '" + scratch.name + "' as scratch memory";
  }

  Violation check_kind(const PlacedOp& op) const {
    switch (op.kind) {
      case PlacedOpKind::kNode:
        return check_computation(op);
      case PlacedOpKind::kCopy:
        return check_copy(op);
      case PlacedOpKind::kFeed:
        return check_results(op, {*op.input});
      case PlacedOpKind::kOutput:
        return check_operand(op.name, op.reads[0], placed_.graph->outputs[*op.output].value);
    }
    return std::nullopt;
  }

  Violation check_computation(const PlacedOp& op) const {
    const Node& node = placed_.graph->nodes[*op.node];
    if (op.reads.size() != node.inputs.size()) {
      return "'" + op.name + "' does not read what '" + node.name + "' is computed from";
    }
    for (size_t i = 0; i < op.reads.size(); ++i) {
      if (auto violation = check_operand(op.name, op.reads[i], node.inputs[i])) return violation;
    }
    return check_results(op, node.results);
  }

  /// Whether the graph's `wanted` is what is read, of the right step.
  Violation check_operand(const std::string& reader, const PlacedOperand& read,
                          ValueId wanted) const {
    const PlacedValue& value = placed_.values[read.value];
    if (value.origin == origin_of(wanted) && read.distance == (updated_.contains(wanted) ? 1 : 0)) {
      return std::nullopt;
    }
    return "'" + reader + "' needs '" + name_of(wanted) + "' and reads '" + value.name +
           (read.distance > 0 ? "' from step -" + std::to_string(read.distance) : "'");
  }

  Violation check_results(const PlacedOp& op, const std::vector<ValueId>& made) const {
    if (op.writes.size() != made.size()) {
      return "'" + op.name + "' makes " + std::to_string(made.size()) + " values and writes " +
             std::to_string(op.writes.size());
    }
    for (size_t i = 0; i < made.size(); ++i) {
      const PlacedValue& written = placed_.values[op.writes[i]];
      if (!written.scratch && written.origin == origin_of(made[i])) continue;
      return "'" + op.name + "' makes '" + name_of(made[i]) + "' and writes '" + written.name + "'";
    }
    return std::nullopt;
  }

  Violation check_copy(const PlacedOp& op) const {
    if (machine_.find_link(op.device, op.destination) == nullptr) {
      return "'" + op.name + "' has no link from " + device_name(op.device) + " to " +
             device_name(op.destination);
    }
    if (op.reads.size() != 1 || op.writes.size() != 1) {
      return "'" + op.name + "' is not a copy of one value";
    }
    if (op.node) return check_sent_rows(op);
    if (placed_.values[op.reads[0].value].origin != placed_.values[op.writes.front()].origin) {
      return "'" + op.name + "' copies one value and writes another";
    }
    if (op.reads[0].rows != op.rows) return "'" + op.name + "' moves rows to other rows";
    return std::nullopt;
  }

  /// A copy that is a slice sends the rows that this takes out of its operand.
  Violation check_sent_rows(const PlacedOp& op) const {
    const Node& node = placed_.graph->nodes[*op.node];
    const std::optional<RowRange> rows = sliced_rows(placed_.graph, *op.node);
    if (!rows || op.reads[0].rows != rows || op.rows) {
      return "'" + op.name + "' does not send the rows that '" + node.name + "' is";
    }
    if (auto violation = check_operand(op.name, op.reads[0], node.inputs[0])) return violation;
    return check_results(op, node.results);
  }

  /// A node may be computed several times, into a value of its own each time, but on the devices
  /// that the graph names, or one.
  Violation check_nodes() const {
    std::map<NodeId, std::set<DeviceId>> placed_on;
    for (const PlacedOp& op : placed_.ops) {
      if (!op.node) continue;
      const Node& node = placed_.graph->nodes[*op.node];
      const std::string& name = device_name(op.destination);
      const bool is_further =
          std::find(node.also_on.begin(), node.also_on.end(), name) != node.also_on.end();
      if (node.device && *node.device != name && !is_further) {
        return "'" + node.name + "' is pinned to " + *node.device + " but placed on " + name;
      }
      std::set<DeviceId>& known = placed_on[*op.node];
      known.insert(op.destination);
      if (known.size() > node.also_on.size() + 1) {
        return "'" + node.name + "' is placed on " + device_name(*known.begin()) + " and on " +
               device_name(*known.rbegin());
      }
    }
    for (const NodeId id : placed_.graph->nodes.ids()) {
      const Node& node = placed_.graph->nodes[id];
      if (placed_on[id].empty()) return "'" + node.name + "' is not placed";
      if (placed_on[id].size() < node.also_on.size() + 1) {
        return "'" + node.name + "' is not placed on every one of its devices";
      }
    }
    return std::nullopt;
  }

  Violation check_resident_outputs() const {
    for (size_t i = 0; i < placed_.resident_outputs.size(); ++i) {
      const auto& output = placed_.resident_outputs[i];
      if (!output) continue;
      const ValueId wanted = placed_.graph->outputs[i].value;
      const std::string reader = "output " + name_of(wanted);
      if (auto violation = check_operand(reader, *output, wanted)) return violation;
    }
    return std::nullopt;
  }

  const PlacedGraph& placed_;
  const Machine& machine_;
  std::set<ValueId> updated_;  // states with a next value
  std::set<std::string> value_names_;
  std::set<std::string> op_names_;
  std::set<std::pair<ValueId, DeviceId>> carried_;  // filled in at load, by device
};

std::string rows_text(const std::optional<RowRange>& rows) {
  return rows ? "[" + to_string(*rows) + "]" : "";
}

}  // namespace

std::vector<PlacedValueId> written_values(const PlacedOp& op) {
  std::vector<PlacedValueId> values = op.writes;
  if (op.scratch) values.push_back(*op.scratch);
  return values;
}

std::optional<RowRange> written_rows(const PlacedOp& op, PlacedValueId value) {
  return op.scratch == value ? std::nullopt : op.rows;
}

std::vector<PlacedOpId> PlacedGraph::producers_of(const PlacedOperand& read) const {
  const std::vector<PlacedOpId>& all = values[read.value].producers;
  if (!read.rows) return all;
  std::vector<PlacedOpId> producers;
  for (const PlacedOpId producer : all) {
    const RowRange written =
        rows_or_all(type_of(read.value), written_rows(ops[producer], read.value));
    if (common_rows(*read.rows, written).size() > 0) producers.push_back(producer);
  }
  return producers;
}

bool PlacedGraph::is_filled_at_load(PlacedValueId value) const {
  if (values[value].scratch) return false;
  const ValueKind kind = graph->values[values[value].origin].kind;
  return kind == ValueKind::kState || kind == ValueKind::kConstant;
}

Violation verify_placed_graph(const PlacedGraph& placed, const Machine& machine) {
  return PlacedGraphVerifier(placed, machine).run();
}

std::string print_placed_graph(const PlacedGraph& placed, const Machine& machine) {
  std::string text = "placed " + placed.graph->name + " on " + machine.name + "\n";
  for (const PlacedOp& op : placed.ops) {
    std::string where = machine.devices[op.device].name;
    if (op.destination != op.device) where += "->" + machine.devices[op.destination].name;
    text += where + "  " + op.name;
    if (op.kind == PlacedOpKind::kNode) {
      text += " = " + std::string(placed.graph->nodes[*op.node].op->name);
    }
    std::vector<std::string> reads;
    for (const PlacedOperand& read : op.reads) {
      reads.push_back(placed.values[read.value].name + rows_text(read.rows) +
                      (read.distance > 0 ? " from step -1" : ""));
    }
    text += "(" + join(reads, ", ") + ")";
    std::vector<std::string> results;
    for (const PlacedValueId value : op.writes) {
      results.push_back(to_string(type_of_rows(placed.type_of(value), op.rows)) + " in " +
                        placed.values[value].name + rows_text(op.rows));
    }
    if (!results.empty()) text += " : " + join(results, ", ");
    if (op.scratch) text += " with " + to_string(placed.type_of(*op.scratch));
    text += "\n";
  }
  for (const auto& output : placed.resident_outputs) {
    if (output) text += "stays  " + placed.values[output->value].name + "\n";
  }
  return text;
}

}  // namespace graphc

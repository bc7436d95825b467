#include "compiler/placement/placed_graph.h"

#include <algorithm>
#include <map>
#include <set>

#include "compiler/graph/row_uses.h"
#include "compiler/graph/views.h"
#include "runtime/base/text.h"

namespace graphc {
namespace {

std::string rows_text(const std::optional<RowRange>& rows) {
  return rows ? "[" + to_string(*rows) + "]" : "";
}

std::string text_of_part(const PlacedOperand& read) {
  return rows_text(read.rows) + (read.shape ? " as " + graphrt::to_string(*read.shape) : "");
}

/// Dumber than insert_copies on purpose: looks at one operation at a time.
class PlacedGraphVerifier {
 public:
  PlacedGraphVerifier(const PlacedGraph& placed, const Machine& machine)
      : placed_(placed), machine_(machine), views_(placed.graph) {
    for (const Node& node : placed.graph->nodes) {
      const std::vector<ValueId> states = node.updated_states();
      for (size_t i = 0; i < states.size(); ++i) next_value_[states[i]] = node.results[i];
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

  /// Whose elements these rows are that a placed value holds, written `distance` steps before: the next
  /// value of a state is placed as the state.
  ValuePart part_held(PlacedValueId id, int32_t distance,
                      const std::optional<RowRange>& rows) const {
    const ValueId origin = placed_.values[id].origin;
    const auto next = next_value_.find(origin);
    const bool is_next = next != next_value_.end() && distance == 0;
    const TensorType& type = placed_.type_of(id);
    return views_.origin_of(
        part_of_rows(is_next ? next->second : origin, type, rows_or_all(type, rows)));
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

  /// Whether a host reads only some rows of a batch.
  bool is_fed_in_part(PlacedValueId id) const {
    const std::vector<PlacedOpId>& producers = placed_.values[id].producers;
    return !producers.empty() && placed_.ops[producers.front()].kind == PlacedOpKind::kFeed &&
           placed_.ops[producers.front()].rows.has_value();
  }

  /// Whether the rows that are read are among those that producers, one after the other, write.
  bool is_made(const PlacedOperand& read) const {
    if (!is_fed_in_part(read.value)) return true;
    const std::vector<PlacedOpId>& producers = placed_.values[read.value].producers;
    const RowRange rows = rows_or_all(placed_.type_of(read.value), read.rows);
    return placed_.ops[producers.front()].rows->begin <= rows.begin &&
           rows.end <= placed_.ops[producers.back()].rows->end;
  }

  Violation check_producers(PlacedValueId id) const {
    const PlacedValue& value = placed_.values[id];
    int64_t next_row = 0;
    const bool is_fed = is_fed_in_part(id);
    if (is_fed) next_row = placed_.ops[value.producers.front()].rows->begin;
    for (const PlacedOpId producer : value.producers) {
      const PlacedOp& op = placed_.ops[producer];
      const std::vector<PlacedValueId> written = written_values(op);
      if (std::find(written.begin(), written.end(), id) == written.end()) {
        return "'" + op.name + "' does not write '" + value.name + "'";
      }
      const RowRange rows = rows_or_all(placed_.type_of(id), written_rows(op, id));
      if (rows.begin != next_row || rows.end <= rows.begin) {
        return "'" + op.name + "' does not write '" + value.name + "' from row " +
               std::to_string(next_row) + " on";
      }
      next_row = rows.end;
    }
    if (is_fed || next_row == rows_or_all(placed_.type_of(id), {}).end) return std::nullopt;
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
    if (!is_made(read))
      return "'" + op.name + "' reads rows of '" + value.name + "' that nobody feeds";
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
        return check_fed(op);
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
    if (op.writes.size() != node.results.size()) {
      return "'" + op.name + "' makes " + std::to_string(node.results.size()) +
             " values and writes " + std::to_string(op.writes.size());
    }
    const RowRange all = all_rows(node.result());
    const RowRange made = rows_made(op, node);
    const std::vector<RowUse> uses = row_uses_of(placed_.graph, *op.node);
    if (made != all && uses.empty()) {
      return "'" + op.name + "' makes rows of '" + node.name + "', which cannot be made alone";
    }
    for (size_t i = 0; i < op.reads.size(); ++i) {
      const bool is_part = made != all && uses[i] == RowUse::kSame;
      const RowRange wanted = is_part ? made : all_rows(node.inputs[i]);
      if (auto violation = check_operand(op.name, op.reads[i], node.inputs[i], wanted)) {
        return violation;
      }
    }
    for (size_t i = 0; i < node.results.size(); ++i) {
      if (auto violation = check_result(op, i, node.results[i], made)) return violation;
    }
    return std::nullopt;
  }

  RowRange all_rows(ValueId value) const { return rows_or_all(placed_.graph->type_of(value), {}); }

  ValuePart origin_of_rows(ValueId value, const RowRange& rows) const {
    return views_.origin_of(part_of_rows(value, placed_.graph->type_of(value), rows));
  }

  /// Which rows of the node's results the operation makes, going by where it writes them.
  RowRange rows_made(const PlacedOp& op, const Node& node) const {
    const ValuePart written = part_held(op.writes.front(), 0, op.rows);
    const RowRange all = all_rows(node.result());
    if (written.value != node.result()) return all;
    return rows_of_part(placed_.graph->type_of(node.result()), written.first, written.count)
        .value_or(all);
  }

  Violation check_operand(const std::string& reader, const PlacedOperand& read,
                          ValueId wanted) const {
    return check_operand(reader, read, wanted, all_rows(wanted));
  }

  /// Whether these rows of `wanted` are what is read, of the right step, in the right shape.
  Violation check_operand(const std::string& reader, const PlacedOperand& read, ValueId wanted,
                          const RowRange& rows) const {
    const bool is_all = rows == all_rows(wanted);
    const TensorType& whole = placed_.graph->type_of(wanted);
    if (placed_.operand_type(read) == (is_all ? whole : type_of_rows(whole, rows)) &&
        part_held(read.value, read.distance, read.rows) == origin_of_rows(wanted, rows)) {
      return std::nullopt;
    }
    return "'" + reader + "' needs '" + name_of(wanted) + "'" +
           (is_all ? "" : "[" + to_string(rows) + "]") + " and reads '" +
           placed_.values[read.value].name + "'" + text_of_part(read) +
           (read.distance > 0 ? " from step -" + std::to_string(read.distance) : "");
  }

  Violation check_result(const PlacedOp& op, size_t result, ValueId made,
                         const RowRange& rows) const {
    const PlacedValueId written = op.writes[result];
    if (!placed_.values[written].scratch &&
        part_held(written, 0, op.rows) == origin_of_rows(made, rows)) {
      return std::nullopt;
    }
    return "'" + op.name + "' makes '" + name_of(made) + "' and writes '" +
           placed_.values[written].name + "'" + rows_text(op.rows);
  }

  Violation check_fed(const PlacedOp& op) const {
    if (op.writes.size() != 1) return "'" + op.name + "' does not write one value";
    const RowRange rows = rows_or_all(placed_.type_of(op.writes.front()), op.rows);
    return check_result(op, 0, *op.input, rows);
  }

  Violation check_copy(const PlacedOp& op) const {
    if (machine_.find_link(op.device, op.destination) == nullptr) {
      return "'" + op.name + "' has no link from " + device_name(op.device) + " to " +
             device_name(op.destination);
    }
    if (op.reads.size() != 1 || op.writes.size() != 1) {
      return "'" + op.name + "' is not a copy of one value";
    }
    const PlacedOperand& read = op.reads[0];
    const PlacedValueId written = op.writes.front();
    if (!placed_.values[written].scratch &&
        part_held(read.value, read.distance, read.rows) == part_held(written, 0, op.rows)) {
      return std::nullopt;
    }
    return "'" + op.name + "' copies '" + placed_.values[read.value].name + "'" +
           text_of_part(read) + " and writes other rows or another value, '" +
           placed_.values[written].name + "'" + rows_text(op.rows);
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
      if (may_be_view(placed_.graph, id)) continue;
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
  const Views views_;
  std::map<ValueId, ValueId> next_value_;  // of every state that is updated
  std::set<std::string> value_names_;
  std::set<std::string> op_names_;
  std::set<std::pair<ValueId, DeviceId>> carried_;  // filled in at load, by device
};

}  // namespace

std::vector<PlacedValueId> written_values(const PlacedOp& op) {
  std::vector<PlacedValueId> values = op.writes;
  if (op.scratch) values.push_back(*op.scratch);
  return values;
}

std::optional<RowRange> written_rows(const PlacedOp& op, PlacedValueId value) {
  return op.scratch == value ? std::nullopt : op.rows;
}

TensorType PlacedGraph::operand_type(const PlacedOperand& read) const {
  TensorType type = type_of_rows(type_of(read.value), read.rows);
  if (read.shape) type.shape = *read.shape;
  return type;
}

std::vector<PlacedOpId> PlacedGraph::producers_of(const PlacedOperand& read) const {
  const std::vector<PlacedOpId>& all = values[read.value].producers;
  if (!read.rows) return all;
  const auto rows_of = [&](PlacedOpId producer) {
    return rows_or_all(type_of(read.value), written_rows(ops[producer], read.value));
  };
  auto producer = std::partition_point(
      all.begin(), all.end(), [&](PlacedOpId id) { return rows_of(id).end <= read.rows->begin; });
  std::vector<PlacedOpId> producers;
  for (; producer != all.end() && rows_of(*producer).begin < read.rows->end; ++producer) {
    producers.push_back(*producer);
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
      reads.push_back(placed.values[read.value].name + text_of_part(read) +
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

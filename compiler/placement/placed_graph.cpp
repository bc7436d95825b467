#include "compiler/placement/placed_graph.h"

#include <map>
#include <set>

#include "runtime/base/text.h"

namespace graphc {
namespace {

/// Dumber than insert_copies on purpose: looks at one operation at a time.
class PlacedGraphVerifier {
 public:
  PlacedGraphVerifier(const PlacedGraph& placed, const Machine& machine)
      : placed_(placed), machine_(machine) {}

  Violation run() {
    for (const PlacedValueId value : placed_.values.ids()) {
      if (auto violation = check_value(value)) return violation;
    }
    for (const PlacedOpId op : placed_.ops.ids()) {
      if (auto violation = check_op(op)) return violation;
    }
    return check_nodes();
  }

 private:
  std::string device_name(DeviceId device) const { return machine_.devices[device].name; }

  Violation check_value(PlacedValueId id) {
    const PlacedValue& value = placed_.values[id];
    if (!seen_values_.insert({value.origin, value.device}).second) {
      return "'" + value.name + "' exists twice on " + device_name(value.device);
    }
    if (value.producers.empty()) {
      if (placed_.is_filled_at_load(id)) return std::nullopt;
      return "nothing produces '" + value.name + "'";
    }
    int64_t next_row = 0;
    for (const PlacedOpId producer : value.producers) {
      const PlacedOp& op = placed_.ops[producer];
      if (op.writes != id) return "'" + op.name + "' does not write '" + value.name + "'";
      const RowRange rows = rows_or_all(placed_.type_of(id), op.rows);
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
    for (const PlacedOperand& read : op.reads) {
      const PlacedValue& value = placed_.values[read.value];
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
    }
    if (op.writes && placed_.values[*op.writes].device != op.destination) {
      return "'" + op.name + "' writes '" + placed_.values[*op.writes].name +
             "' in another device's memory";
    }
    return op.kind == PlacedOpKind::kCopy ? check_copy(op) : std::nullopt;
  }

  Violation check_copy(const PlacedOp& op) const {
    if (machine_.find_link(op.device, op.destination) == nullptr) {
      return "'" + op.name + "' has no link from " + device_name(op.device) + " to " +
             device_name(op.destination);
    }
    if (op.reads.size() != 1 || !op.writes) return "'" + op.name + "' is not a copy of one value";
    if (placed_.values[op.reads[0].value].origin != placed_.values[*op.writes].origin) {
      return "'" + op.name + "' copies one value and writes another";
    }
    return std::nullopt;
  }

  Violation check_nodes() const {
    std::map<NodeId, int> times_placed;  // counted once, by what makes the first row
    for (const PlacedOp& op : placed_.ops) {
      if (op.kind != PlacedOpKind::kNode) continue;
      if (!op.rows || op.rows->begin == 0) ++times_placed[*op.node];
      const Node& node = placed_.graph.nodes[*op.node];
      if (node.device && *node.device != device_name(op.device)) {
        return "'" + node.name + "' is pinned to " + *node.device + " but placed on " +
               device_name(op.device);
      }
    }
    for (const NodeId node : placed_.graph.nodes.ids()) {
      if (times_placed[node] != 1)
        return "'" + placed_.graph.nodes[node].name + "' is not placed once";
    }
    return std::nullopt;
  }

  const PlacedGraph& placed_;
  const Machine& machine_;
  std::set<std::pair<ValueId, DeviceId>> seen_values_;
};

std::string rows_text(const std::optional<RowRange>& rows) {
  return rows ? "[" + to_string(*rows) + "]" : "";
}

}  // namespace

std::vector<PlacedOpId> PlacedGraph::producers_of(const PlacedOperand& read) const {
  const std::vector<PlacedOpId>& all = values[read.value].producers;
  if (!read.rows) return all;
  std::vector<PlacedOpId> producers;
  for (const PlacedOpId producer : all) {
    const RowRange written = rows_or_all(type_of(read.value), ops[producer].rows);
    if (common_rows(*read.rows, written).size() > 0) producers.push_back(producer);
  }
  return producers;
}

bool PlacedGraph::is_filled_at_load(PlacedValueId value) const {
  const ValueKind kind = graph.values[values[value].origin].kind;
  return kind == ValueKind::kState || kind == ValueKind::kConstant;
}

Violation verify_placed_graph(const PlacedGraph& placed, const Machine& machine) {
  return PlacedGraphVerifier(placed, machine).run();
}

std::string print_placed_graph(const PlacedGraph& placed, const Machine& machine) {
  std::string text = "placed " + placed.graph.name + " on " + machine.name + "\n";
  for (const PlacedOp& op : placed.ops) {
    std::string where = machine.devices[op.device].name;
    if (op.destination != op.device) where += "->" + machine.devices[op.destination].name;
    text += where + "  " + op.name;
    if (op.kind == PlacedOpKind::kNode) {
      text += " = " + std::string(placed.graph.nodes[*op.node].op->name);
    }
    std::vector<std::string> reads;
    for (const PlacedOperand& read : op.reads) {
      reads.push_back(placed.values[read.value].name + rows_text(read.rows) +
                      (read.distance > 0 ? " from step -1" : ""));
    }
    text += "(" + join(reads, ", ") + ")";
    if (op.writes) {
      text += " : " + to_string(type_of_rows(placed.type_of(*op.writes), op.rows)) + " in " +
              placed.values[*op.writes].name + rows_text(op.rows);
    }
    text += "\n";
  }
  for (const auto& output : placed.resident_outputs) {
    if (output) text += "stays  " + placed.values[output->value].name + "\n";
  }
  return text;
}

}  // namespace graphc

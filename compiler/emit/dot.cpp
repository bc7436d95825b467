#include "compiler/emit/dot.h"

namespace graphc {
namespace {

std::string node_id(PlacedOpId op) { return "op" + std::to_string(op.value()); }

/// Names of operations need no escape: letters, digits, "_./:[]()", blanks and "->". A graph's name
/// is free text.
std::string dot_quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + "\"";
}

std::string node_line(const PlacedGraph& placed, PlacedOpId id) {
  const PlacedOp& op = placed.ops[id];
  std::string label = op.name;
  if (op.kind == PlacedOpKind::kNode) {
    label += "\\n" + std::string(placed.graph->nodes[*op.node].op->name) + " " +
             to_string(placed.type_of(*op.writes));
  }
  const char* style = op.kind == PlacedOpKind::kNode
                          ? "shape=box, style=\"rounded,filled\", fillcolor=white"
                          : "shape=cds, style=filled, fillcolor=\"#e8e8e8\"";
  // Built piecewise: the label holds an escape that must not be escaped again.
  return "    " + node_id(id) + " [label=\"" + label + "\", " + style + "];\n";
}

void append_cluster(std::string& text, const PlacedGraph& placed, const Machine& machine,
                    DeviceId device) {
  text += "  subgraph cluster_" + std::to_string(device.value()) +
          " {\n    label=" + dot_quoted(machine.devices[device].name) +
          "; style=filled; color=\"#f2f6fb\";\n";
  for (const PlacedOpId op : placed.ops.ids()) {
    const bool is_copy = placed.ops[op].kind == PlacedOpKind::kCopy;
    if (!is_copy && placed.ops[op].device == device) text += node_line(placed, op);
  }
  text += "  }\n";
}

void append_edges(std::string& text, const PlacedGraph& placed, PlacedOpId reader) {
  const bool into_copy = placed.ops[reader].kind == PlacedOpKind::kCopy;
  for (const PlacedOperand& read : placed.ops[reader].reads) {
    for (const PlacedOpId producer : placed.producers_of(read)) {
      const bool crosses = into_copy || placed.ops[producer].kind == PlacedOpKind::kCopy;
      std::string style = crosses ? "style=dashed, color=\"#b5541c\"" : "color=\"#333333\"";
      if (read.distance > 0) {
        style = "style=dotted, color=\"#1c5fb5\", constraint=false, label=\"next step\"";
      }
      text += "  " + node_id(producer) + " -> " + node_id(reader) + " [" + style + "];\n";
    }
  }
}

}  // namespace

std::string to_dot(const PlacedGraph& placed, const Machine& machine) {
  std::string text = "digraph " + dot_quoted(placed.graph->name) +
                     " {\n  rankdir=TB; fontname=\"Helvetica\";\n"
                     "  node [fontname=\"Helvetica\", fontsize=10];\n"
                     "  edge [fontname=\"Helvetica\", fontsize=9];\n";
  for (const DeviceId device : machine.devices.ids()) append_cluster(text, placed, machine, device);
  for (const PlacedOpId op : placed.ops.ids()) {
    if (placed.ops[op].kind == PlacedOpKind::kCopy) text += node_line(placed, op);
  }
  for (const PlacedOpId op : placed.ops.ids()) append_edges(text, placed, op);
  return text + "}\n";
}

}  // namespace graphc

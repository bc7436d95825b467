#include "compiler/emit/dot.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <vector>

#include "compiler/emit/folded_names.h"
#include "runtime/base/text.h"

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
             to_string(placed.type_of(op.writes.front()));
  }
  const char* style = op.kind == PlacedOpKind::kNode
                          ? "shape=box, style=\"rounded,filled\", fillcolor=white"
                          : "shape=cds, style=filled, fillcolor=\"#e8e8e8\"";
  // Built piecewise: the label holds an escape that must not be escaped again.
  return "    " + node_id(id) + " [label=\"" + label + "\", " + style + "];\n";
}

/// Operations that are drawn, and which of them are one box.
class Boxes {
 public:
  Boxes(const PlacedGraph& placed, const IdVector<PlacedOpId, bool>& is_shown, bool is_folded)
      : placed_(placed), box_of_(placed.ops.size()) {
    std::map<std::string, size_t> boxes;
    for (const PlacedOpId op : placed.ops.ids()) {
      if (!is_shown[op]) continue;
      if (!is_folded) {
        box_of_[op] = add(op);
        continue;
      }
      const auto [known, is_new] = boxes.try_emplace(key_of(op), ops_.size());
      if (is_new) {
        add(op);
      } else {
        ops_[known->second].push_back(op);
      }
      box_of_[op] = known->second;
    }
  }

  size_t size() const { return ops_.size(); }
  std::optional<size_t> box_of(PlacedOpId op) const { return box_of_[op]; }
  const PlacedOp& first_of(size_t box) const { return placed_.ops[ops_[box].front()]; }
  bool is_copy(size_t box) const { return first_of(box).kind == PlacedOpKind::kCopy; }
  std::string id_of(size_t box) const { return node_id(ops_[box].front()); }

  std::string line_of(size_t box) const {
    if (ops_[box].size() == 1) return node_line(placed_, ops_[box].front());
    return "    " + id_of(box) + " [label=\"" + label_of(first_of(box)) + "\\n" +
           std::to_string(ops_[box].size()) +
           " operations\", shape=box3d, style=filled, fillcolor=\"#f8f4e8\"];\n";
  }

 private:
  size_t add(PlacedOpId op) {
    ops_.push_back({op});
    return ops_.size() - 1;
  }

  /// `grad.b3` of `grad.b3.n1`, else the operator.
  std::string label_of(const PlacedOp& op) const {
    const std::string block = block_of(op.name);
    if (!block.empty()) return op.name.substr(0, op.name.find(block) + block.size());
    if (op.kind == PlacedOpKind::kNode) {
      return std::string(placed_.graph->nodes[*op.node].op->name);
    }
    return op.kind == PlacedOpKind::kCopy ? "copies" : op.name;
  }

  std::string key_of(PlacedOpId id) const {
    const PlacedOp& op = placed_.ops[id];
    return std::to_string(static_cast<int>(op.kind)) + " " + std::to_string(op.device.value()) +
           " " + std::to_string(op.destination.value()) + " " + label_of(op);
  }

  const PlacedGraph& placed_;
  std::vector<std::vector<PlacedOpId>> ops_;
  IdVector<PlacedOpId, std::optional<size_t>> box_of_;
};

std::string cluster_of(const Boxes& boxes, const Machine& machine, DeviceId device) {
  std::string text = "  subgraph cluster_" + std::to_string(device.value()) +
                     " {\n    label=" + dot_quoted(machine.devices[device].name) +
                     "; style=filled; color=\"#f2f6fb\";\n";
  for (size_t box = 0; box < boxes.size(); ++box) {
    if (!boxes.is_copy(box) && boxes.first_of(box).device == device) text += boxes.line_of(box);
  }
  return text + "  }\n";
}

std::string edges_of(const PlacedGraph& placed, const Boxes& boxes) {
  std::string text;
  std::set<std::tuple<size_t, size_t, bool>> drawn;
  for (const PlacedOpId reader : placed.ops.ids()) {
    const auto to = boxes.box_of(reader);
    if (!to) continue;
    for (const PlacedOperand& read : placed.ops[reader].reads) {
      for (const PlacedOpId producer : placed.producers_of(read)) {
        const auto from = boxes.box_of(producer);
        const bool is_next_step = read.distance > 0;
        const bool is_inside = from == to && reader != producer;
        if (!from || is_inside || !drawn.emplace(*from, *to, is_next_step).second) continue;
        const bool crosses = boxes.is_copy(*from) || boxes.is_copy(*to);
        std::string style = crosses ? "style=dashed, color=\"#b5541c\"" : "color=\"#333333\"";
        if (is_next_step) {
          style = "style=dotted, color=\"#1c5fb5\", constraint=false, label=\"next step\"";
        }
        text += "  " + boxes.id_of(*from) + " -> " + boxes.id_of(*to) + " [" + style + "];\n";
      }
    }
  }
  return text;
}

/// Who reads what whom made, both ways.
IdVector<PlacedOpId, std::vector<PlacedOpId>> neighbours_of(const PlacedGraph& placed) {
  IdVector<PlacedOpId, std::vector<PlacedOpId>> neighbours(placed.ops.size());
  for (const PlacedOpId reader : placed.ops.ids()) {
    for (const PlacedOperand& read : placed.ops[reader].reads) {
      for (const PlacedOpId producer : placed.producers_of(read)) {
        neighbours[reader].push_back(producer);
        neighbours[producer].push_back(reader);
      }
    }
  }
  return neighbours;
}

Result<IdVector<PlacedOpId, bool>> shown_in(const PlacedGraph& placed, const DotView& view) {
  IdVector<PlacedOpId, bool> is_shown(placed.ops.size(), !view.focus);
  if (!view.focus) return is_shown;
  std::vector<PlacedOpId> reached;
  std::vector<std::string> names;
  for (const PlacedOpId op : placed.ops.ids()) {
    names.push_back(placed.ops[op].name);
    if (placed.ops[op].name == *view.focus) reached.push_back(op);
  }
  if (reached.empty()) {
    const auto nearest = nearest_name(*view.focus, names);
    return usage_error("--focus: no operation is named '" + *view.focus + "'" +
                       (nearest ? "; did you mean '" + *nearest + "'?" : ""));
  }
  const auto neighbours = neighbours_of(placed);
  for (const PlacedOpId op : reached) is_shown[op] = true;
  for (int distance = 0; distance < view.radius; ++distance) {
    std::vector<PlacedOpId> next;
    for (const PlacedOpId op : reached) {
      for (const PlacedOpId neighbour : neighbours[op]) {
        if (is_shown[neighbour]) continue;
        is_shown[neighbour] = true;
        next.push_back(neighbour);
      }
    }
    reached = std::move(next);
  }
  return is_shown;
}

/// More boxes are no picture.
constexpr std::ptrdiff_t kMaxBoxes = 300;

}  // namespace

Result<std::string> to_dot(const PlacedGraph& placed, const Machine& machine, const DotView& view) {
  TRY(const auto is_shown, shown_in(placed, view));
  const bool is_folded = view.detail == Detail::kShort &&
                         std::count(is_shown.begin(), is_shown.end(), true) > kMaxBoxes;
  const Boxes boxes(placed, is_shown, is_folded);
  std::string text = "digraph " + dot_quoted(placed.graph->name) +
                     " {\n  rankdir=TB; fontname=\"Helvetica\";\n"
                     "  node [fontname=\"Helvetica\", fontsize=10];\n"
                     "  edge [fontname=\"Helvetica\", fontsize=9];\n";
  for (const DeviceId device : machine.devices.ids()) text += cluster_of(boxes, machine, device);
  for (size_t box = 0; box < boxes.size(); ++box) {
    if (boxes.is_copy(box)) text += boxes.line_of(box);
  }
  return text + edges_of(placed, boxes) + "}\n";
}

}  // namespace graphc

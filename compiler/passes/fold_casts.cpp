#include "compiler/passes/fold_casts.h"

#include <string>
#include <utility>
#include <vector>

#include "compiler/graph/unique_names.h"
#include "compiler/passes/append_node.h"
#include "compiler/passes/fusion.h"

namespace graphc {
namespace {

bool is_cast(const Node& node) { return node.op->name == "cast"; }

/// Whether f32 takes the place of a type of floats with fewer bits.
bool is_widening(const Graph& graph, const Node& cast) {
  const ElementType from = graph.type_of(cast.inputs[0]).element;
  const ElementType to = graph.type_of(cast.result()).element;
  return to == ElementType::kF32 && (from == ElementType::kBF16 || from == ElementType::kF16);
}

bool is_narrowing(const Graph& graph, const Node& cast) {
  const int64_t from = size_bytes(graph.type_of(cast.inputs[0]).element);
  return size_bytes(graph.type_of(cast.result()).element) < from;
}

bool chooses_result(const Node& node) {
  return !is_cast(node) && find_attribute(*node.op, "to") != nullptr;
}

/// A cast of what was widened from the type that it gives: the value before, which is the same.
std::optional<ValueId> value_before(const Graph& graph, const Node& node) {
  if (!is_cast(node) || node.keep || node.updates || node.device) return std::nullopt;
  const std::optional<NodeId>& producer = graph.values[node.inputs[0]].producer;
  if (!producer) return std::nullopt;
  const Node& first = graph.nodes[*producer];
  if (!is_cast(first) || !is_widening(graph, first)) return std::nullopt;
  const ValueId before = first.inputs[0];
  if (graph.type_of(before) != graph.type_of(node.result())) return std::nullopt;
  return before;
}

/// Readers take the value that went in, where casts lead back to it.
void skip_ways_back(Graph& graph) {
  IdVector<ValueId, std::optional<ValueId>> same(graph.values.size());
  for (Node& node : graph.nodes) {
    for (ValueId& input : node.inputs) input = same[input].value_or(input);
    if (const auto before = value_before(graph, node)) same[node.result()] = *before;
  }
}

bool is_cast_of_parts(const Fusion& fusion, NodeId id) {
  const Node& cast = fusion.graph().nodes[id];
  return is_cast(cast) && is_narrowing(fusion.graph(), cast) &&
         fusion.find_joinable(id, cast.inputs[0], "concat").has_value();
}

/// Turns a cast of a concat, which nothing will read any more, into a concat of casts.
void cast_parts(Graph& graph, UniqueNames& names, Node& cast) {
  const Node concat = graph.nodes[*graph.values[cast.inputs[0]].producer];
  std::vector<ValueId> parts;
  for (const ValueId part : concat.inputs) {
    Node of_part = node_in_place_of(cast, "cast", {part}, cast.attributes);
    of_part.name = graph.values[part].name + "." + std::string(cast.attributes.text("to", ""));
    parts.push_back(append_new_node(graph, names, std::move(of_part)));
  }
  cast.op = concat.op;
  cast.attributes = concat.attributes;
  cast.inputs = std::move(parts);
  cast.input_places.clear();
  cast.attribute_places.clear();
}

/// Parts that are put together and made narrower are made narrower before: fewer bytes are moved.
Graph narrow_before_concats(Graph graph) {
  Fusion fusion(std::move(graph));
  IdVector<NodeId, char> are_of_parts(fusion.graph().nodes.size(), 0);
  bool is_any = false;
  for (const NodeId id : fusion.graph().nodes.ids()) {
    if (!is_cast_of_parts(fusion, id)) continue;
    are_of_parts[id] = 1;
    is_any = true;
  }
  Graph result = std::move(fusion).finish();
  if (!is_any) return result;
  UniqueNames names(result);
  IdVector<NodeId, Node> nodes = std::exchange(result.nodes, {});
  for (const NodeId id : nodes.ids()) {
    if (are_of_parts[id] != 0) cast_parts(result, names, nodes[id]);
    append_node(result, std::move(nodes[id]));
  }
  return result;
}

}  // namespace

Result<Graph> fold_casts(Graph graph, DiagnosticSink&) {
  skip_ways_back(graph);
  Fusion fusion(narrow_before_concats(std::move(graph)));
  for (const NodeId id : fusion.graph().nodes.ids()) {
    const Node& cast = fusion.graph().nodes[id];
    if (!is_cast(cast) || cast.keep || !is_widening(fusion.graph(), cast)) continue;
    const auto joined = fusion.find_joinable(id, cast.inputs[0]);
    if (!joined || !chooses_result(fusion.graph().nodes[*joined])) continue;
    const Node& before = fusion.graph().nodes[*joined];
    if (before.results.size() > 1) continue;
    Attributes attributes = before.attributes;
    attributes.set("to", std::string(cast.attributes.text("to", "")));
    std::vector<ValueId> inputs = before.inputs;
    fusion.join(id, *joined, {before.op, std::move(attributes), std::move(inputs)});
  }
  return std::move(fusion).finish();
}

}  // namespace graphc

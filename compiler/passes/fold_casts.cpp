#include "compiler/passes/fold_casts.h"

#include <string>
#include <utility>

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

}  // namespace

Result<Graph> fold_casts(Graph graph, DiagnosticSink&) {
  skip_ways_back(graph);
  Fusion fusion(std::move(graph));
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

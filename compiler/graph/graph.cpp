#include "compiler/graph/graph.h"

namespace graphc {
namespace {

SourceValueKind source_kind(ValueKind kind) {
  switch (kind) {
    case ValueKind::kInput:
      return SourceValueKind::kInput;
    case ValueKind::kState:
      return SourceValueKind::kState;
    case ValueKind::kConstant:
      return SourceValueKind::kConstant;
    case ValueKind::kNode:
      return SourceValueKind::kNode;
  }
  return SourceValueKind::kNode;
}

SourceValueId source_id(ValueId value) { return SourceValueId(value.value()); }

SourceNode source_node(const Node& node) {
  SourceNode result;
  result.op = std::string(node.op->name);
  result.attributes = node.attributes;
  for (const ValueId input : node.inputs) result.inputs.push_back(source_id(input));
  for (const ValueId each : node.results) result.results.push_back(source_id(each));
  if (node.updates) result.updates = source_id(*node.updates);
  for (const ValueId state : node.more_updates) result.more_updates.push_back(source_id(state));
  return result;
}

}  // namespace

std::string result_name(const OpInfo& op, const std::string& node, size_t number) {
  return number == 0 ? node : node + "." + std::string(op.more_results[number - 1]);
}

std::vector<ValueId> Node::updated_states() const {
  std::vector<ValueId> states = more_updates;
  if (updates) states.insert(states.begin(), *updates);
  return states;
}

std::vector<TensorType> Graph::input_types(NodeId node) const {
  std::vector<TensorType> types;
  for (const ValueId input : nodes[node].inputs) types.push_back(type_of(input));
  return types;
}

std::vector<TensorType> Graph::result_types(NodeId node) const {
  std::vector<TensorType> types;
  for (const ValueId result : nodes[node].results) types.push_back(type_of(result));
  return types;
}

IdVector<ValueId, std::optional<ValueId>> Graph::next_values() const {
  IdVector<ValueId, std::optional<ValueId>> next(values.size());
  for (const Node& node : nodes) {
    const std::vector<ValueId> states = node.updated_states();
    for (size_t i = 0; i < states.size(); ++i) next[states[i]] = node.results[i];
  }
  return next;
}

SourceGraph to_source_graph(const Graph& graph) {
  SourceGraph source;
  source.name = graph.name;
  for (const Value& value : graph.values) {
    source.values.push_back({source_kind(value.kind), value.name, value.type, value.initializer});
  }
  for (const Node& node : graph.nodes) source.nodes.push_back(source_node(node));
  for (const GraphOutput& output : graph.outputs) source.outputs.push_back(source_id(output.value));
  return source;
}

}  // namespace graphc

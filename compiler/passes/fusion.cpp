#include "compiler/passes/fusion.h"

#include <utility>

namespace graphc {

Fusion::Fusion(Graph graph)
    : graph_(std::move(graph)), removal_(graph_), num_readers_(graph_.values.size(), 0) {
  for (const Node& node : graph_.nodes) {
    for (const ValueId input : node.inputs) ++num_readers_[input];
  }
  for (const GraphOutput& output : graph_.outputs) ++num_readers_[output.value];
}

std::optional<NodeId> Fusion::find_joinable(NodeId reader, ValueId operand) const {
  const std::optional<NodeId>& producer = graph_.values[operand].producer;
  if (!producer || num_readers_[operand] != 1) return std::nullopt;
  const Node& first = graph_.nodes[*producer];
  const Node& second = graph_.nodes[reader];
  if (first.keep || second.keep || first.results.size() > 1) return std::nullopt;
  if (first.updates || first.device != second.device) return std::nullopt;
  if (first.also_on != second.also_on) return std::nullopt;
  return producer;
}

std::optional<NodeId> Fusion::find_joinable(NodeId reader, ValueId operand,
                                            std::string_view op) const {
  const std::optional<NodeId> producer = find_joinable(reader, operand);
  return producer && graph_.nodes[*producer].op->name == op ? producer : std::nullopt;
}

void Fusion::join(NodeId reader, NodeId joined, Formula formula) {
  Node& node = graph_.nodes[reader];
  node.op = formula.op;
  node.attributes = std::move(formula.attributes);
  node.inputs = std::move(formula.inputs);
  node.input_places.clear();
  removal_.nodes[joined] = 1;
}

Graph Fusion::finish() && { return without(std::move(graph_), removal_); }

}  // namespace graphc

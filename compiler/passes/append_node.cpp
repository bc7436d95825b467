#include "compiler/passes/append_node.h"

#include <utility>

namespace graphc {

void append_node(Graph& graph, Node node) {
  const std::vector<ValueId> results = node.results;
  const NodeId id = graph.nodes.push_back(std::move(node));
  for (const ValueId result : results) graph.values[result].producer = id;
}

ValueId append_new_node(Graph& graph, UniqueNames& names, Node node) {
  node.name = names.unique_node(node.name, *node.op);
  std::vector<TensorType> operands;
  for (const ValueId input : node.inputs) operands.push_back(graph.type_of(input));
  const std::vector<TensorType> types = infer_types(*node.op, operands, node.attributes).value();
  for (size_t i = 0; i < types.size(); ++i) {
    Value value;
    value.name = result_name(*node.op, node.name, i);
    value.type = types[i];
    value.where = node.where;
    node.results.push_back(graph.values.push_back(std::move(value)));
  }
  const ValueId first = node.result();
  append_node(graph, std::move(node));
  return first;
}

Node node_in_place_of(const Node& whole, std::string_view op, std::vector<ValueId> inputs,
                      Attributes attributes) {
  Node node;
  node.op = find_op(op);
  node.attributes = std::move(attributes);
  node.inputs = std::move(inputs);
  node.device = whole.device;
  node.also_on = whole.also_on;
  node.device_where = whole.device_where;
  node.where = whole.where;
  return node;
}

}  // namespace graphc

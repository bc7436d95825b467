#include "compiler/passes/fold_broadcasts.h"

#include <algorithm>
#include <optional>

#include "runtime/op/chain.h"

namespace graphc {
namespace {

/// The broadcast that `reader` may skip when it reads `value`.
const Node* broadcast_to_fold(const Graph& graph, const Node& reader, ValueId value) {
  const std::optional<NodeId>& producer = graph.values[value].producer;
  if (!producer) return nullptr;
  const Node& node = graph.nodes[*producer];
  const bool is_left_alone = node.keep || (node.device && node.device != reader.device);
  return node.op->name == "broadcast" && !is_left_alone ? &node : nullptr;
}

/// Operators of single elements repeat operands that are smaller than others.
bool may_repeat_operands(const Node& node) {
  return node.op->in_place == graphrt::InPlace::kAnyOperand && node.inputs.size() > 1 &&
         !node.op->is_product();
}

/// What may become a part of a chain stays such that it may: chains repeat operands along the first
/// dimensions alone.
bool fits_in_chains(const Graph& graph, const Node& node, ValueId operand) {
  if (!graphrt::find_element_function(node.op->name)) return true;
  const Shape& part = graph.type_of(operand).shape;
  const Shape& all = graph.type_of(node.result()).shape;
  return part.size() <= all.size() && std::equal(part.rbegin(), part.rend(), all.rbegin());
}

bool keeps_type(const Graph& graph, const Node& node, const std::vector<ValueId>& inputs) {
  std::vector<TensorType> types;
  for (const ValueId input : inputs) types.push_back(graph.type_of(input));
  const auto type = infer_type(*node.op, types, node.attributes);
  return type && *type == graph.type_of(node.result());
}

/// What operand number `index` may be instead: the operand of the first of several broadcasts, if the
/// result stays what it is.
ValueId operand_to_read(const Graph& graph, const Node& node, size_t index) {
  ValueId best = node.inputs[index];
  std::vector<ValueId> inputs = node.inputs;
  while (const Node* broadcast = broadcast_to_fold(graph, node, inputs[index])) {
    inputs[index] = broadcast->inputs[0];
    const bool is_fine =
        fits_in_chains(graph, node, inputs[index]) && keeps_type(graph, node, inputs);
    if (is_fine) best = inputs[index];
  }
  return best;
}

}  // namespace

Result<Graph> fold_broadcasts(Graph graph, DiagnosticSink&) {
  for (Node& node : graph.nodes) {
    if (node.keep || !may_repeat_operands(node)) continue;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      node.inputs[i] = operand_to_read(graph, node, i);
    }
  }
  return graph;
}

}  // namespace graphc

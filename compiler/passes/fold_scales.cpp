#include "compiler/passes/fold_scales.h"

#include <cmath>
#include <optional>

namespace graphc {
namespace {

/// The scale that `reader` may skip when it reads `value`.
const Node* scale_to_fold(const Graph& graph, const Node& reader, ValueId value) {
  const std::optional<NodeId>& producer = graph.values[value].producer;
  if (!producer) return nullptr;
  const Node& node = graph.nodes[*producer];
  const bool is_left_alone = node.keep || (node.device && node.device != reader.device);
  return node.op->name == "scale" && !is_left_alone ? &node : nullptr;
}

/// Factors beyond, on either side, stay where they are: sums of what they keep small, or large, might
/// leave f32 without them. So does 0, with which a library computes nothing, not even a NaN.
constexpr double kMaxFactor = 0x1p16;

bool is_foldable(double factor) {
  const double magnitude = std::abs(factor);
  return magnitude <= kMaxFactor && magnitude >= 1 / kMaxFactor;
}

void fold_operand(const Graph& graph, Node& node, ValueId& operand) {
  while (const Node* scale = scale_to_fold(graph, node, operand)) {
    const double alpha = node.attributes.number("alpha", 1) * scale->attributes.number("factor", 1);
    if (!is_foldable(alpha)) return;
    node.attributes.set("alpha", alpha);
    operand = scale->inputs[0];
  }
}

}  // namespace

Result<Graph> fold_scales(Graph graph, DiagnosticSink&) {
  for (Node& node : graph.nodes) {
    if (!node.op->is_product() || node.keep) continue;
    if (find_attribute(*node.op, "alpha") == nullptr) continue;
    const size_t first = *node.op->product_at;
    for (const size_t operand : {first, first + 1}) {
      fold_operand(graph, node, node.inputs[operand]);
    }
  }
  return graph;
}

}  // namespace graphc

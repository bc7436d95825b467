#include "compiler/passes/fold_transposes.h"

#include <array>
#include <numeric>
#include <utility>

namespace graphc {
namespace {

bool swaps_last_two(const Node& node, int rank) {
  if (node.op->name != "transpose" || rank < 2) return false;
  std::vector<int64_t> axes = node.attributes.list("axes");
  if (axes.empty()) return true;  // the operator's default
  for (int64_t& axis : axes) axis += axis < 0 ? rank : 0;
  std::vector<int64_t> wanted(static_cast<size_t>(rank));
  std::iota(wanted.begin(), wanted.end(), int64_t{0});
  std::swap(wanted[wanted.size() - 1], wanted[wanted.size() - 2]);
  return axes == wanted;
}

/// The transpose that `reader` may skip when it reads `value`.
const Node* transpose_to_fold(const Graph& graph, const Node& reader, ValueId value) {
  const std::optional<NodeId>& producer = graph.values[value].producer;
  if (!producer) return nullptr;
  const Node& node = graph.nodes[*producer];
  if (!swaps_last_two(node, graph.type_of(value).rank())) return nullptr;
  const bool is_left_alone = node.keep || (node.device && node.device != reader.device);
  return is_left_alone ? nullptr : &node;
}

void toggle(Attributes& attributes, const char* flag) {
  if (attributes.flag(flag)) {
    attributes.erase(flag);
  } else {
    attributes.set(flag, true);
  }
}

}  // namespace

Result<Graph> fold_transposes(Graph graph, DiagnosticSink&) {
  constexpr std::array kFlags = {"transpose_a", "transpose_b"};
  for (Node& node : graph.nodes) {
    if (!node.op->is_product() || node.keep) continue;
    for (size_t i = 0; i < kFlags.size(); ++i) {
      ValueId& operand = node.inputs[*node.op->product_at + i];
      while (const Node* transpose = transpose_to_fold(graph, node, operand)) {
        operand = transpose->inputs[0];
        toggle(node.attributes, kFlags[i]);
      }
    }
  }
  return graph;
}

}  // namespace graphc

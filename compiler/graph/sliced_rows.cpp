#include "compiler/graph/sliced_rows.h"

namespace graphc {

std::optional<RowRange> sliced_rows(const Graph& graph, NodeId id) {
  const Node& node = graph.nodes[id];
  if (node.op->name != "slice") return std::nullopt;
  const TensorType& operand = graph.type_of(node.inputs[0]);
  const int64_t axis = node.attributes.integer("axis", 0);
  if (axis != 0 && axis != -operand.rank()) return std::nullopt;
  const int64_t begin = node.attributes.integer("begin", 0);
  const int64_t num_rows = graph.type_of(node.result()).shape[0];
  if (num_rows == operand.shape[0]) return std::nullopt;
  return RowRange{begin, begin + num_rows};
}

}  // namespace graphc

#include "compiler/graph/row_uses.h"

namespace graphc {

std::vector<RowUse> row_uses_of(const Graph& graph, NodeId id) {
  const Node& node = graph.nodes[id];
  return row_uses(*node.op, graph.input_types(id), graph.type_of(node.result()), node.attributes);
}

}  // namespace graphc

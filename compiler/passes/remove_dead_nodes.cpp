#include "compiler/passes/remove_dead_nodes.h"

#include <algorithm>
#include <utility>

#include "compiler/passes/remove_nodes.h"

namespace graphc {

Result<Graph> remove_dead_nodes(Graph graph, DiagnosticSink&) {
  IdVector<ValueId, char> is_needed(graph.values.size(), 0);
  for (const GraphOutput& output : graph.outputs) is_needed[output.value] = 1;

  Removal removal(graph);
  // Readers come after what they read, so one walk backwards sees every reader first.
  for (size_t i = graph.nodes.size(); i-- > 0;) {
    const NodeId id(i);
    const Node& node = graph.nodes[id];
    const bool is_read = std::any_of(node.results.begin(), node.results.end(),
                                     [&](ValueId result) { return is_needed[result] != 0; });
    const bool is_dead = !is_read && !node.keep && !node.updates;
    removal.nodes[id] = is_dead ? 1 : 0;
    if (is_dead) continue;
    for (const ValueId input : node.inputs) is_needed[input] = 1;
  }
  for (const ValueId id : graph.values.ids()) {
    const bool is_constant = graph.values[id].kind == ValueKind::kConstant;
    removal.values[id] = is_constant && is_needed[id] == 0 ? 1 : 0;
  }
  return without(std::move(graph), removal);
}

}  // namespace graphc

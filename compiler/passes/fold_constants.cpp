#include "compiler/passes/fold_constants.h"

#include <algorithm>
#include <set>
#include <utility>

#include "compiler/passes/remove_nodes.h"
#include "runtime/kernels/reference/reference_kernels.h"

namespace graphc {
namespace {

bool may_fold(const Graph& graph, const Node& node, const std::set<ValueId>& outputs) {
  if (node.keep || node.device || node.updates || outputs.contains(node.result)) return false;
  if (graph.type_of(node.result).size_bytes() > kMaxFoldedBytes) return false;
  return std::all_of(node.inputs.begin(), node.inputs.end(), [&](ValueId input) {
    return graph.values[input].kind == ValueKind::kConstant;
  });
}

Tensor evaluate(const Graph& graph, const Node& node) {
  std::vector<Tensor> inputs;
  for (const ValueId input : node.inputs) {
    inputs.push_back({graph.type_of(input), graph.values[input].initializer.data});
  }
  std::vector<const Tensor*> pointers;
  for (const Tensor& input : inputs) pointers.push_back(&input);
  return evaluate_reference(node.op->name, pointers, node.attributes, graph.type_of(node.result));
}

}  // namespace

Result<Graph> fold_constants(Graph graph, DiagnosticSink&) {
  std::set<ValueId> outputs;
  for (const GraphOutput& output : graph.outputs) outputs.insert(output.value);

  Removal removal(graph);
  for (const NodeId id : graph.nodes.ids()) {
    const Node& node = graph.nodes[id];
    if (!may_fold(graph, node, outputs)) continue;
    Tensor result = evaluate(graph, node);
    Value& value = graph.values[node.result];
    value.kind = ValueKind::kConstant;
    value.producer.reset();
    value.initializer = {};
    value.initializer.kind = InitializerKind::kData;
    value.initializer.data = std::move(result.data);
    removal.nodes[id] = 1;
  }
  return without(std::move(graph), removal);
}

}  // namespace graphc

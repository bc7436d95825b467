#include "compiler/passes/fold_constants.h"

#include <algorithm>
#include <set>
#include <utility>

#include "compiler/passes/remove_nodes.h"
#include "runtime/kernels/reference/reference_kernels.h"

namespace graphc {
namespace {

bool may_fold(const Graph& graph, const Node& node, const std::set<ValueId>& outputs) {
  if (node.keep || node.device || node.updates || node.results.size() > 1) return false;
  if (outputs.contains(node.result())) return false;
  if (graph.type_of(node.result()).size_bytes() > kMaxFoldedBytes) return false;
  return std::all_of(node.inputs.begin(), node.inputs.end(), [&](ValueId input) {
    return graph.values[input].kind == ValueKind::kConstant;
  });
}

double work_of(const Graph& graph, NodeId id) {
  constexpr double kOperationsPerByte = 4;
  constexpr size_t kBytesOfFunction = 8;  // as a formula writes it: "relu(x0)"
  const Node& node = graph.nodes[id];
  const Work work =
      node.op->work_rule(graph.input_types(id), graph.result_types(id), node.attributes);
  const size_t num_functions = 1 + node.attributes.text("formula", "").size() / kBytesOfFunction;
  return work.num_flops + work.num_bytes * kOperationsPerByte * static_cast<double>(num_functions);
}

Tensor evaluate(const Graph& graph, const Node& node) {
  std::vector<Tensor> inputs;
  for (const ValueId input : node.inputs) {
    inputs.push_back({graph.type_of(input), graph.values[input].initializer.data.to_vector()});
  }
  std::vector<const Tensor*> pointers;
  for (const Tensor& input : inputs) pointers.push_back(&input);
  return evaluate_reference(node.op->name, pointers, node.attributes, graph.type_of(node.result()));
}

}  // namespace

Result<Graph> fold_constants(Graph graph, DiagnosticSink&) {
  std::set<ValueId> outputs;
  for (const GraphOutput& output : graph.outputs) outputs.insert(output.value);

  double work_left = kMaxFoldedWork;
  Removal removal(graph);
  for (const NodeId id : graph.nodes.ids()) {
    const Node& node = graph.nodes[id];
    if (!may_fold(graph, node, outputs)) continue;
    const double work = work_of(graph, id);
    if (work > work_left) continue;
    work_left -= work;
    Tensor result = evaluate(graph, node);
    Value& value = graph.values[node.result()];
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

#include "compiler/passes/fuse_updates.h"

#include <algorithm>
#include <utility>

#include "compiler/passes/fusion.h"
#include "runtime/base/f32_range.h"

namespace graphc {
namespace {

/// Of two matrices of f32, like the weights.
bool is_plain_product(const Graph& graph, const Node& matmul) {
  const auto is_f32 = [&](ValueId id) { return graph.type_of(id).element == ElementType::kF32; };
  return graph.type_of(matmul.result()).rank() == 2 && matmul.inputs.size() == 2 &&
         !matmul.attributes.flag("relu") && is_f32(matmul.inputs[0]) && is_f32(matmul.result());
}

/// Without a rate or a factor as an operand, and without decay: what the product's own update can
/// do.
bool is_plain_update(const Node& sgd) {
  return sgd.inputs.size() == 2 && sgd.attributes.number("weight_decay", 0) == 0;
}

void fuse_update(Fusion& fusion, NodeId update) {
  const Graph& graph = fusion.graph();
  const Node& sgd = graph.nodes[update];
  if (!is_plain_update(sgd)) return;
  const ValueId weights = sgd.inputs[0];
  const auto product = fusion.find_joinable(update, sgd.inputs[1], "matmul");
  if (!product || !is_plain_product(graph, graph.nodes[*product])) return;
  const Node& matmul = graph.nodes[*product];
  if (std::count(matmul.inputs.begin(), matmul.inputs.end(), weights) > 0) return;
  Fusion::Formula formula{find_op("matmul_sgd_update"), {}, matmul.inputs};
  const double rate =
      sgd.attributes.number("learning_rate", 0) * matmul.attributes.number("alpha", 1);
  if (find_misfit_of_f32(rate)) return;
  formula.attributes.set("learning_rate", rate);
  for (const char* name : {"math", "transpose_a", "transpose_b"}) {
    if (const AttributeValue* value = matmul.attributes.find(name)) {
      formula.attributes.set(name, *value);
    }
  }
  formula.inputs.insert(formula.inputs.begin(), weights);
  fusion.join(update, *product, std::move(formula));
}

}  // namespace

Result<Graph> fuse_updates(Graph graph, DiagnosticSink&) {
  Fusion fusion(std::move(graph));
  for (const NodeId id : fusion.graph().nodes.ids()) {
    if (fusion.graph().nodes[id].op->name == "sgd_update") fuse_update(fusion, id);
  }
  return std::move(fusion).finish();
}

}  // namespace graphc

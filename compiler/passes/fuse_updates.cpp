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

/// Whether both average the same gradient, multiplied with the same and skipped alike.
bool average_alike(const Node& m, const Node& v) {
  const auto is_same_flag = [&](const char* name) {
    return m.attributes.flag(name) == v.attributes.flag(name);
  };
  return std::equal(m.inputs.begin() + 1, m.inputs.end(), v.inputs.begin() + 1, v.inputs.end()) &&
         is_same_flag("scaled") && is_same_flag("skips");
}

bool has_decay(const Node& average, double decay) {
  return average.attributes.number("decay", 0) == decay;
}

/// What one step of Adam does: w, the averages before, their gradient; the step and perhaps the rate
/// of `update`; perhaps the factor of the gradient.
Fusion::Formula step_formula(const Node& update, const Node& m, const Node& v) {
  Fusion::Formula formula{find_op("adam_step"), update.attributes, {}};
  for (const char* name : {"scaled", "skips"}) {
    if (m.attributes.flag(name)) formula.attributes.set(name, true);
  }
  formula.inputs = {update.inputs[0], m.inputs[0], v.inputs[0], m.inputs[1]};
  formula.inputs.insert(formula.inputs.end(), update.inputs.begin() + 3, update.inputs.end());
  formula.inputs.insert(formula.inputs.end(), m.inputs.begin() + 2, m.inputs.end());
  return formula;
}

void fuse_averages(Fusion& fusion, NodeId update) {
  const Graph& graph = fusion.graph();
  const Node& adam = graph.nodes[update];
  const auto m = fusion.find_result_to_give(update, adam.inputs[1], "moving_average");
  const auto v = fusion.find_result_to_give(update, adam.inputs[2], "moving_average_of_squares");
  if (!m || !v || !average_alike(graph.nodes[*m], graph.nodes[*v])) return;
  if (!has_decay(graph.nodes[*m], adam.attributes.number("beta1", 0.9))) return;
  if (!has_decay(graph.nodes[*v], adam.attributes.number("beta2", 0.999))) return;
  fusion.join_results(update, {*m, *v}, step_formula(adam, graph.nodes[*m], graph.nodes[*v]));
}

}  // namespace

Result<Graph> fuse_updates(Graph graph, DiagnosticSink&) {
  Fusion fusion(std::move(graph));
  for (const NodeId id : fusion.graph().nodes.ids()) {
    const std::string_view op = fusion.graph().nodes[id].op->name;
    if (op == "sgd_update") fuse_update(fusion, id);
    if (op == "adam_update") fuse_averages(fusion, id);
  }
  return std::move(fusion).finish();
}

}  // namespace graphc

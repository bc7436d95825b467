#include "compiler/passes/fuse_epilogues.h"

#include <optional>
#include <utility>
#include <vector>

#include "compiler/passes/fusion.h"
#include "runtime/base/f32_range.h"

namespace graphc {
namespace {

/// The product that gives `operand`, if `reader` may be computed along with it.
std::optional<NodeId> find_product(const Fusion& fusion, NodeId reader, ValueId operand) {
  const auto product = fusion.find_joinable(reader, operand);
  return product && fusion.graph().nodes[*product].op->has_epilogue ? product : std::nullopt;
}

bool is_without_addends(const Node& product) {
  return product.inputs.size() == product.op->min_inputs;
}

void fuse_relu(Fusion& fusion, NodeId relu) {
  const Graph& graph = fusion.graph();
  const auto product = find_product(fusion, relu, graph.nodes[relu].inputs[0]);
  if (!product) return;
  const Node& node = graph.nodes[*product];
  Fusion::Formula formula{node.op, node.attributes, node.inputs};
  formula.attributes.set("relu", true);
  fusion.join(relu, *product, std::move(formula));
}

/// The factor of the whole product: before there is a bias, or a relu.
void fuse_scale(Fusion& fusion, NodeId scale) {
  const Graph& graph = fusion.graph();
  const Node& factor = graph.nodes[scale];
  const auto product = find_product(fusion, scale, factor.inputs[0]);
  if (!product) return;
  const Node& node = graph.nodes[*product];
  const double alpha = node.attributes.number("alpha", 1) * factor.attributes.number("factor", 1);
  const bool is_bare = is_without_addends(node) && !node.attributes.flag("relu");
  // With 0 a library computes nothing, not even a NaN.
  if (!is_bare || alpha == 0 || graphrt::find_misfit_of_f32(alpha)) return;
  Fusion::Formula formula{node.op, node.attributes, node.inputs};
  formula.attributes.set("alpha", alpha);
  fusion.join(scale, *product, std::move(formula));
}

/// Whether a product can take `bias` up: it has none yet, and the sum comes before any relu.
bool takes_bias(const Graph& graph, const Node& product, ValueId bias) {
  const TensorType& type = graph.type_of(product.result());
  const TensorType row{type.element, {type.shape.back()}};
  return is_without_addends(product) && !product.attributes.flag("relu") &&
         graph.type_of(bias) == row;
}

/// Whether a product can be added to `matrix`: to nothing of that size yet, and before any relu.
bool takes_matrix(const Graph& graph, const Node& product, ValueId matrix) {
  const bool has_matrix =
      !is_without_addends(product) && graph.type_of(product.inputs.back()).rank() > 1;
  return !has_matrix && !product.attributes.flag("relu") &&
         graph.type_of(matrix) == graph.type_of(product.result());
}

/// A bias, or a matrix: a term of the sum that is there before the product is.
void fuse_sum(Fusion& fusion, NodeId add) {
  const Graph& graph = fusion.graph();
  for (const size_t operand : {size_t{0}, size_t{1}}) {
    const std::vector<ValueId>& inputs = graph.nodes[add].inputs;
    const ValueId addend = inputs[1 - operand];
    const auto product = find_product(fusion, add, inputs[operand]);
    if (!product) continue;
    const Node& node = graph.nodes[*product];
    const bool takes_it =
        takes_bias(graph, node, addend) ||
        (takes_matrix(graph, node, addend) && comes_before(graph, addend, *product));
    if (!takes_it) continue;
    Fusion::Formula formula{node.op, node.attributes, node.inputs};
    formula.inputs.push_back(addend);
    return fusion.join(add, *product, std::move(formula));
  }
}

/// A sum with what is there in any case when the other term is computed, which then takes it along.
void fuse_addend(Fusion& fusion, NodeId add) {
  const Graph& graph = fusion.graph();
  for (const size_t operand : {size_t{0}, size_t{1}}) {
    const std::vector<ValueId>& inputs = graph.nodes[add].inputs;
    const ValueId addend = inputs[1 - operand];
    const auto joined = fusion.find_joinable(add, inputs[operand]);
    if (!joined) continue;
    const Node& node = graph.nodes[*joined];
    const bool has_room = node.op->takes_addend && node.inputs.size() == node.op->min_inputs;
    if (!has_room || graph.type_of(addend) != graph.type_of(node.result())) continue;
    if (!comes_before(graph, addend, *joined)) continue;
    Fusion::Formula formula{node.op, node.attributes, node.inputs};
    formula.inputs.push_back(addend);
    return fusion.join(add, *joined, std::move(formula));
  }
}

}  // namespace

Result<Graph> fuse_epilogues(Graph graph, DiagnosticSink&) {
  Fusion fusion(std::move(graph));
  // Producers come first: a relu sees the sum that has become a product.
  for (const NodeId id : fusion.graph().nodes.ids()) {
    const std::string_view op = fusion.graph().nodes[id].op->name;
    if (op == "scale") fuse_scale(fusion, id);
    if (op == "add") fuse_sum(fusion, id);
    // Unless it has become a product.
    if (fusion.graph().nodes[id].op->name == "add") fuse_addend(fusion, id);
    if (op == "relu") fuse_relu(fusion, id);
  }
  return std::move(fusion).finish();
}

}  // namespace graphc

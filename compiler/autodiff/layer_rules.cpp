#include <utility>
#include <vector>

#include "compiler/autodiff/gradient_rules.h"

namespace graphc {
namespace {

/// `x` with the attribute `name` of the node, if it has that.
Attributes only(const Attributes& attributes, const char* name) {
  Attributes result;
  if (const AttributeValue* value = attributes.find(name)) result.set(name, *value);
  return result;
}

/// Of a product that is as precise as `product`, and multiplied with the same.
Attributes flags(const NodeGradient& product, bool transpose_a, bool transpose_b) {
  Attributes attributes = only(product.attributes(), "math");
  if (const AttributeValue* alpha = product.attributes().find("alpha")) {
    attributes.set("alpha", *alpha);
  }
  if (transpose_a) attributes.set("transpose_a", true);
  if (transpose_b) attributes.set("transpose_b", true);
  return attributes;
}

/// What layer_norm and rms_norm have in common: x, then gamma.
void give_normalized(NodeGradient& node, const char* by_input, const char* by_scale) {
  const Attributes epsilon = only(node.attributes(), "epsilon");
  const ValueId x = node.operand(0);
  if (node.needs(0)) {
    node.give(0, node.add(by_input, {node.gradient_tensor(), x, node.operand(1)}, epsilon));
  }
  if (node.needs(1)) node.give(1, node.add(by_scale, {node.gradient_tensor(), x}, epsilon));
}

}  // namespace

// With A and B for what the flags make of the operands, C = A B: A' = C' B^T and B' = A^T C', each
// transposed once more if the operand was.
void gradient_of_matmul(NodeGradient& node) {
  const bool transpose_a = node.attributes().flag("transpose_a");
  const bool transpose_b = node.attributes().flag("transpose_b");
  const ValueId a = node.operand(0);
  const ValueId b = node.operand(1);
  ValueId c = node.cast_to(node.type(b).element, node.gradient_tensor());
  if (node.attributes().flag("relu"))
    c = node.add("relu_grad", {c, node.cast_to(node.type(c).element, node.result())});
  if (node.needs(0)) {
    node.give(0, transpose_a ? node.add("matmul", {b, c}, flags(node, transpose_b, true))
                             : node.add("matmul", {c, b}, flags(node, false, !transpose_b)));
  }
  if (node.needs(1)) {
    node.give(1, transpose_b ? node.add("matmul", {c, a}, flags(node, true, transpose_a))
                             : node.add("matmul", {a, c}, flags(node, !transpose_a, false)));
  }
  // A bias, and a matrix that is added.
  for (size_t i = 2; i < node.num_operands(); ++i) {
    if (node.needs(i)) node.give(i, node.reduced_to(node.operand_type(i), c));
  }
}

// By all three at once; a mask has none.
void gradient_of_attention(NodeGradient& node) {
  std::vector<ValueId> operands = {node.gradient_tensor(), node.operand(0), node.operand(1),
                                   node.operand(2),        node.result(0),  node.result(1)};
  if (node.num_operands() > 3) operands.push_back(node.operand(3));
  const ValueId by_q = node.add("attention_grad", std::move(operands), node.attributes());
  const std::vector<ValueId> gradients = node.results_of(by_q);
  for (size_t i = 0; i < gradients.size(); ++i) {
    if (node.needs(i)) node.give(i, gradients[i]);
  }
}

void gradient_of_packed_attention(NodeGradient& node) {
  std::vector<ValueId> operands = {node.gradient_tensor(), node.operand(0), node.result(0),
                                   node.result(1)};
  if (node.num_operands() > 1) operands.push_back(node.operand(1));
  node.give(0, node.add("packed_attention_grad", std::move(operands), node.attributes()));
}

void gradient_of_softmax(NodeGradient& node) {
  node.give(0, node.add("softmax_grad", {node.gradient_tensor(), node.result()},
                        only(node.attributes(), "axis")));
}

void gradient_of_layer_norm(NodeGradient& node) {
  give_normalized(node, "layer_norm_grad", "layer_norm_scale_grad");
  if (node.needs(2)) node.give(2, node.reduced_to(node.operand_type(2), node.gradient()));
}

void gradient_of_rms_norm(NodeGradient& node) {
  give_normalized(node, "rms_norm_grad", "rms_norm_scale_grad");
}

void gradient_of_embedding(NodeGradient& node) {
  Attributes rows;
  rows.set("rows", node.operand_type(0).shape[0]);
  node.give(0,
            node.add("embedding_grad", {node.gradient_tensor(), node.operand(1)}, std::move(rows)));
}

// What was dropped has no part in the result, and what was kept is scaled alike.
void gradient_of_dropout(NodeGradient& node) {
  node.give(0, node.add("dropout", {node.gradient_tensor(), node.operand(1)}, node.attributes()));
}

}  // namespace graphc

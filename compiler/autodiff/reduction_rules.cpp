#include <utility>

#include "compiler/autodiff/gradient_rules.h"

namespace graphc {
namespace {

/// The shape of the result of a reduction with its axes kept, of size 1.
Shape shape_with_axes(const NodeGradient& node) {
  const TensorType input = node.operand_type(0);
  Shape shape = input.shape;
  for (const int64_t axis : normalized_axes(node.attributes().list("axes"), input.rank())) {
    shape[static_cast<size_t>(axis)] = 1;
  }
  return shape;
}

/// How many elements each element of the result comes from.
double num_reduced(const NodeGradient& node) {
  return static_cast<double>(node.operand_type(0).num_elements() /
                             node.result_type().num_elements());
}

/// What the result says about each element, repeated to the operand's shape.
Gradient repeated(NodeGradient& node, Gradient gradient) {
  const ValueId* tensor = std::get_if<ValueId>(&gradient);
  if (tensor == nullptr) return gradient;
  const ValueId with_axes = node.reshaped(*tensor, shape_with_axes(node));
  return node.broadcast_to(node.operand_type(0).shape, with_axes);
}

}  // namespace

void gradient_of_sum(NodeGradient& node) { node.give(0, repeated(node, node.gradient())); }

void gradient_of_mean(NodeGradient& node) {
  node.give(0, repeated(node, node.scaled(node.gradient(), 1 / num_reduced(node))));
}

// To the elements that are the largest; where several are, each gets an equal share.
void gradient_of_max(NodeGradient& node) {
  const Shape with_axes = shape_with_axes(node);
  const ValueId largest = node.reshaped(node.result(), with_axes);
  const ValueId is_largest = node.add("equal", {node.operand(0), largest});
  Attributes keep_axes;
  if (const AttributeValue* axes = node.attributes().find("axes")) keep_axes.set("axes", *axes);
  keep_axes.set("keepdims", true);
  const ValueId num_largest = node.add("sum", {is_largest}, std::move(keep_axes));
  const ValueId gradient = node.reshaped(node.gradient_tensor(), with_axes);
  const ValueId share = node.add("div", {gradient, num_largest});
  node.give(0, node.add("mul", {is_largest, share}));
}

void gradient_of_sum_of_squares(NodeGradient& node) {
  const Gradient twice = node.scaled(node.gradient(), 2);
  const ValueId* tensor = std::get_if<ValueId>(&twice);
  if (tensor == nullptr) return node.give(0, node.scaled(node.operand(0), std::get<double>(twice)));
  node.give(0, node.add("mul", {node.operand(0), *tensor}));
}

}  // namespace graphc

#include <iterator>
#include <utility>
#include <vector>

#include "compiler/autodiff/gradient_rules.h"

namespace graphc {
namespace {

/// `value`, of the type of the result, in a shape that broadcasts to the operand's: axes that were
/// reduced have the size 1, and may be missing in front.
ValueId lined_up(NodeGradient& node, ValueId value) {
  const TensorType input = node.operand_type(0);
  const std::vector<int64_t> axes = normalized_axes(node.attributes().list("axes"), input.rank());
  const bool is_front = axes.empty() || axes.back() + 1 == std::ssize(axes);
  if (is_front) return value;
  Shape shape = input.shape;
  for (const int64_t axis : axes) shape[static_cast<size_t>(axis)] = 1;
  return node.reshaped(value, shape);
}

/// How many elements each element of the result comes from.
int64_t num_reduced(const NodeGradient& node) {
  return node.operand_type(0).num_elements() / node.result_type().num_elements();
}

/// What the result says about each element, repeated to the operand's shape.
Gradient repeated(NodeGradient& node, Gradient gradient) {
  const ValueId* tensor = std::get_if<ValueId>(&gradient);
  if (tensor == nullptr) return gradient;
  const TensorType wanted = node.operand_type(0);
  return node.broadcast_to(wanted.shape, lined_up(node, node.cast_to(wanted.element, *tensor)));
}

}  // namespace

void gradient_of_sum(NodeGradient& node) { node.give(0, repeated(node, node.gradient())); }

void gradient_of_mean(NodeGradient& node) {
  const double share = 1 / static_cast<double>(num_reduced(node));
  node.give(0, repeated(node, node.scaled(node.gradient(), share)));
}

// To the elements that are the largest; where several are, each gets an equal share.
void gradient_of_max(NodeGradient& node) {
  Attributes to_number;
  to_number.set("to", std::string(to_string(node.result_type().element)));
  const ValueId is_largest =
      node.add("cast", {node.add("equal", {node.operand(0), lined_up(node, node.result())})},
               std::move(to_number));
  Attributes keep_axes;
  if (const AttributeValue* axes = node.attributes().find("axes")) keep_axes.set("axes", *axes);
  keep_axes.set("keepdims", true);
  const ValueId num_largest = node.add("sum", {is_largest}, std::move(keep_axes));
  const ValueId gradient = lined_up(node, node.gradient_tensor());
  const ValueId share = node.add("div", {gradient, num_largest});
  node.give(0, node.add("mul", {is_largest, share}));
}

void gradient_of_sum_of_squares(NodeGradient& node) {
  const Gradient twice = node.scaled(node.gradient(), 2);
  const ValueId* tensor = std::get_if<ValueId>(&twice);
  if (tensor == nullptr) return node.give(0, node.scaled(node.operand(0), std::get<double>(twice)));
  const ValueId factor = node.cast_to(node.operand_type(0).element, *tensor);
  node.give(0, node.add("mul", {node.operand(0), factor}));
}

}  // namespace graphc

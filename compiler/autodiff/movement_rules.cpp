#include <string>
#include <utility>

#include "compiler/autodiff/gradient_rules.h"

namespace graphc {
namespace {

/// The axis that an operator works along, counted from the front.
int64_t axis_of(const NodeGradient& node) {
  const int64_t axis = node.attributes().integer("axis", 0);
  return axis < 0 ? axis + node.result_type().rank() : axis;
}

bool is_number(const Gradient& gradient) { return std::holds_alternative<double>(gradient); }

Attributes along(int64_t axis, const char* first, int64_t first_value, const char* second,
                 int64_t second_value) {
  Attributes attributes;
  attributes.set("axis", axis);
  attributes.set(first, first_value);
  attributes.set(second, second_value);
  return attributes;
}

/// Of the gradient, `size` elements from `begin` on; a number is the same everywhere.
Gradient cut(NodeGradient& node, int64_t axis, int64_t begin, int64_t size) {
  if (is_number(node.gradient())) return node.gradient();
  return node.add("slice", {node.gradient_tensor()},
                  along(axis, "begin", begin, "end", begin + size));
}

}  // namespace

void gradient_of_cast(NodeGradient& node) {
  if (is_number(node.gradient())) return node.give(0, node.gradient());
  node.give(0, node.gradient_tensor());
}

void gradient_of_select(NodeGradient& node) {
  const ValueId condition = node.operand(0);
  for (const size_t operand : {size_t{1}, size_t{2}}) {
    if (!node.needs(operand)) continue;
    const ValueId gradient = node.gradient_tensor();
    const ValueId zero = node.scalar(0);
    const ValueId part = node.add(
        "select", {condition, operand == 1 ? gradient : zero, operand == 1 ? zero : gradient});
    node.give(operand, node.reduced_to(node.operand_type(operand), part));
  }
}

void gradient_of_copy(NodeGradient& node) { node.give(0, node.gradient()); }

void gradient_of_transpose(NodeGradient& node) {
  if (is_number(node.gradient())) return node.give(0, node.gradient());
  Attributes attributes;
  if (node.attributes().find("axes") != nullptr) {
    const std::vector<int64_t> axes = node.attributes().list("axes");
    const auto rank = static_cast<int64_t>(axes.size());
    std::vector<int64_t> inverse(axes.size());
    for (int64_t i = 0; i < rank; ++i) {
      const int64_t axis = axes[static_cast<size_t>(i)];
      inverse[static_cast<size_t>(axis < 0 ? axis + rank : axis)] = i;
    }
    attributes.set("axes", std::move(inverse));
  }
  node.give(0, node.add("transpose", {node.gradient_tensor()}, std::move(attributes)));
}

void gradient_of_reshape(NodeGradient& node) {
  if (is_number(node.gradient())) return node.give(0, node.gradient());
  node.give(0, node.reshaped(node.gradient_tensor(), node.operand_type(0).shape));
}

void gradient_of_broadcast(NodeGradient& node) {
  node.give(0, node.reduced_to(node.operand_type(0), node.gradient()));
}

void gradient_of_slice(NodeGradient& node) {
  const int64_t axis = axis_of(node);
  const int64_t size = node.operand_type(0).shape[static_cast<size_t>(axis)];
  const int64_t begin = node.attributes().integer("begin", 0);
  const int64_t after = size - node.attributes().integer("end", size);
  if (begin == 0 && after == 0) return node.give(0, node.gradient());
  node.give(
      0, node.add("pad", {node.gradient_tensor()}, along(axis, "before", begin, "after", after)));
}

void gradient_of_pad(NodeGradient& node) {
  const int64_t axis = axis_of(node);
  node.give(0, cut(node, axis, node.attributes().integer("before", 0),
                   node.operand_type(0).shape[static_cast<size_t>(axis)]));
}

void gradient_of_concat(NodeGradient& node) {
  const int64_t axis = axis_of(node);
  int64_t begin = 0;
  for (size_t i = 0; i < node.num_operands(); ++i) {
    const int64_t size = node.operand_type(i).shape[static_cast<size_t>(axis)];
    if (node.needs(i)) node.give(i, cut(node, axis, begin, size));
    begin += size;
  }
}

}  // namespace graphc

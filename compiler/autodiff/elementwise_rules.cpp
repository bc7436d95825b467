#include "compiler/autodiff/gradient_rules.h"

namespace graphc {

void gradient_of_add(NodeGradient& node) {
  for (size_t i = 0; i < 2; ++i) {
    if (node.needs(i)) node.give(i, node.reduced_to(node.operand_type(i), node.gradient()));
  }
}

void gradient_of_sub(NodeGradient& node) {
  if (node.needs(0)) node.give(0, node.reduced_to(node.operand_type(0), node.gradient()));
  if (!node.needs(1)) return;
  node.give(1, node.scaled(node.reduced_to(node.operand_type(1), node.gradient()), -1));
}

void gradient_of_mul(NodeGradient& node) {
  for (size_t i = 0; i < 2; ++i) {
    if (!node.needs(i)) continue;
    node.give(i, node.reduced_to(node.operand_type(i), node.product_with(node.operand(1 - i))));
  }
}

// y = a / b: by a it is 1 / b, by b it is -y / b.
void gradient_of_div(NodeGradient& node) {
  const ValueId divisor = node.operand(1);
  if (node.needs(0)) {
    node.give(0, node.reduced_to(node.operand_type(0), node.quotient_by(divisor)));
  }
  if (!node.needs(1)) return;
  const Gradient part = node.product_with(node.result());
  const ValueId quotient = node.add("div", {std::get<ValueId>(part), divisor});
  node.give(1, node.scaled(node.reduced_to(node.operand_type(1), quotient), -1));
}

void gradient_of_scale(NodeGradient& node) {
  node.give(0, node.scaled(node.gradient(), node.attributes().number("factor", 1)));
}

void gradient_of_exp(NodeGradient& node) { node.give(0, node.product_with(node.result())); }

void gradient_of_log(NodeGradient& node) { node.give(0, node.quotient_by(node.operand(0))); }

// 1 / (2 sqrt(x)), from the result.
void gradient_of_sqrt(NodeGradient& node) {
  constexpr double kHalf = 0.5;
  node.give(0, node.scaled(node.quotient_by(node.result()), kHalf));
}

// The result is positive exactly where the operand is, so the operand need not be kept.
void gradient_of_relu(NodeGradient& node) {
  node.give(0, node.add("relu_grad", {node.gradient_tensor(), node.result()}));
}

void gradient_of_tanh(NodeGradient& node) {
  node.give(0, node.add("tanh_grad", {node.gradient_tensor(), node.result()}));
}

void gradient_of_sigmoid(NodeGradient& node) {
  node.give(0, node.add("sigmoid_grad", {node.gradient_tensor(), node.result()}));
}

void gradient_of_gelu(NodeGradient& node) {
  node.give(0, node.add("gelu_grad", {node.gradient_tensor(), node.operand(0)}));
}

}  // namespace graphc

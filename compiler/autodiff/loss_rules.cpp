#include "compiler/autodiff/gradient_rules.h"
#include "compiler/graph/label_count.h"
#include "runtime/base/f32_range.h"

namespace graphc {
namespace {

/// The gradient of a mean over `count` terms by operator `op`, which takes what the mean is scaled
/// by. A gradient of the loss that is no number, or makes a scale that f32 cannot hold, is an
/// operand: the product is rounded once, to what the terms are stored as.
Gradient add_mean_gradient(NodeGradient& node, const char* op, ValueId first, ValueId second,
                           int64_t count) {
  const double* number = std::get_if<double>(&node.gradient());
  const double scale = (number == nullptr ? 1 : *number) / static_cast<double>(count);
  if (number == nullptr || find_misfit_of_f32(scale)) {
    return node.add(op, {first, second, node.gradient_tensor()});
  }
  Attributes attributes;
  if (*number != 1) attributes.set("scale", scale);
  return node.add(op, {first, second}, std::move(attributes));
}

}  // namespace

// What the sum over the rows is divided by, if anything, is part of the scale, and a factor that is no
// number an operand: the gradient of the logits is large, and is not gone over again.
void gradient_of_softmax_cross_entropy(NodeGradient& node) {
  Attributes attributes = node.attributes();
  attributes.erase("reduction");
  std::vector<ValueId> operands = {node.operand(0), node.operand(1)};
  const double* number = std::get_if<double>(&node.gradient());
  const bool is_sum = node.attributes().text("reduction", "mean") == "sum";
  if (!is_sum && attributes.find("ignore_index") != nullptr) {
    const ValueId ignored =
        node.integer(attributes.integer("ignore_index", 0), node.operand_type(1).element);
    const ValueId count =
        add_label_count(node.operand(1), ignored,
                        [&](std::string_view op, std::vector<ValueId> inputs, Attributes given) {
                          return node.add(op, std::move(inputs), std::move(given));
                        });
    operands.push_back(node.quotient(node.gradient(), count));
    attributes.set("scale", 1.0);
  } else {
    const double mean = is_sum ? 1 : 1 / static_cast<double>(node.operand_type(0).shape[0]);
    const double scale = number == nullptr ? mean : mean * *number;
    const bool is_number = number != nullptr && !find_misfit_of_f32(scale);
    if (!is_number) operands.push_back(node.gradient_tensor());
    const bool is_default = !is_sum && (!is_number || *number == 1);
    if (!is_default) attributes.set("scale", is_number ? scale : mean);
  }
  node.give(0, node.add("softmax_cross_entropy_grad", std::move(operands), std::move(attributes)));
}

// Symmetric: each operand is the other's target.
void gradient_of_mse(NodeGradient& node) {
  for (size_t i = 0; i < 2; ++i) {
    if (!node.needs(i)) continue;
    node.give(i, add_mean_gradient(node, "mse_grad", node.operand(i), node.operand(1 - i),
                                   node.operand_type(0).num_elements()));
  }
}

// By the target t of -t log(s(z)) - (1 - t) log(1 - s(z)), it is -z.
void gradient_of_binary_cross_entropy(NodeGradient& node) {
  const int64_t count = node.operand_type(0).num_elements();
  if (node.needs(0)) {
    node.give(0, add_mean_gradient(node, "binary_cross_entropy_grad", node.operand(0),
                                   node.operand(1), count));
  }
  if (!node.needs(1)) return;
  const Gradient mean = node.scaled(node.gradient(), -1 / static_cast<double>(count));
  const double* number = std::get_if<double>(&mean);
  if (number != nullptr) return node.give(1, node.scaled(node.operand(0), *number));
  const ValueId factor = node.cast_to(node.operand_type(0).element, std::get<ValueId>(mean));
  node.give(1, node.add("mul", {node.operand(0), factor}));
}

}  // namespace graphc

#pragma once

#include <span>
#include <string_view>

#include "compiler/autodiff/node_gradient.h"

namespace graphc {

/// Gives the gradient of every operand that is asked for, from the gradient of the result. It reads
/// operands and the result of the node only where the formula needs them: what it reads has to be
/// kept from the forward pass.
using GradientRule = void (*)(NodeGradient& node);

/// One row of the table of gradients.
struct GradientRow {
  std::string_view op;
  GradientRule rule;
};

/// Every operator that can stand between a parameter and the loss, ordered by name. Operators whose
/// result does not change with their operands, or jumps, have no rule; nor have gradients and
/// updates themselves.
std::span<const GradientRow> all_gradient_rules();
/// Null if the operator has none.
GradientRule find_gradient_rule(std::string_view op);

/// The rules, by what their operators do.
void gradient_of_matmul(NodeGradient& node);
void gradient_of_attention(NodeGradient& node);
void gradient_of_packed_attention(NodeGradient& node);
void gradient_of_softmax(NodeGradient& node);
void gradient_of_layer_norm(NodeGradient& node);
void gradient_of_rms_norm(NodeGradient& node);
void gradient_of_embedding(NodeGradient& node);
void gradient_of_dropout(NodeGradient& node);

void gradient_of_softmax_cross_entropy(NodeGradient& node);
void gradient_of_mse(NodeGradient& node);
void gradient_of_binary_cross_entropy(NodeGradient& node);

void gradient_of_sum(NodeGradient& node);
void gradient_of_mean(NodeGradient& node);
void gradient_of_max(NodeGradient& node);
void gradient_of_sum_of_squares(NodeGradient& node);

void gradient_of_cast(NodeGradient& node);
void gradient_of_select(NodeGradient& node);
void gradient_of_copy(NodeGradient& node);
void gradient_of_transpose(NodeGradient& node);
void gradient_of_reshape(NodeGradient& node);
void gradient_of_broadcast(NodeGradient& node);
void gradient_of_slice(NodeGradient& node);
void gradient_of_pad(NodeGradient& node);
void gradient_of_concat(NodeGradient& node);

}  // namespace graphc

#include "compiler/autodiff/gradient_rules.h"

#include <algorithm>
#include <array>

namespace graphc {
namespace {

constexpr std::array kRules = {
    GradientRow{"add", gradient_of_add},
    GradientRow{"binary_cross_entropy", gradient_of_binary_cross_entropy},
    GradientRow{"broadcast", gradient_of_broadcast},
    GradientRow{"concat", gradient_of_concat},
    GradientRow{"copy", gradient_of_copy},
    GradientRow{"div", gradient_of_div},
    GradientRow{"dropout", gradient_of_dropout},
    GradientRow{"embedding", gradient_of_embedding},
    GradientRow{"exp", gradient_of_exp},
    GradientRow{"gelu", gradient_of_gelu},
    GradientRow{"layer_norm", gradient_of_layer_norm},
    GradientRow{"log", gradient_of_log},
    GradientRow{"matmul", gradient_of_matmul},
    GradientRow{"max", gradient_of_max},
    GradientRow{"mean", gradient_of_mean},
    GradientRow{"mse", gradient_of_mse},
    GradientRow{"mul", gradient_of_mul},
    GradientRow{"pad", gradient_of_pad},
    GradientRow{"relu", gradient_of_relu},
    GradientRow{"reshape", gradient_of_reshape},
    GradientRow{"rms_norm", gradient_of_rms_norm},
    GradientRow{"scale", gradient_of_scale},
    GradientRow{"sigmoid", gradient_of_sigmoid},
    GradientRow{"slice", gradient_of_slice},
    GradientRow{"softmax", gradient_of_softmax},
    GradientRow{"softmax_cross_entropy", gradient_of_softmax_cross_entropy},
    GradientRow{"sqrt", gradient_of_sqrt},
    GradientRow{"sub", gradient_of_sub},
    GradientRow{"sum", gradient_of_sum},
    GradientRow{"sum_of_squares", gradient_of_sum_of_squares},
    GradientRow{"tanh", gradient_of_tanh},
    GradientRow{"transpose", gradient_of_transpose},
};

constexpr bool is_sorted_by_op() {
  for (size_t i = 1; i < kRules.size(); ++i) {
    if (kRules[i - 1].op >= kRules[i].op) return false;
  }
  return true;
}
static_assert(is_sorted_by_op());

}  // namespace

std::span<const GradientRow> all_gradient_rules() { return kRules; }

GradientRule find_gradient_rule(std::string_view op) {
  const auto at =
      std::lower_bound(kRules.begin(), kRules.end(), op,
                       [](const GradientRow& row, std::string_view name) { return row.op < name; });
  return at != kRules.end() && at->op == op ? at->rule : nullptr;
}

}  // namespace graphc

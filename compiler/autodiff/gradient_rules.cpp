#include "compiler/autodiff/gradient_rules.h"

#include <algorithm>
#include <array>
#include <vector>

#include "compiler/autodiff/formula_rules.h"
#include "runtime/op/element_function.h"
#include "runtime/op/op_table.h"

namespace graphc {
namespace {

/// Of operators whose gradients are not formulas.
constexpr std::array kRules = {
    GradientRow{"attention", gradient_of_attention},
    GradientRow{"binary_cross_entropy", gradient_of_binary_cross_entropy},
    GradientRow{"broadcast", gradient_of_broadcast},
    GradientRow{"cast", gradient_of_cast},
    GradientRow{"concat", gradient_of_concat},
    GradientRow{"copy", gradient_of_copy},
    GradientRow{"dropout", gradient_of_dropout},
    GradientRow{"embedding", gradient_of_embedding},
    GradientRow{"layer_norm", gradient_of_layer_norm},
    GradientRow{"matmul", gradient_of_matmul},
    GradientRow{"max", gradient_of_max},
    GradientRow{"mean", gradient_of_mean},
    GradientRow{"mse", gradient_of_mse},
    GradientRow{"packed_attention", gradient_of_packed_attention},
    GradientRow{"pad", gradient_of_pad},
    GradientRow{"reshape", gradient_of_reshape},
    GradientRow{"rms_norm", gradient_of_rms_norm},
    GradientRow{"select", gradient_of_select},
    GradientRow{"slice", gradient_of_slice},
    GradientRow{"softmax", gradient_of_softmax},
    GradientRow{"softmax_cross_entropy", gradient_of_softmax_cross_entropy},
    GradientRow{"sum", gradient_of_sum},
    GradientRow{"sum_of_squares", gradient_of_sum_of_squares},
    GradientRow{"transpose", gradient_of_transpose},
};

/// Made once, before the first look.
std::vector<GradientRow> make_rules() {
  std::vector<GradientRow> rules(kRules.begin(), kRules.end());
  for (const OpInfo& op : graphrt::all_ops()) {
    if (op.is_composite()) rules.push_back({op.name, gradient_of_composite});
    const auto function = graphrt::find_element_function(op.name);
    if (function && !gradient_formula(*function, 0).empty()) {
      rules.push_back({op.name, gradient_of_element_function});
    }
  }
  std::sort(rules.begin(), rules.end(),
            [](const GradientRow& a, const GradientRow& b) { return a.op < b.op; });
  return rules;
}

}  // namespace

std::span<const GradientRow> all_gradient_rules() {
  static const std::vector<GradientRow> rules = make_rules();
  return rules;
}

GradientRule find_gradient_rule(std::string_view op) {
  const std::span<const GradientRow> rules = all_gradient_rules();
  const auto at =
      std::lower_bound(rules.begin(), rules.end(), op,
                       [](const GradientRow& row, std::string_view name) { return row.op < name; });
  return at != rules.end() && at->op == op ? at->rule : nullptr;
}

}  // namespace graphc

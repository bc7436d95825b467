// The type rules of losses, their gradients, and what else looks at a whole tensor to give a
// number.
#include <limits>

#include "runtime/base/text.h"
#include "runtime/op/type_rules.h"

namespace graphrt {
namespace {

TensorType scalar() { return {ElementType::kF32, {}}; }

std::optional<OpError> find_bad_cross_entropy_operand(Types inputs) {
  const TensorType& logits = inputs[0];
  const TensorType& label = inputs[1];
  const std::string message = "needs logits f32[N, C] and label i32[N]; got " + to_string(logits) +
                              " and " + to_string(label);
  if (logits.element != ElementType::kF32 || logits.rank() != 2) return OpError{message, 0};
  if (label.element != ElementType::kI32 || label.rank() != 1) return OpError{message, 1};
  if (label.shape[0] != logits.shape[0]) return OpError{message, 1};
  return std::nullopt;
}

}  // namespace

TypeResult type_of_cross_entropy(Types inputs, const Attributes&) {
  if (auto error = find_bad_cross_entropy_operand(inputs)) return tl::unexpected(*std::move(error));
  return scalar();
}

TypeResult type_of_cross_entropy_grad(Types inputs, const Attributes&) {
  if (auto error = find_bad_cross_entropy_operand(inputs)) return tl::unexpected(*std::move(error));
  return inputs[0];
}

TypeResult type_of_accuracy(Types inputs, const Attributes&) {
  if (auto error = find_bad_cross_entropy_operand(inputs)) return tl::unexpected(*std::move(error));
  if (inputs[0].shape[1] <= std::numeric_limits<int32_t>::max()) return scalar();
  return refuse("takes at most 2147483647 classes; got " + to_string(inputs[0]), 0);
}

TypeResult type_of_mean_loss(Types inputs, const Attributes& attributes) {
  TypeResult pair = type_of_f32_pair(inputs, attributes);
  if (!pair) return pair;
  return scalar();
}

TypeResult type_of_sum_of_squares(Types inputs, const Attributes&) {
  if (auto error = find_non_f32(inputs)) return tl::unexpected(*std::move(error));
  return scalar();
}

TypeResult type_of_clip_factor(Types inputs, const Attributes& attributes) {
  if (inputs[0] != scalar()) {
    const bool is_norm = attributes.flag("of_norm");
    return refuse(std::string("needs a ") + (is_norm ? "norm" : "sum of squares") + " f32[]; got " +
                      to_string(inputs[0]),
                  0);
  }
  const double max_norm = attributes.number("max_norm", 0);
  if (max_norm > 0) return scalar();
  return refuse_attribute("max_norm", "needs a max_norm above 0; got " + format_number(max_norm));
}

}  // namespace graphrt

// Losses, their gradients, and what else looks at all rows to give a number.
#include "runtime/op/defs/defs.h"

#include <limits>

#include "runtime/op/scratch_rules.h"
#include "runtime/op/type_rules.h"

namespace graphrt {
namespace {

constexpr std::array kScaleOfRows = {
    AttributeSpec{"scale", AttributeKind::kFloat, false, "(1 / N)"}};
constexpr std::array kScaleOfElements = {
    AttributeSpec{"scale", AttributeKind::kFloat, false, "(1 / number of elements)"}};

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

/// f32[] from two f32 operands of the same shape.
TypeResult type_of_mean_loss(Types inputs, const Attributes& attributes) {
  TypeResult pair = type_of_f32_pair(inputs, attributes);
  if (!pair) return pair;
  return scalar();
}

/// Row by row if `scale` is given: what stands for it otherwise depends on the number of rows.
std::vector<RowUse> rows_of_loss_grad(std::span<const TensorType>, const TensorType& result,
                                      const Attributes& attributes) {
  if (attributes.find("scale") == nullptr || result.shape.empty()) return {};
  return {RowUse::kSame, RowUse::kSame};
}

RowTotal total_of_loss(Types, const TensorType&, const Attributes&) { return RowTotal::kMean; }

OpInfo loss_op(std::string_view name, std::string_view operands, TypeRule type_rule) {
  return {.name = name,
          .operands = operands,
          .result = {},
          .min_inputs = 2,
          .max_inputs = 2,
          .type_rule = type_rule,
          .scratch_rule = scratch_of_rows,
          .row_total_rule = total_of_loss};
}

constexpr std::string_view kLabelled = "logits f32[N, C], label i32[N]";

/// Of a mean over all elements.
OpInfo loss_grad_op(std::string_view name, std::string_view operands, std::string_view result) {
  return {.name = name,
          .operands = operands,
          .result = result,
          .min_inputs = 2,
          .max_inputs = 2,
          .attributes = kScaleOfElements,
          .type_rule = type_of_f32_pair,
          .in_place = InPlace::kAnyOperand,
          .row_rule = rows_of_loss_grad,
          .mean_of = MeanOf::kElements};
}

}  // namespace

OpInfo op_softmax_cross_entropy() {
  OpInfo op = loss_op("softmax_cross_entropy", kLabelled, type_of_cross_entropy);
  op.result = "f32[], the mean over the rows";
  return op;
}

OpInfo op_softmax_cross_entropy_grad() {
  OpInfo op = loss_grad_op("softmax_cross_entropy_grad", kLabelled,
                           "gradient of the loss by the logits, f32[N, C]");
  op.attributes = kScaleOfRows;
  op.type_rule = type_of_cross_entropy_grad;
  op.in_place = InPlace::kNever;
  op.mean_of = MeanOf::kRows;
  return op;
}

OpInfo op_mse() {
  OpInfo op = loss_op("mse", "prediction, target: f32, same shape", type_of_mean_loss);
  op.result = "f32[], the mean of the squared differences of all elements";
  return op;
}

OpInfo op_mse_grad() {
  return loss_grad_op("mse_grad", "prediction, target: f32, same shape",
                      "gradient of `mse` by the prediction");
}

OpInfo op_binary_cross_entropy() {
  OpInfo op = loss_op("binary_cross_entropy", "logits, target: f32, same shape; targets in [0, 1]",
                      type_of_mean_loss);
  op.result =
      "f32[], the mean over all elements of -t log s - (1 - t) log(1 - s), for s = "
      "sigmoid(logit)";
  return op;
}

OpInfo op_binary_cross_entropy_grad() {
  return loss_grad_op("binary_cross_entropy_grad", "logits, target: f32, same shape",
                      "gradient of the loss by the logits");
}

OpInfo op_accuracy() {
  OpInfo op = loss_op("accuracy", kLabelled, type_of_accuracy);
  op.result = "f32[], the share of rows whose largest logit, the first of equals, is the label's";
  return op;
}

}  // namespace graphrt

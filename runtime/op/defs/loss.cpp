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
  const char* needs = "logits[N, C] and label[N]";
  if (auto error = find_non_float_at(inputs, 0)) return error;
  if (auto error = find_non_index_at(inputs, 1, "a label")) return error;
  if (logits.rank() != 2) return misfit(needs, inputs, 0);
  if (label.shape != Shape{logits.shape[0]}) return misfit(needs, inputs, 1);
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

/// f32[] from two operands of the same type of floats.
TypeResult type_of_mean_loss(Types inputs, const Attributes& attributes) {
  TypeResult pair = type_of_float_pair(inputs, attributes);
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

constexpr std::string_view kLabelled = "logits[N, C]: float; label[N]: i32 or i64";

/// Of a mean over all elements.
OpInfo loss_grad_op(std::string_view name, std::string_view operands, std::string_view result) {
  return {.name = name,
          .operands = operands,
          .result = result,
          .min_inputs = 2,
          .max_inputs = 2,
          .attributes = kScaleOfElements,
          .type_rule = type_of_float_pair,
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
                           "gradient of the loss by the logits, of their type");
  op.attributes = kScaleOfRows;
  op.type_rule = type_of_cross_entropy_grad;
  op.in_place = InPlace::kNever;
  op.mean_of = MeanOf::kRows;
  return op;
}

OpInfo op_mse() {
  OpInfo op = loss_op("mse", "prediction, target: float, same type", type_of_mean_loss);
  op.result = "f32[], the mean of the squared differences of all elements";
  return op;
}

OpInfo op_mse_grad() {
  return loss_grad_op("mse_grad", "prediction, target: float, same type",
                      "gradient of `mse` by the prediction");
}

OpInfo op_binary_cross_entropy() {
  OpInfo op = loss_op("binary_cross_entropy", "logits, target: float, same type; targets in [0, 1]",
                      type_of_mean_loss);
  op.result =
      "f32[], the mean over all elements of -t log s - (1 - t) log(1 - s), for s = "
      "sigmoid(logit)";
  return op;
}

OpInfo op_binary_cross_entropy_grad() {
  return loss_grad_op("binary_cross_entropy_grad", "logits, target: float, same type",
                      "gradient of the loss by the logits");
}

OpInfo op_accuracy() {
  OpInfo op = loss_op("accuracy", kLabelled, type_of_accuracy);
  op.result = "f32[], the share of rows whose largest logit, the first of equals, is the label's";
  return op;
}

}  // namespace graphrt

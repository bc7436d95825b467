// Losses, their gradients, and what else looks at all rows to give a number.
#include "runtime/op/defs/defs.h"

#include <algorithm>
#include <limits>

#include "runtime/base/text.h"
#include "runtime/op/scratch_rules.h"
#include "runtime/op/type_rules.h"

namespace graphrt {
namespace {

constexpr AttributeSpec kIgnoreIndex = {"ignore_index", AttributeKind::kInt, false, "(none)"};
constexpr AttributeSpec kLabelSmoothing = {"label_smoothing", AttributeKind::kFloat, false, "(0)"};
constexpr AttributeSpec kReductionOfRows = {"reduction", AttributeKind::kText, false, "(mean)"};

constexpr std::array kCrossEntropy = {kIgnoreIndex, kLabelSmoothing, kReductionOfRows};
constexpr std::array kAccuracy = {kIgnoreIndex, kReductionOfRows};
constexpr std::array kCrossEntropyGrad = {
    kIgnoreIndex, kLabelSmoothing, AttributeSpec{"scale", AttributeKind::kFloat, false, "(1 / N)"}};
constexpr std::array kScaleOfElements = {
    AttributeSpec{"scale", AttributeKind::kFloat, false, "(1 / number of elements)"}};

TensorType scalar() { return {ElementType::kF32, {}}; }

std::optional<OpError> find_bad_label(Types inputs, const Attributes& attributes) {
  const TensorType& logits = inputs[0];
  const TensorType& label = inputs[1];
  const char* needs = "logits[N, C] and label[N]";
  if (auto error = find_non_float_at(inputs, 0)) return error;
  if (auto error = find_non_index_at(inputs, 1, "a label")) return error;
  if (logits.rank() != 2) return misfit(needs, inputs, 0);
  if (label.shape != Shape{logits.shape[0]}) return misfit(needs, inputs, 1);
  const int64_t ignored = attributes.integer("ignore_index", 0);
  if (label.element == ElementType::kI64 || ignored == static_cast<int32_t>(ignored)) {
    return std::nullopt;
  }
  return OpError{"leaves out the label " + std::to_string(ignored) + ", which no element of " +
                     to_string(label) + " can be",
                 1, "ignore_index"};
}

std::optional<OpError> find_bad_reduction(const Attributes& attributes) {
  const std::string_view reduction = attributes.text("reduction", "mean");
  if (reduction == "mean" || reduction == "sum") return std::nullopt;
  return OpError{
      "gives a mean or a sum; got `reduction` " + std::string(reduction), {}, "reduction"};
}

/// Not find_outside: 1 is a share, too.
std::optional<OpError> find_bad_smoothing(const Attributes& attributes) {
  const double smoothing = attributes.number("label_smoothing", 0);
  if (smoothing >= 0 && smoothing <= 1) return std::nullopt;
  return OpError{
      "needs 0 <= label_smoothing <= 1; got " + format_number(smoothing), {}, "label_smoothing"};
}

TypeResult type_of_cross_entropy(Types inputs, const Attributes& attributes) {
  if (auto error = find_bad_label(inputs, attributes)) return tl::unexpected(*std::move(error));
  if (auto error = find_bad_reduction(attributes)) return tl::unexpected(*std::move(error));
  if (auto error = find_bad_smoothing(attributes)) return tl::unexpected(*std::move(error));
  return scalar();
}

/// That the third operand of the gradient of a loss, if it has one, is no f32[].
std::optional<OpError> find_bad_gradient_of_loss(Types inputs) {
  if (inputs.size() < 3 || inputs[2] == scalar()) return std::nullopt;
  return OpError{"needs f32[] as the gradient of the loss; got " + to_string(inputs[2]), 2};
}

TypeResult type_of_cross_entropy_grad(Types inputs, const Attributes& attributes) {
  if (auto error = find_bad_label(inputs, attributes)) return tl::unexpected(*std::move(error));
  if (auto error = find_bad_smoothing(attributes)) return tl::unexpected(*std::move(error));
  if (auto error = find_bad_gradient_of_loss(inputs)) return tl::unexpected(*std::move(error));
  return inputs[0];
}

TypeResult type_of_mean_loss_grad(Types inputs, const Attributes& attributes) {
  TypeResult pair = type_of_float_pair(inputs.first(2), attributes);
  if (!pair) return pair;
  if (auto error = find_bad_gradient_of_loss(inputs)) return tl::unexpected(*std::move(error));
  return pair;
}

TypeResult type_of_accuracy(Types inputs, const Attributes& attributes) {
  if (auto error = find_bad_label(inputs, attributes)) return tl::unexpected(*std::move(error));
  if (auto error = find_bad_reduction(attributes)) return tl::unexpected(*std::move(error));
  if (inputs[0].shape[1] <= std::numeric_limits<int32_t>::max()) return scalar();
  return refuse("takes at most 2147483647 classes; got " + to_string(inputs[0]), 0);
}

/// f32[] from two operands of the same type of floats.
TypeResult type_of_mean_loss(Types inputs, const Attributes& attributes) {
  TypeResult pair = type_of_float_pair(inputs, attributes);
  if (!pair) return pair;
  return scalar();
}

/// Row by row if `scale` is given: what stands for it otherwise depends on the number of rows. All
/// rows use the gradient of the loss.
std::vector<RowUse> rows_of_loss_grad(std::span<const TensorType> inputs, const TensorType& result,
                                      const Attributes& attributes) {
  if (attributes.find("scale") == nullptr || result.shape.empty()) return {};
  std::vector<RowUse> uses(inputs.size(), RowUse::kAll);
  std::fill_n(uses.begin(), 2, RowUse::kSame);
  return uses;
}

RowTotal total_of_loss(Types, const TensorType&, const Attributes& attributes) {
  if (attributes.text("reduction", "mean") == "sum") return RowTotal::kSum;
  return attributes.find("ignore_index") == nullptr ? RowTotal::kMean : RowTotal::kMeanOfCounted;
}

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

/// Of logits and labels, some of which may be left out.
OpInfo labelled_op(std::string_view name, std::string_view result, TypeRule type_rule) {
  OpInfo op = loss_op(name, kLabelled, type_rule);
  op.result = result;
  op.scratch_rule = scratch_of_counted_rows;
  return op;
}

/// Of a mean over all elements.
OpInfo loss_grad_op(std::string_view name, std::string_view operands, std::string_view result) {
  return {.name = name,
          .operands = operands,
          .result = result,
          .min_inputs = 2,
          .max_inputs = 3,
          .attributes = kScaleOfElements,
          .type_rule = type_of_mean_loss_grad,
          .in_place = InPlace::kAnyOperand,
          .row_rule = rows_of_loss_grad,
          .f32_operands = 1U << 2,
          .mean_of = MeanOf::kElements};
}

}  // namespace

OpInfo op_softmax_cross_entropy() {
  OpInfo op = labelled_op(
      "softmax_cross_entropy",
      "f32[], the mean over the rows, or their `reduction: sum`. Rows whose label is "
      "`ignore_index` "
      "do not count. With `label_smoothing` ε, each label is 1 - ε of its class and ε / C of all",
      type_of_cross_entropy);
  op.attributes = kCrossEntropy;
  return op;
}

OpInfo op_softmax_cross_entropy_grad() {
  OpInfo op = loss_grad_op(
      "softmax_cross_entropy_grad",
      "logits[N, C]: float; label[N]: i32 or i64; optionally the gradient of the loss, f32[]",
      "gradient of the loss by the logits, of their type: `scale` times that of the sum over the "
      "rows; 0 in rows that do not count");
  op.attributes = kCrossEntropyGrad;
  op.type_rule = type_of_cross_entropy_grad;
  op.in_place = InPlace::kFirstOperand;
  op.mean_of = MeanOf::kRows;
  return op;
}

OpInfo op_mse() {
  OpInfo op = loss_op("mse", "prediction, target: float, same type", type_of_mean_loss);
  op.result = "f32[], the mean of the squared differences of all elements";
  return op;
}

OpInfo op_mse_grad() {
  return loss_grad_op(
      "mse_grad",
      "prediction, target: float, same type; optionally the gradient of the loss, f32[]",
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
  return loss_grad_op(
      "binary_cross_entropy_grad",
      "logits, target: float, same type; optionally the gradient of the loss, f32[]",
      "gradient of the loss by the logits");
}

OpInfo op_accuracy() {
  OpInfo op = labelled_op(
      "accuracy",
      "f32[], the share of rows whose largest logit, the first of equals, is the label's; with "
      "`reduction: sum`, their number. Rows whose label is `ignore_index` do not count",
      type_of_accuracy);
  op.attributes = kAccuracy;
  return op;
}

}  // namespace graphrt

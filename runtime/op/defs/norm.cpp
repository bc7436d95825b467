// Norms of rows, softmax, and their gradients.
#include "runtime/op/defs/defs.h"

#include "runtime/op/row_rules.h"
#include "runtime/op/scratch_rules.h"
#include "runtime/op/type_rules.h"

namespace graphrt {
namespace {

constexpr std::array kLayerEpsilon = {
    AttributeSpec{"epsilon", AttributeKind::kFloat, false, "(1e-5)"}};
constexpr std::array kRmsEpsilon = {
    AttributeSpec{"epsilon", AttributeKind::kFloat, false, "(1e-6)"}};
constexpr AttributeSpec kScaleGradElement = {"to", AttributeKind::kText, false,
                                             "(that of x): the type of elements"};
constexpr std::array kLayerScaleGrad = {kLayerEpsilon[0], kScaleGradElement};
constexpr std::array kRmsScaleGrad = {kRmsEpsilon[0], kScaleGradElement};
constexpr std::array kSoftmax = {
    AttributeSpec{"axis", AttributeKind::kInt, false, "(-1)"},
    AttributeSpec{
        "causal", AttributeKind::kBool, false,
        "(false): row i of each matrix of the last two dimensions uses columns 0 to i, the "
        "others are 0; then the axis is the last"}};
constexpr std::array kSoftmaxAxis = {AttributeSpec{"axis", AttributeKind::kInt, false, "(-1)"}};

/// What does not fit x[..., D] among the operands from number `first` on, which are [D]: all of the
/// element type of x, or all of f32.
std::optional<OpError> find_bad_columns(Types inputs, size_t first, const std::string& needs) {
  const TensorType& x = inputs[0];
  for (size_t i = first; i < inputs.size(); ++i) {
    if (auto error = find_non_float_at(inputs, i)) return error;
    if (inputs[i].shape != Shape{x.shape.back()}) return misfit(needs, inputs, i);
    const bool is_of_either =
        inputs[i].element == x.element || inputs[i].element == ElementType::kF32;
    if (is_of_either && inputs[i].element == inputs[first].element) continue;
    if (is_of_either) return misfit("gamma and beta of the same element type", inputs, i);
    return OpError{"takes f32 or the same element type beside " + to_string(x) + "; got " +
                       to_string(inputs[i]) + "; cast it to f32",
                   i};
  }
  return std::nullopt;
}

/// gradient and x, alone or with gamma.
TypeResult type_of_gradient(Types inputs, const Attributes& attributes, const std::string& needs) {
  constexpr size_t kNumRows = 2;
  if (auto error = find_non_float(inputs.first(kNumRows))) return tl::unexpected(*std::move(error));
  if (inputs[0].shape.empty()) return tl::unexpected(misfit(needs, inputs, 0));
  if (inputs[1].shape != inputs[0].shape) return tl::unexpected(misfit(needs, inputs, 1));
  if (auto error = find_bad_columns(inputs, kNumRows, needs)) {
    return tl::unexpected(*std::move(error));
  }
  if (auto error = find_outside(attributes, "epsilon", 0)) return tl::unexpected(*std::move(error));
  return inputs[0];
}

/// Rows of the last dimension, [..., D]: x, then gamma [D] and, where there is one, beta.
TypeResult type_of_norm(Types inputs, const Attributes& attributes) {
  const std::string needs =
      inputs.size() == 2 ? "x[..., D] and gamma[D]" : "x[..., D], gamma[D] and beta[D]";
  if (auto error = find_non_float_at(inputs, 0)) return tl::unexpected(*std::move(error));
  if (inputs[0].shape.empty()) return tl::unexpected(misfit(needs, inputs, 0));
  if (auto error = find_bad_columns(inputs, 1, needs)) return tl::unexpected(*std::move(error));
  if (auto error = find_outside(attributes, "epsilon", 0)) return tl::unexpected(*std::move(error));
  return inputs[0];
}

/// gradient, x and gamma: the gradient by x; and perhaps what is added to it.
TypeResult type_of_norm_grad(Types inputs, const Attributes& attributes) {
  constexpr size_t kAddend = 3;
  TypeResult result =
      type_of_gradient(inputs.first(kAddend), attributes,
                       "gradient[..., D] and x[..., D] of the same shape and gamma[D]");
  if (!result || inputs.size() == kAddend || inputs[kAddend] == *result) return result;
  return refuse(
      "adds what is " + to_string(*result) + ", like its result; got " + to_string(inputs[kAddend]),
      kAddend);
}

/// gradient and x: the gradient by gamma.
TypeResult type_of_norm_scale_grad(Types inputs, const Attributes& attributes) {
  TypeResult result =
      type_of_gradient(inputs, attributes, "gradient[..., D] and x[..., D] of the same shape");
  if (!result) return result;
  return as_asked({result->element, {result->shape.back()}}, attributes);
}

TypeResult type_of_softmax(Types inputs, const Attributes& attributes) {
  if (auto error = find_non_float(inputs)) return tl::unexpected(*std::move(error));
  const auto axis = axis_of(inputs[0], attributes, -1);
  if (!axis) return tl::unexpected(axis.error());
  if (!attributes.flag("causal")) return inputs[0];
  const size_t rank = inputs[0].shape.size();
  if (rank >= 2 && *axis == rank - 1) return inputs[0];
  return refuse(
      "needs at least 2 dimensions and the last as its axis where it is causal; got axis " +
          std::to_string(*axis) + " of " + to_string(inputs[0]),
      0);
}

/// y has the type of the gradient.
TypeResult type_of_softmax_grad(Types inputs, const Attributes& attributes) {
  TypeResult pair = type_of_float_pair(inputs, attributes);
  if (!pair) return pair;
  const auto axis = axis_of(inputs[0], attributes, -1);
  if (!axis) return tl::unexpected(axis.error());
  return pair;
}

/// Along the last axis: row by row if there are rows. Operands [D] are needed whole.
std::vector<RowUse> rows_of_norm(std::span<const TensorType> inputs, const TensorType& result,
                                 const Attributes& attributes) {
  if (result.rank() < 2) return {};
  return rows_of_elementwise(inputs, result, attributes);
}

/// As along `axis`; where `causal`, a row's columns depend on its number among the rows of its
/// matrix, so whole matrices are needed.
std::vector<RowUse> rows_of_softmax(std::span<const TensorType> inputs, const TensorType& result,
                                    const Attributes& attributes) {
  if (attributes.flag("causal") && result.rank() < 3) return {};
  return rows_of_axis(inputs, result, attributes);
}

/// A norm's rows are along the last axis: of one axis, all of it is a single row.
RowTotal total_of_scale_grad(Types inputs, const TensorType&, const Attributes&) {
  return inputs[0].rank() > 1 ? RowTotal::kSum : RowTotal::kNone;
}

/// gamma and beta.
constexpr uint32_t kScaleAndShift = 1U << 1 | 1U << 2;

OpInfo norm_op(std::string_view name, size_t num_inputs,
               std::span<const AttributeSpec> attributes) {
  return {.name = name,
          .operands = num_inputs == 3
                          ? "x[..., D]: float; gamma[D], beta[D]: of the same type, or f32"
                          : "x[..., D]: float; gamma[D]: of the same type, or f32",
          .result = {},
          .min_inputs = num_inputs,
          .max_inputs = num_inputs,
          .attributes = attributes,
          .type_rule = type_of_norm,
          .in_place = InPlace::kFirstOperand,
          .row_rule = rows_of_norm,
          .f32_operands = kScaleAndShift};
}

OpInfo norm_grad_op(std::string_view name, std::span<const AttributeSpec> attributes) {
  OpInfo op = norm_op(name, 3, attributes);
  op.operands =
      "gradient, x: float, [..., D], same type; gamma[D]: of the same type of elements, or f32; "
      "optionally an addend, like x";
  op.result = "gradient by x, plus the addend";
  op.max_inputs = 4;
  op.takes_addend = true;
  op.type_rule = type_of_norm_grad;
  op.f32_operands = 1U << 2;
  return op;
}

OpInfo norm_scale_grad_op(std::string_view name, std::span<const AttributeSpec> attributes) {
  return {.name = name,
          .operands = "gradient, x: float, [..., D], same type",
          .result = "gradient by gamma, [D]: the sum over rows of gradient · xhat",
          .min_inputs = 2,
          .max_inputs = 2,
          .attributes = attributes,
          .type_rule = type_of_norm_scale_grad,
          .scratch_rule = scratch_of_totals,
          .row_total_rule = total_of_scale_grad};
}

}  // namespace

OpInfo op_layer_norm() {
  OpInfo op = norm_op("layer_norm", 3, kLayerEpsilon);
  op.result =
      "xhat · gamma + beta; xhat = (x - mean) / sqrt(variance + `epsilon`) over the last "
      "dimension, with the biased variance";
  return op;
}

OpInfo op_layer_norm_grad() { return norm_grad_op("layer_norm_grad", kLayerEpsilon); }
OpInfo op_layer_norm_scale_grad() {
  return norm_scale_grad_op("layer_norm_scale_grad", kLayerScaleGrad);
}

OpInfo op_rms_norm() {
  OpInfo op = norm_op("rms_norm", 2, kRmsEpsilon);
  op.result = "xhat · gamma; xhat = x / sqrt(mean of squares + `epsilon`) over the last dimension";
  return op;
}

OpInfo op_rms_norm_grad() { return norm_grad_op("rms_norm_grad", kRmsEpsilon); }
OpInfo op_rms_norm_scale_grad() { return norm_scale_grad_op("rms_norm_scale_grad", kRmsScaleGrad); }

OpInfo op_softmax() {
  return {.name = "softmax",
          .operands = "x: float",
          .result = "same type",
          .attributes = kSoftmax,
          .type_rule = type_of_softmax,
          .row_rule = rows_of_softmax};
}

OpInfo op_softmax_grad() {
  return {.name = "softmax_grad",
          .operands = "gradient, y: float, same type",
          .result =
              "y · (gradient - sum of gradient · y along the axis), for y = softmax(x), causal "
              "or not",
          .min_inputs = 2,
          .max_inputs = 2,
          .attributes = kSoftmaxAxis,
          .type_rule = type_of_softmax_grad,
          .in_place = InPlace::kAnyOperand,
          .row_rule = rows_of_axis};
}

}  // namespace graphrt

#include "runtime/op/op_table.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "runtime/base/f32_range.h"
#include "runtime/base/text.h"
#include "runtime/op/chain.h"
#include "runtime/op/row_rules.h"
#include "runtime/op/type_rules.h"
#include "runtime/op/work_rules.h"

namespace graphrt {
namespace {

constexpr size_t kAnyNumber = std::numeric_limits<size_t>::max();

constexpr std::array kAdam = {AttributeSpec{"beta1", AttributeKind::kFloat},
                              AttributeSpec{"beta2", AttributeKind::kFloat},
                              AttributeSpec{"epsilon", AttributeKind::kFloat},
                              AttributeSpec{"learning_rate", AttributeKind::kFloat},
                              AttributeSpec{"weight_decay", AttributeKind::kFloat}};
constexpr std::array kAxis = {AttributeSpec{"axis", AttributeKind::kInt}};
constexpr std::array kAxes = {AttributeSpec{"axes", AttributeKind::kIntList}};
constexpr std::array kClip = {AttributeSpec{"max_norm", AttributeKind::kFloat, true},
                              AttributeSpec{"of_norm", AttributeKind::kBool}};
constexpr std::array kReduction = {AttributeSpec{"axes", AttributeKind::kIntList},
                                   AttributeSpec{"keepdims", AttributeKind::kBool}};
constexpr std::array kDecay = {AttributeSpec{"decay", AttributeKind::kFloat, true},
                               AttributeSpec{"scaled", AttributeKind::kBool}};
constexpr std::array kDropout = {AttributeSpec{"first", AttributeKind::kInt},
                                 AttributeSpec{"rate", AttributeKind::kFloat, true},
                                 AttributeSpec{"seed", AttributeKind::kInt}};
constexpr std::array kElementwiseFormula = {AttributeSpec{"formula", AttributeKind::kText, true}};
constexpr std::array kEmbeddingGrad = {AttributeSpec{"rows", AttributeKind::kInt, true}};
constexpr std::array kEpsilon = {AttributeSpec{"epsilon", AttributeKind::kFloat}};
constexpr std::array kLearningRate = {AttributeSpec{"base", AttributeKind::kFloat, true},
                                      AttributeSpec{"cosine_steps", AttributeKind::kInt},
                                      AttributeSpec{"decay_every", AttributeKind::kInt},
                                      AttributeSpec{"decay_factor", AttributeKind::kFloat},
                                      AttributeSpec{"final", AttributeKind::kFloat},
                                      AttributeSpec{"warmup_steps", AttributeKind::kInt}};
constexpr std::array kMatmul = {AttributeSpec{"math", AttributeKind::kText},
                                AttributeSpec{"relu", AttributeKind::kBool},
                                AttributeSpec{"transpose_a", AttributeKind::kBool},
                                AttributeSpec{"transpose_b", AttributeKind::kBool}};
constexpr std::array kMatmulSgd = {AttributeSpec{"learning_rate", AttributeKind::kFloat, true},
                                   AttributeSpec{"math", AttributeKind::kText},
                                   AttributeSpec{"transpose_a", AttributeKind::kBool},
                                   AttributeSpec{"transpose_b", AttributeKind::kBool}};
constexpr std::array kMomentum = {AttributeSpec{"momentum", AttributeKind::kFloat, true},
                                  AttributeSpec{"scaled", AttributeKind::kBool},
                                  AttributeSpec{"weight_decay", AttributeKind::kFloat}};
constexpr std::array kPad = {AttributeSpec{"axis", AttributeKind::kInt},
                             AttributeSpec{"before", AttributeKind::kInt, true},
                             AttributeSpec{"after", AttributeKind::kInt, true}};
constexpr std::array kShape = {AttributeSpec{"shape", AttributeKind::kIntList, true}};
constexpr std::array kScale = {AttributeSpec{"factor", AttributeKind::kFloat, true}};
constexpr std::array kSgd = {AttributeSpec{"learning_rate", AttributeKind::kFloat},
                             AttributeSpec{"scaled", AttributeKind::kBool},
                             AttributeSpec{"weight_decay", AttributeKind::kFloat}};
constexpr std::array kSlice = {AttributeSpec{"axis", AttributeKind::kInt},
                               AttributeSpec{"begin", AttributeKind::kInt, true},
                               AttributeSpec{"end", AttributeKind::kInt, true}};
constexpr std::array kSoftmax = {AttributeSpec{"axis", AttributeKind::kInt},
                                 AttributeSpec{"causal", AttributeKind::kBool}};
constexpr std::array kGradientScale = {AttributeSpec{"scale", AttributeKind::kFloat}};

constexpr InPlace kElementwise = InPlace::kAnyOperand;
constexpr InPlace kFirst = InPlace::kFirstOperand;
constexpr InPlace kNever = InPlace::kNever;
constexpr RowRule kByRows = rows_of_elementwise;
constexpr bool kShared = true;

// clang-format off
constexpr std::array kOps = {
  OpInfo{"accuracy", 2, 2, {},        type_of_accuracy,   work_of_streaming, kNever},
  OpInfo{"adam_update", 4, 5, kAdam,  type_of_adam_update, work_of_streaming, kElementwise, kByRows, kShared},
  OpInfo{"add",     2, 2, {},         type_of_arithmetic, work_of_streaming, kElementwise, kByRows},
  OpInfo{"argmax",  1, 1, kAxis,      type_of_argmax,     work_of_streaming, kNever, rows_of_axis},
  OpInfo{"binary_cross_entropy", 2, 2, {}, type_of_mean_loss, work_of_streaming, kNever},
  OpInfo{"binary_cross_entropy_grad", 2, 2, kGradientScale,
         type_of_f32_pair, work_of_streaming, kElementwise, rows_of_loss_grad},
  OpInfo{"broadcast", 1, 1, kShape,   type_of_broadcast,  work_of_streaming, kNever},
  OpInfo{"clip_factor", 1, 1, kClip,  type_of_clip_factor, work_of_streaming, kElementwise},
  OpInfo{"concat",  1, kAnyNumber, kAxis, type_of_concat, work_of_streaming, kNever},
  OpInfo{"copy",    1, 1, {},         type_of_copy,       work_of_streaming, kElementwise, kByRows},
  OpInfo{"div",     2, 2, {},         type_of_division,   work_of_streaming, kElementwise, kByRows},
  OpInfo{"dropout", 2, 2, kDropout,   type_of_dropout,    work_of_streaming, kElementwise},
  OpInfo{"elementwise", 1, kMaxChainInputs, kElementwiseFormula,
         type_of_elementwise, work_of_chain, kElementwise, kByRows},
  OpInfo{"embedding", 2, 2, {},       type_of_embedding,  work_of_embedding, kNever, rows_of_embedding},
  OpInfo{"embedding_grad", 2, 2, kEmbeddingGrad, type_of_embedding_grad, work_of_streaming, kNever},
  OpInfo{"equal",   2, 2, {},         type_of_comparison, work_of_streaming, kElementwise, kByRows},
  OpInfo{"exp",     1, 1, {},         type_of_f32_map,    work_of_streaming, kElementwise, kByRows},
  OpInfo{"gelu",    1, 1, {},         type_of_f32_map,    work_of_streaming, kElementwise, kByRows},
  OpInfo{"gelu_grad", 2, 2, {},       type_of_f32_pair,   work_of_streaming, kElementwise, kByRows},
  OpInfo{"hypot",   2, 2, {},         type_of_division,   work_of_streaming, kElementwise, kByRows},
  OpInfo{"layer_norm", 3, 3, kEpsilon, type_of_norm,      work_of_streaming, kFirst, rows_of_norm},
  OpInfo{"layer_norm_grad", 3, 3, kEpsilon, type_of_norm_grad, work_of_streaming, kFirst, rows_of_norm},
  OpInfo{"layer_norm_scale_grad", 2, 2, kEpsilon, type_of_norm_scale_grad, work_of_streaming, kNever},
  OpInfo{"learning_rate", 1, 1, kLearningRate, type_of_learning_rate, work_of_streaming, kNever},
  OpInfo{"log",     1, 1, {},         type_of_f32_map,    work_of_streaming, kElementwise, kByRows},
  OpInfo{"matmul",  2, 3, kMatmul,    type_of_matmul,     work_of_matmul,    kNever, rows_of_matmul},
  OpInfo{"matmul_sgd_update", 3, 3, kMatmulSgd,
         type_of_matmul_update, work_of_matmul_update, kFirst, rows_of_matmul_update},
  OpInfo{"max",     1, 1, kReduction, type_of_sum_or_max, work_of_streaming, kNever, rows_of_reduction},
  OpInfo{"mean",    1, 1, kReduction, type_of_mean,       work_of_streaming, kNever, rows_of_reduction},
  OpInfo{"momentum_update", 2, 4, kMomentum, type_of_momentum_update, work_of_streaming, kElementwise, kByRows, kShared},
  OpInfo{"moving_average", 2, 3, kDecay, type_of_moving_average, work_of_streaming, kElementwise, kByRows, kShared},
  OpInfo{"moving_average_of_squares", 2, 3, kDecay,
         type_of_moving_average, work_of_streaming, kElementwise, kByRows, kShared},
  OpInfo{"mse",     2, 2, {},         type_of_mean_loss,  work_of_streaming, kNever},
  OpInfo{"mse_grad", 2, 2, kGradientScale,
         type_of_f32_pair, work_of_streaming, kElementwise, rows_of_loss_grad},
  OpInfo{"mul",     2, 2, {},         type_of_arithmetic, work_of_streaming, kElementwise, kByRows},
  OpInfo{"norm",    1, 1, {},         type_of_sum_of_squares, work_of_streaming, kNever},
  OpInfo{"pad",     1, 1, kPad,       type_of_pad,        work_of_streaming, kNever, rows_of_pad},
  OpInfo{"relu",    1, 1, {},         type_of_f32_map,    work_of_streaming, kElementwise, kByRows},
  OpInfo{"relu_grad", 2, 2, {},       type_of_f32_pair,   work_of_streaming, kElementwise, kByRows},
  OpInfo{"reshape", 1, 1, kShape,     type_of_reshape,    work_of_streaming, kNever},
  OpInfo{"rms_norm", 2, 2, kEpsilon,  type_of_norm,       work_of_streaming, kFirst, rows_of_norm},
  OpInfo{"rms_norm_grad", 3, 3, kEpsilon, type_of_norm_grad, work_of_streaming, kFirst, rows_of_norm},
  OpInfo{"rms_norm_scale_grad", 2, 2, kEpsilon, type_of_norm_scale_grad, work_of_streaming, kNever},
  OpInfo{"scale",   1, 1, kScale,     type_of_f32_map,    work_of_streaming, kElementwise, kByRows},
  OpInfo{"sgd_update", 2, 4, kSgd,    type_of_sgd_update, work_of_streaming, kElementwise, kByRows, kShared},
  OpInfo{"sigmoid", 1, 1, {},         type_of_f32_map,    work_of_streaming, kElementwise, kByRows},
  OpInfo{"sigmoid_grad", 2, 2, {},    type_of_f32_pair,   work_of_streaming, kElementwise, kByRows},
  OpInfo{"slice",   1, 1, kSlice,     type_of_slice,      work_of_slice,     kNever},
  OpInfo{"softmax", 1, 1, kSoftmax,   type_of_softmax,    work_of_streaming, kNever, rows_of_softmax},
  OpInfo{"softmax_cross_entropy", 2, 2, {},
         type_of_cross_entropy, work_of_streaming, kNever},
  OpInfo{"softmax_cross_entropy_grad", 2, 2, kGradientScale,
         type_of_cross_entropy_grad, work_of_streaming, kNever, rows_of_loss_grad},
  OpInfo{"softmax_grad", 2, 2, kAxis,
         type_of_softmax_grad, work_of_streaming, kElementwise, rows_of_axis},
  OpInfo{"sqrt",    1, 1, {},         type_of_f32_map,    work_of_streaming, kElementwise, kByRows},
  OpInfo{"sub",     2, 2, {},         type_of_arithmetic, work_of_streaming, kElementwise, kByRows},
  OpInfo{"sum",     1, 1, kReduction, type_of_sum_or_max, work_of_streaming, kNever, rows_of_reduction},
  OpInfo{"sum_of_squares", 1, 1, {},  type_of_sum_of_squares, work_of_streaming, kNever},
  OpInfo{"tanh",    1, 1, {},         type_of_f32_map,    work_of_streaming, kElementwise, kByRows},
  OpInfo{"tanh_grad", 2, 2, {},       type_of_f32_pair,   work_of_streaming, kElementwise, kByRows},
  OpInfo{"transpose", 1, 1, kAxes,    type_of_transpose,  work_of_streaming, kNever},
};
// clang-format on

static_assert(std::is_sorted(kOps.begin(), kOps.end(),
                             [](const OpInfo& a, const OpInfo& b) { return a.name < b.name; }));

std::string count_of_inputs(size_t count) {
  return std::to_string(count) + (count == 1 ? " input" : " inputs");
}

std::optional<std::string> find_bad_arity(const OpInfo& op, size_t num_inputs) {
  if (num_inputs >= op.min_inputs && num_inputs <= op.max_inputs) return std::nullopt;
  return "takes " + inputs_taken_by(op) + "; got " + std::to_string(num_inputs);
}

std::string unknown_attribute(const OpInfo& op, const std::string& name) {
  std::vector<std::string> candidates;
  for (const AttributeSpec& spec : op.attributes) candidates.emplace_back(spec.name);
  const std::optional<std::string> nearest = nearest_name(name, candidates);
  return "has no attribute '" + name + "'" + (nearest ? "; did you mean '" + *nearest + "'?" : "");
}

bool fits(const AttributeValue& value, AttributeKind kind) {
  const AttributeKind actual = kind_of(value);
  return actual == kind || (kind == AttributeKind::kFloat && actual == AttributeKind::kInt);
}

/// What is wrong with the attribute that `spec` is of.
std::optional<std::string> find_bad_value(const AttributeSpec& spec, const AttributeValue& value) {
  const std::string as_name = " as '" + std::string(spec.name) + "'; ";
  if (!fits(value, spec.kind)) {
    return "needs " + std::string(to_string(spec.kind)) + as_name + "got " + to_string(value);
  }
  const double* number = std::get_if<double>(&value);
  if (number == nullptr) return std::nullopt;
  const std::string shown = format_number(*number);
  if (!std::isfinite(*number)) return "needs a finite number" + as_name + "got " + shown;
  const std::optional<std::string_view> misfit = find_misfit_of_f32(*number);
  if (!misfit) return std::nullopt;
  return "needs an f32 number" + as_name + shown + " is " + std::string(*misfit);
}

std::optional<OpError> find_bad_attribute(const OpInfo& op, const Attributes& attributes) {
  for (const Attribute& attribute : attributes) {
    const AttributeSpec* spec = find_attribute(op, attribute.name);
    if (spec == nullptr) return OpError{unknown_attribute(op, attribute.name), {}};
    if (auto reason = find_bad_value(*spec, attribute.value)) {
      return OpError{*std::move(reason), {}, spec->name};
    }
  }
  for (const AttributeSpec& spec : op.attributes) {
    if (!spec.is_required || attributes.find(spec.name) != nullptr) continue;
    return OpError{"needs the attribute '" + std::string(spec.name) + "', " +
                       std::string(to_string(spec.kind)),
                   {}};
  }
  return std::nullopt;
}

tl::unexpected<OpError> error_of(const OpInfo& op, OpError error) {
  error.message = std::string(op.name) + " " + error.message;
  return tl::unexpected(std::move(error));
}

}  // namespace

std::span<const OpInfo> all_ops() { return kOps; }

const OpInfo* find_op(std::string_view name) {
  const auto at =
      std::lower_bound(kOps.begin(), kOps.end(), name,
                       [](const OpInfo& op, std::string_view n) { return op.name < n; });
  return at != kOps.end() && at->name == name ? &*at : nullptr;
}

const AttributeSpec* find_attribute(const OpInfo& op, std::string_view name) {
  for (const AttributeSpec& spec : op.attributes) {
    if (spec.name == name) return &spec;
  }
  return nullptr;
}

tl::expected<TensorType, OpError> infer_type(const OpInfo& op, std::span<const TensorType> inputs,
                                             const Attributes& attributes) {
  if (auto reason = find_bad_arity(op, inputs.size())) return error_of(op, {*reason, {}});
  if (auto error = find_bad_attribute(op, attributes)) return error_of(op, *std::move(error));
  tl::expected<TensorType, OpError> result = op.type_rule(inputs, attributes);
  if (!result) return error_of(op, std::move(result).error());
  if (!is_valid(*result)) {
    return error_of(op, {"would give " + to_string(*result) + ", which is larger than 16 TiB", {}});
  }
  return result;
}

std::string inputs_taken_by(const OpInfo& op) {
  if (op.min_inputs == op.max_inputs) return count_of_inputs(op.min_inputs);
  if (op.max_inputs == kAnyNumber) return "at least " + count_of_inputs(op.min_inputs);
  return std::to_string(op.min_inputs) + " to " + count_of_inputs(op.max_inputs);
}

bool may_run_in_place(const OpInfo& op, size_t operand, const TensorType& input,
                      const TensorType& result) {
  if (input != result || op.in_place == InPlace::kNever) return false;
  return op.in_place == InPlace::kAnyOperand || operand == 0;
}

std::vector<RowUse> row_uses(const OpInfo& op, std::span<const TensorType> inputs,
                             const TensorType& result, const Attributes& attributes) {
  if (op.row_rule == nullptr) return {};
  return op.row_rule(inputs, result, attributes);
}

std::vector<int64_t> normalized_axes(const std::vector<int64_t>& axes, int rank) {
  std::vector<int64_t> normalized = axes;
  if (axes.empty()) {
    normalized.resize(static_cast<size_t>(rank));
    std::iota(normalized.begin(), normalized.end(), int64_t{0});
  }
  for (int64_t& axis : normalized) axis += axis < 0 ? rank : 0;
  std::sort(normalized.begin(), normalized.end());
  return normalized;
}

}  // namespace graphrt

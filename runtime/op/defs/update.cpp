// What optimizers do to a state in every step, and what they need for it.
#include "runtime/op/defs/defs.h"

#include "runtime/base/text.h"
#include "runtime/op/row_rules.h"
#include "runtime/op/type_rules.h"

namespace graphrt {
namespace {

constexpr AttributeSpec kScaled = {"scaled", AttributeKind::kBool, false,
                                   "(false): the last operand is the factor of the gradient"};
constexpr AttributeSpec kSkips = {
    "skips", AttributeKind::kBool, false,
    "(false): where the last operand is NaN, the state stays as it is"};
constexpr AttributeSpec kRate = {"learning_rate", AttributeKind::kFloat, false, "(the rate)"};
constexpr AttributeSpec kWeightDecay = {"weight_decay", AttributeKind::kFloat, false, "(0)"};
constexpr std::array kSgd = {kRate, kScaled, kSkips, kWeightDecay};
constexpr std::array kMomentum = {
    AttributeSpec{"momentum", AttributeKind::kFloat, true, "(required)"}, kScaled, kSkips,
    kWeightDecay};
constexpr std::array kDecay = {
    AttributeSpec{"decay", AttributeKind::kFloat, true, "(required; at least 0, below 1)"}, kScaled,
    kSkips};
constexpr std::array kAdam = {AttributeSpec{"beta1", AttributeKind::kFloat, false, "(0.9)"},
                              AttributeSpec{"beta2", AttributeKind::kFloat, false, "(0.999)"},
                              AttributeSpec{"epsilon", AttributeKind::kFloat, false, "(1e-8)"},
                              kRate, kWeightDecay};
constexpr std::array kAdamStep = {kAdam[0], kAdam[1], kAdam[2],    kRate,
                                  kScaled,  kSkips,   kWeightDecay};
constexpr std::array<std::string_view, 2> kAverages = {"m", "v"};
constexpr std::array kLearningRate = {
    AttributeSpec{"base", AttributeKind::kFloat, true, "(required)"},
    AttributeSpec{"cosine_steps", AttributeKind::kInt, false,
                  "(none): a cosine from `base` to `final`"},
    AttributeSpec{"decay_every", AttributeKind::kInt, false,
                  "(none), with `decay_factor`, in place of a cosine"},
    AttributeSpec{"decay_factor", AttributeKind::kFloat, false, ""},
    AttributeSpec{"final", AttributeKind::kFloat, false, "(0)"},
    AttributeSpec{"warmup_steps", AttributeKind::kInt, false, "(0)"}};
constexpr std::array kClip = {
    AttributeSpec{"max_norm", AttributeKind::kFloat, true, "(required, above 0)"},
    AttributeSpec{"of_norm", AttributeKind::kBool, false,
                  "(false): the operand is the norm, not its square"}};

bool is_scalar(const TensorType& type, ElementType element) {
  return type.element == element && type.shape.empty();
}

/// The rate has one source: the operand behind the first `num_others`, or `learning_rate`.
std::optional<OpError> find_bad_rate(Types inputs, size_t num_others,
                                     const Attributes& attributes) {
  const bool is_operand = inputs.size() > num_others;
  const bool is_attribute = attributes.find("learning_rate") != nullptr;
  if (is_operand && !is_scalar(inputs[num_others], ElementType::kF32)) {
    return OpError{"needs f32[] as its rate; got " + to_string(inputs[num_others]), num_others};
  }
  if (is_operand && is_attribute) {
    return OpError{"got its rate twice, as an operand and as 'learning_rate'", num_others,
                   "learning_rate"};
  }
  if (is_operand || is_attribute) return std::nullopt;
  const bool is_last = !attributes.flag("scaled") && !attributes.flag("skips");
  const char* where = is_last ? "at the end" : "before the factor";
  return OpError{std::string("needs a rate: 'learning_rate', or an operand f32[] ") + where, {}};
}

/// Whether the last operand is a factor: of the gradient, or one that says whether to skip a step.
bool has_factor(const Attributes& attributes) {
  return attributes.flag("scaled") || attributes.flag("skips");
}

/// With `scaled`, the last operand is what the gradient, one of the first `num_others`, is multiplied
/// with.
std::optional<OpError> find_bad_factor(Types inputs, const Attributes& attributes,
                                       size_t num_others = 2) {
  if (!has_factor(attributes)) return std::nullopt;
  if (inputs.size() == num_others) {
    const bool is_scaled = attributes.flag("scaled");
    return OpError{std::string(is_scaled ? "is 'scaled', so it" : "'skips' steps, so it") +
                       " needs the factor of its gradient, f32[], as the last operand",
                   {},
                   is_scaled ? "scaled" : "skips"};
  }
  if (is_scalar(inputs.back(), ElementType::kF32)) return std::nullopt;
  return OpError{"needs f32[] as the factor of its gradient; got " + to_string(inputs.back()),
                 inputs.size() - 1};
}

/// The operands but for the factor.
Types without_factor(Types inputs, const Attributes& attributes) {
  return inputs.first(inputs.size() - (has_factor(attributes) ? 1 : 0));
}

/// That operand number `index` is one too many.
OpError superfluous(size_t index, Types inputs, const Attributes& attributes) {
  std::string message = "takes no operand " + to_string(inputs[index]) + " here";
  if (!has_factor(attributes)) {
    message += "; with 'scaled' the last one is the factor of the gradient";
  }
  return {std::move(message), index};
}

/// Attributes of learning_rate that say nothing without another one, or against it.
std::optional<OpError> find_bad_schedule(const Attributes& attributes) {
  const auto has = [&](std::string_view name) { return attributes.find(name) != nullptr; };
  if (has("decay_every") != has("decay_factor")) {
    const char* one = has("decay_every") ? "decay_every" : "decay_factor";
    return OpError{"needs 'decay_every' and 'decay_factor' together", {}, one};
  }
  if (has("decay_every") && has("cosine_steps")) {
    return OpError{"takes 'decay_every' or 'cosine_steps', not both", {}, "cosine_steps"};
  }
  if (has("final") && !has("cosine_steps")) {
    return OpError{"takes 'final' along with 'cosine_steps' only", {}, "final"};
  }
  if (auto error = find_outside(attributes, "warmup_steps", 0)) return error;
  if (auto error = find_outside(attributes, "decay_every", 1)) return error;
  return find_outside(attributes, "cosine_steps", 1);
}

TypeResult type_of_sgd_update(Types inputs, const Attributes& attributes) {
  TypeResult result = type_of_update(inputs.first(2));
  if (!result) return result;
  if (auto error = find_bad_factor(inputs, attributes)) return tl::unexpected(*std::move(error));
  const Types others = without_factor(inputs, attributes);
  if (auto error = find_bad_rate(others, 2, attributes)) return tl::unexpected(*std::move(error));
  if (others.size() > 3) return tl::unexpected(superfluous(3, inputs, attributes));
  return result;
}

TypeResult type_of_momentum_update(Types inputs, const Attributes& attributes) {
  constexpr size_t kWeights = 2;
  TypeResult result = type_of_update(inputs.first(2));
  if (!result) return result;
  if (auto error = find_bad_factor(inputs, attributes)) return tl::unexpected(*std::move(error));
  const Types others = without_factor(inputs, attributes);
  const bool has_decay = attributes.find("weight_decay") != nullptr;
  if (has_decay && others.size() == kWeights) {
    return refuse_attribute("weight_decay", "needs the weights that decay, behind the gradient");
  }
  if (!has_decay && others.size() > kWeights) {
    if (others[kWeights] == others[0]) {
      return refuse("takes the weights along with 'weight_decay' only", kWeights);
    }
    return tl::unexpected(superfluous(kWeights, inputs, attributes));
  }
  if (!has_decay) return result;
  if (others.size() > kWeights + 1) {
    return tl::unexpected(superfluous(kWeights + 1, inputs, attributes));
  }
  if (others[kWeights] == others[0]) return result;
  return tl::unexpected(
      misfit("v, the gradient and the weights of the same shape", others, kWeights));
}

/// What does not fit w, m and v of one shape, a step at `step` and, behind it, perhaps a rate.
std::optional<OpError> find_bad_adam(Types inputs, size_t step, const Attributes& attributes) {
  const Types tensors = inputs.first(3);
  if (auto error = find_non_f32(tensors)) return error;
  for (size_t i = 1; i < tensors.size(); ++i) {
    if (tensors[i] != tensors[0]) return misfit("w, m and v of the same shape", tensors, i);
  }
  if (!is_scalar(inputs[step], ElementType::kI32)) {
    return OpError{"needs i32[] as its step; got " + to_string(inputs[step]), step};
  }
  if (auto error = find_bad_rate(inputs, step + 1, attributes)) return error;
  for (const char* beta : {"beta1", "beta2"}) {
    if (auto error = find_outside(attributes, beta, 0, 1)) return error;
  }
  return find_outside(attributes, "epsilon", 0);
}

TypeResult type_of_adam_update(Types inputs, const Attributes& attributes) {
  if (auto error = find_bad_adam(inputs, 3, attributes)) return tl::unexpected(*std::move(error));
  return inputs[0];
}

TypeResult type_of_adam_step(Types inputs, const Attributes& attributes) {
  constexpr size_t kGradient = 3;
  constexpr size_t kStep = 4;
  if (auto error = find_bad_factor(inputs, attributes, kStep + 1)) {
    return tl::unexpected(*std::move(error));
  }
  const Types others = without_factor(inputs, attributes);
  if (auto error = find_bad_adam(others, kStep, attributes)) {
    return tl::unexpected(*std::move(error));
  }
  if (auto error = find_non_float_at(inputs, kGradient)) return tl::unexpected(*std::move(error));
  if (inputs[kGradient].shape != inputs[0].shape) {
    return tl::unexpected(misfit("w and its gradient of the same shape", inputs, kGradient));
  }
  if (others.size() > kStep + 2) {
    return tl::unexpected(superfluous(kStep + 2, inputs, attributes));
  }
  return inputs[0];
}

/// The averages, like w.
std::vector<TensorType> types_of_averages(Types, const TensorType& w, const Attributes&) {
  return {w, w};
}

TypeResult type_of_moving_average(Types inputs, const Attributes& attributes) {
  if (auto error = find_outside(attributes, "decay", 0, 1)) {
    return tl::unexpected(*std::move(error));
  }
  TypeResult result = type_of_update(inputs.first(2));
  if (!result) return result;
  if (auto error = find_bad_factor(inputs, attributes)) return tl::unexpected(*std::move(error));
  if (without_factor(inputs, attributes).size() > 2) {
    return tl::unexpected(superfluous(2, inputs, attributes));
  }
  return result;
}

TypeResult type_of_learning_rate(Types inputs, const Attributes& attributes) {
  if (!is_scalar(inputs[0], ElementType::kI32)) {
    return refuse("needs i32[] as its step; got " + to_string(inputs[0]), 0);
  }
  if (auto error = find_bad_schedule(attributes)) return tl::unexpected(*std::move(error));
  return TensorType{ElementType::kF32, {}};
}

TypeResult type_of_clip_factor(Types inputs, const Attributes& attributes) {
  if (!is_scalar(inputs[0], ElementType::kF32)) {
    const bool is_norm = attributes.flag("of_norm");
    return refuse(std::string("needs a ") + (is_norm ? "norm" : "sum of squares") + " f32[]; got " +
                      to_string(inputs[0]),
                  0);
  }
  const double max_norm = attributes.number("max_norm", 0);
  if (max_norm > 0) return inputs[0];
  return refuse_attribute("max_norm", "needs a max_norm above 0; got " + format_number(max_norm));
}

/// Of a state, element by element, whose launch others may share.
OpInfo update_op(std::string_view name, std::span<const AttributeSpec> attributes,
                 TypeRule type_rule) {
  return {.name = name,
          .operands = {},
          .result = {},
          .min_inputs = 2,
          .max_inputs = 4,
          .attributes = attributes,
          .type_rule = type_rule,
          .in_place = InPlace::kAnyOperand,
          .row_rule = rows_of_elementwise,
          .may_share_launch = true};
}

OpInfo moving_average_op(std::string_view name, std::string_view operands) {
  OpInfo op = update_op(name, kDecay, type_of_moving_average);
  op.operands = operands;
  op.max_inputs = 3;
  return op;
}

}  // namespace

OpInfo op_sgd_update() {
  OpInfo op = update_op("sgd_update", kSgd, type_of_sgd_update);
  op.operands = "w: f32; gradient: float, same shape; optionally the rate f32[], then a factor";
  op.result = "w - rate · (gradient + `weight_decay` · w)";
  return op;
}

OpInfo op_momentum_update() {
  OpInfo op = update_op("momentum_update", kMomentum, type_of_momentum_update);
  op.operands =
      "v: f32; gradient: float, same shape; with `weight_decay` w, f32, too; optionally a factor";
  op.result = "`momentum` · v + gradient + `weight_decay` · w";
  return op;
}

OpInfo op_moving_average() {
  OpInfo op =
      moving_average_op("moving_average", "m: f32; x: float, same shape; optionally a factor");
  op.result = "`decay` · m + (1 - `decay`) · x";
  return op;
}

OpInfo op_moving_average_of_squares() {
  OpInfo op = moving_average_op("moving_average_of_squares",
                                "v: f32; x: float, same shape; optionally a factor");
  op.result =
      "`decay` · v + (1 - `decay`) · x²; where f32 does not hold that, minus its square "
      "root";
  return op;
}

OpInfo op_adam_update() {
  OpInfo op = update_op("adam_update", kAdam, type_of_adam_update);
  op.operands =
      "w, m, v: f32, same shape; step i32[], below 0: w stays as it is; optionally the rate f32[]";
  op.result = "w - rate · (m̂ / (sqrt(v̂) + `epsilon`) + `weight_decay` · w)";
  op.min_inputs = 4;
  op.max_inputs = 5;
  return op;
}

OpInfo op_adam_step() {
  OpInfo op = update_op("adam_step", kAdamStep, type_of_adam_step);
  op.operands =
      "w, m, v: f32, same shape; gradient: float, same shape; step i32[], below 0: w stays as it "
      "is; optionally the rate f32[], then a factor";
  op.result =
      "`adam_update` of w with the next averages, `moving_average` and "
      "`moving_average_of_squares` of the gradient, which are m and v";
  op.min_inputs = 5;
  op.max_inputs = 7;
  op.more_results = kAverages;
  op.more_types_rule = types_of_averages;
  op.in_place = InPlace::kOperandOfNumber;
  return op;
}

OpInfo op_learning_rate() {
  return {.name = "learning_rate",
          .operands = "step i32[]",
          .result = "f32[], the rate of that step",
          .attributes = kLearningRate,
          .type_rule = type_of_learning_rate};
}

OpInfo op_clip_factor() {
  return {.name = "clip_factor",
          .operands = "a sum of squares or a norm, f32[]",
          .result =
              "f32[], min(1, `max_norm` / norm): what a gradient is multiplied with so that its "
              "norm is at most `max_norm`; NaN if the operand is infinite",
          .attributes = kClip,
          .type_rule = type_of_clip_factor,
          .in_place = InPlace::kAnyOperand};
}

}  // namespace graphrt

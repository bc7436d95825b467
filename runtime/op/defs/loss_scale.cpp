// What keeps gradients in the range of f16: the loss is multiplied with a scale, a step whose
// gradients are not finite is skipped, and the scale follows.
#include "runtime/op/defs/defs.h"

#include "runtime/base/text.h"
#include "runtime/op/type_rules.h"

namespace graphrt {
namespace {

constexpr AttributeSpec kEvery = {"every", AttributeKind::kInt, false, "(2000)"};
constexpr std::array kUnscale = {
    AttributeSpec{"max_norm", AttributeKind::kFloat, false, "(none; above 0)"}};
constexpr std::array kScaleUpdate = {
    AttributeSpec{"backoff", AttributeKind::kFloat, false, "(0.5; above 0, at most 1)"}, kEvery,
    AttributeSpec{"growth", AttributeKind::kFloat, false, "(2; at least 1)"}};
constexpr std::array kStreak = {kEvery};

/// An operand that is no scalar of its element type; `names` and `elements` have one entry each.
std::optional<OpError> find_bad_scalar(Types inputs, std::span<const std::string_view> names,
                                       std::span<const ElementType> elements) {
  for (size_t i = 0; i < names.size(); ++i) {
    const TensorType wanted{elements[i], {}};
    if (inputs[i] == wanted) continue;
    return OpError{"needs " + to_string(wanted) + " as its " + std::string(names[i]) + "; got " +
                       to_string(inputs[i]),
                   i};
  }
  return std::nullopt;
}

TypeResult type_of_unscale_factor(Types inputs, const Attributes& attributes) {
  constexpr std::array<std::string_view, 2> kNames = {"norm", "scale"};
  constexpr std::array kElements = {ElementType::kF32, ElementType::kF32};
  if (auto error = find_bad_scalar(inputs, kNames, kElements)) {
    return tl::unexpected(*std::move(error));
  }
  const double max_norm = attributes.number("max_norm", 1);
  if (max_norm > 0) return inputs[0];
  return refuse_attribute("max_norm", "needs a max_norm above 0; got " + format_number(max_norm));
}

TypeResult type_of_loss_scale_update(Types inputs, const Attributes& attributes) {
  constexpr std::array<std::string_view, 3> kNames = {"scale", "streak", "factor"};
  constexpr std::array kElements = {ElementType::kF32, ElementType::kI32, ElementType::kF32};
  if (auto error = find_bad_scalar(inputs, kNames, kElements)) {
    return tl::unexpected(*std::move(error));
  }
  if (auto error = find_outside(attributes, "every", 1)) return tl::unexpected(*std::move(error));
  if (auto error = find_outside(attributes, "growth", 1)) return tl::unexpected(*std::move(error));
  const double backoff = attributes.number("backoff", 0.5);
  if (backoff > 0 && backoff <= 1) return inputs[0];
  return refuse_attribute("backoff",
                          "needs a backoff above 0 and at most 1; got " + format_number(backoff));
}

std::optional<OpError> find_bad_count(Types inputs, std::string_view what) {
  const std::array names = {what, std::string_view("factor")};
  constexpr std::array kElements = {ElementType::kI32, ElementType::kF32};
  return find_bad_scalar(inputs, names, kElements);
}

TypeResult type_of_streak_update(Types inputs, const Attributes& attributes) {
  if (auto error = find_bad_count(inputs, "streak")) return tl::unexpected(*std::move(error));
  if (auto error = find_outside(attributes, "every", 1)) return tl::unexpected(*std::move(error));
  return inputs[0];
}

TypeResult type_of_count_step(Types inputs, const Attributes&) {
  if (auto error = find_bad_count(inputs, "step")) return tl::unexpected(*std::move(error));
  return inputs[0];
}

}  // namespace

OpInfo op_unscale_factor() {
  return {.name = "unscale_factor",
          .operands = "norm f32[], of gradients of a scaled loss; scale f32[], of the loss",
          .result =
              "f32[], what such a gradient is multiplied with: 1 / scale; with `max_norm`, "
              "such that its norm is at most that; NaN if the norm is not finite, or the "
              "scale not above 0",
          .min_inputs = 2,
          .max_inputs = 2,
          .attributes = kUnscale,
          .type_rule = type_of_unscale_factor,
          .in_place = InPlace::kAnyOperand};
}

OpInfo op_loss_scale_update() {
  return {.name = "loss_scale_update",
          .operands = "scale f32[]; streak i32[]; factor f32[], NaN in a step that is skipped",
          .result =
              "f32[], the scale of the next step: `growth` · scale after `every` steps in a "
              "row, `backoff` · scale after a skipped one, -scale after the 20th in a row; "
              "one below 0 stays",
          .min_inputs = 3,
          .max_inputs = 3,
          .attributes = kScaleUpdate,
          .type_rule = type_of_loss_scale_update,
          .in_place = InPlace::kAnyOperand};
}

OpInfo op_streak_update() {
  return {.name = "streak_update",
          .operands = "streak i32[]; factor f32[], NaN in a step that is skipped",
          .result =
              "i32[], how many steps in a row were not skipped, from 0 again after `every`; "
              "or minus how many were",
          .min_inputs = 2,
          .max_inputs = 2,
          .attributes = kStreak,
          .type_rule = type_of_streak_update,
          .in_place = InPlace::kAnyOperand};
}

OpInfo op_count_step() {
  return {.name = "count_step",
          .operands = "step i32[]; factor f32[], NaN in a step that is skipped",
          .result = "i32[], step + 1; in a step that is skipped, step",
          .min_inputs = 2,
          .max_inputs = 2,
          .type_rule = type_of_count_step,
          .in_place = InPlace::kAnyOperand};
}

}  // namespace graphrt

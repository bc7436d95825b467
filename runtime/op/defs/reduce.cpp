// Reductions.
#include "runtime/op/defs/defs.h"

#include <algorithm>

#include "runtime/op/row_rules.h"
#include "runtime/op/scratch_rules.h"
#include "runtime/op/type_rules.h"

namespace graphrt {
namespace {

constexpr std::array kReduction = {
    AttributeSpec{"axes", AttributeKind::kIntList, false, "(all)"},
    AttributeSpec{"keepdims", AttributeKind::kBool, false, "(false)"}};
constexpr std::array kFloatReduction = {
    kReduction[0], kReduction[1],
    AttributeSpec{"to", AttributeKind::kText, false,
                  "(that of x): the type of elements, of floats"}};
constexpr std::array kArgmaxAxis = {AttributeSpec{"axis", AttributeKind::kInt, false, "(-1)"}};

/// Checks attribute `axes`: present means not empty, every axis exists, none is named twice.
std::optional<OpError> find_bad_axis(const TensorType& input, const Attributes& attributes) {
  if (attributes.find("axes") == nullptr) return std::nullopt;
  const std::vector<int64_t> axes = attributes.list("axes");
  if (axes.empty()) {
    return OpError{
        "got an empty list of axes; leave 'axes' out to reduce over all of them", {}, "axes"};
  }
  std::vector<bool> is_named(input.shape.size(), false);
  for (const int64_t axis : axes) {
    if (!is_axis(axis, input)) return OpError{no_axis_message(axis, input), 0, "axes"};
    if (is_named[from_front(axis, input)]) {
      return OpError{"got axis " + std::to_string(axis) + " of " + to_string(input) +
                         " twice in axes " + to_string(axes),
                     {},
                     "axes"};
    }
    is_named[from_front(axis, input)] = true;
  }
  return std::nullopt;
}

TypeResult type_of_reduction(const TensorType& input, const Attributes& attributes) {
  if (auto error = find_bad_axis(input, attributes)) return tl::unexpected(*std::move(error));
  const bool keepdims = attributes.flag("keepdims");
  const std::vector<int64_t> axes = normalized_axes(attributes.list("axes"), input.rank());
  TensorType result{input.element, {}};
  for (int64_t axis = 0; axis < input.rank(); ++axis) {
    const bool is_reduced = std::binary_search(axes.begin(), axes.end(), axis);
    if (!is_reduced) result.shape.push_back(input.shape[static_cast<size_t>(axis)]);
    if (is_reduced && keepdims) result.shape.push_back(1);
  }
  return result;
}

std::optional<OpError> find_not_reduced(const TensorType& input) {
  if (is_float(input.element) || input.element == ElementType::kI32) return std::nullopt;
  return OpError{"works on floats and i32; got " + to_string(input) + "; cast it to i32", 0};
}

TypeResult type_of_max(Types inputs, const Attributes& attributes) {
  if (auto error = find_not_reduced(inputs[0])) return tl::unexpected(*std::move(error));
  return type_of_reduction(inputs[0], attributes);
}

TypeResult type_of_mean(Types inputs, const Attributes& attributes) {
  if (auto error = find_non_float(inputs)) return tl::unexpected(*std::move(error));
  TypeResult result = type_of_reduction(inputs[0], attributes);
  if (!result) return result;
  return as_asked(*std::move(result), attributes);
}

TypeResult type_of_sum(Types inputs, const Attributes& attributes) {
  if (is_float(inputs[0].element)) return type_of_mean(inputs, attributes);
  TypeResult result = type_of_max(inputs, attributes);
  if (!result || attributes.find("to") == nullptr) return result;
  return refuse_attribute("to",
                          "takes `to` with floats only; got " + to_string(inputs[0]) +
                              "; leave it out and cast the sum",
                          0);
}

TypeResult type_of_argmax(Types inputs, const Attributes& attributes) {
  if (auto error = find_not_reduced(inputs[0])) return tl::unexpected(*std::move(error));
  const auto axis = axis_of(inputs[0], attributes, -1);
  if (!axis) return tl::unexpected(axis.error());
  if (inputs[0].shape[*axis] > INT32_MAX) {
    return refuse(
        "cannot index an axis longer than 2147483647 with i32; got " + to_string(inputs[0]), 0);
  }
  TensorType result{ElementType::kI32, inputs[0].shape};
  result.shape.erase(result.shape.begin() + static_cast<std::ptrdiff_t>(*axis));
  return result;
}

TypeResult type_of_sum_of_squares(Types inputs, const Attributes&) {
  if (auto error = find_non_float(inputs)) return tl::unexpected(*std::move(error));
  return TensorType{ElementType::kF32, {}};
}

/// Over `axes`, by default all: row by row unless the first is one of them.
std::vector<RowUse> rows_of_reduction(std::span<const TensorType> inputs, const TensorType&,
                                      const Attributes& attributes) {
  const auto reduced = normalized_axes(attributes.list("axes"), inputs[0].rank());
  if (reduced.empty() || reduced.front() == 0) return {};
  return {RowUse::kSame};
}

bool reduces_rows(Types inputs, const Attributes& attributes) {
  const auto axes = normalized_axes(attributes.list("axes"), inputs[0].rank());
  return !axes.empty() && axes.front() == 0;
}

RowTotal total_of_sum(Types inputs, const TensorType&, const Attributes& attributes) {
  return reduces_rows(inputs, attributes) ? RowTotal::kSum : RowTotal::kNone;
}

RowTotal total_of_mean(Types inputs, const TensorType&, const Attributes& attributes) {
  return reduces_rows(inputs, attributes) ? RowTotal::kMean : RowTotal::kNone;
}

RowTotal total_of_squares(Types, const TensorType&, const Attributes&) { return RowTotal::kSum; }

OpInfo reduction_op(std::string_view name, TypeRule type_rule, RowTotalRule row_total_rule) {
  return {.name = name,
          .operands = "x: float or i32",
          .result = "reduced over `axes`",
          .attributes = kReduction,
          .type_rule = type_rule,
          .scratch_rule = scratch_of_totals,
          .row_rule = rows_of_reduction,
          .row_total_rule = row_total_rule};
}

}  // namespace

OpInfo op_max() { return reduction_op("max", type_of_max, nullptr); }

OpInfo op_sum() {
  OpInfo op = reduction_op("sum", type_of_sum, total_of_sum);
  op.stays_f32 = true;
  op.attributes = kFloatReduction;
  return op;
}

OpInfo op_mean() {
  OpInfo op = reduction_op("mean", type_of_mean, total_of_mean);
  op.stays_f32 = true;
  op.operands = "x: float";
  op.attributes = kFloatReduction;
  return op;
}

OpInfo op_argmax() {
  return {.name = "argmax",
          .operands = "x: float or i32",
          .result = "i32; the lowest index of the largest element",
          .attributes = kArgmaxAxis,
          .type_rule = type_of_argmax,
          .row_rule = rows_of_axis};
}

OpInfo op_norm() {
  return {.name = "norm",
          .operands = "x: float",
          .result =
              "f32[], the square root of the sum of squares: also where f32 does not hold that "
              "sum",
          .type_rule = type_of_sum_of_squares,
          .scratch_rule = scratch_of_blocks};
}

OpInfo op_sum_of_squares() {
  return {.name = "sum_of_squares",
          .operands = "x: float",
          .result = "f32[]",
          .type_rule = type_of_sum_of_squares,
          .scratch_rule = scratch_of_blocks,
          .row_total_rule = total_of_squares};
}

}  // namespace graphrt

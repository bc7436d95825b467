#include "runtime/op/type_rules.h"

#include <algorithm>
#include <cmath>

#include "runtime/base/text.h"

namespace graphrt {
namespace {

constexpr auto kAnd = " and ";

OpError of_other_shape(Types pair) {
  return {
      "needs two operands of the same shape; got " + to_string(pair[0]) + kAnd + to_string(pair[1]),
      1};
}

}  // namespace

tl::unexpected<OpError> refuse(std::string message, std::optional<size_t> input) {
  return tl::unexpected(OpError{std::move(message), input});
}

tl::unexpected<OpError> refuse_attribute(std::string_view attribute, std::string message,
                                         std::optional<size_t> input) {
  return tl::unexpected(OpError{std::move(message), input, attribute});
}

std::optional<OpError> find_non_f32(Types inputs) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].element == ElementType::kF32) continue;
    return OpError{"works on f32 only; got " + to_string(inputs[i]) + "; cast it to f32", i};
  }
  return std::nullopt;
}

std::optional<OpError> find_non_float(Types inputs) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (auto error = find_non_float_at(inputs, i)) return error;
    if (inputs[i].element == inputs[0].element) continue;
    return OpError{"needs operands of the same element type; got " + to_string(inputs[0]) + kAnd +
                       to_string(inputs[i]) + "; cast one of them",
                   i};
  }
  return std::nullopt;
}

std::optional<OpError> find_non_float_at(Types inputs, size_t i) {
  if (is_float(inputs[i].element)) return std::nullopt;
  return OpError{"works on floats only; got " + to_string(inputs[i]) + "; cast it to f32", i};
}

std::optional<OpError> find_non_index_at(Types inputs, size_t i, std::string_view what) {
  const ElementType element = inputs[i].element;
  if (element == ElementType::kI32 || element == ElementType::kI64) return std::nullopt;
  return OpError{"needs " + std::string(what) + " of i32 or i64; got " + to_string(inputs[i]) +
                     "; cast it to i32",
                 i};
}

std::optional<Shape> broadcast_shape(const Shape& a, const Shape& b) {
  const size_t rank = std::max(a.size(), b.size());
  Shape result(rank, 1);
  for (size_t from_end = 1; from_end <= rank; ++from_end) {
    const int64_t in_a = from_end <= a.size() ? a[a.size() - from_end] : 1;
    const int64_t in_b = from_end <= b.size() ? b[b.size() - from_end] : 1;
    if (in_a != in_b && in_a != 1 && in_b != 1) return std::nullopt;
    result[rank - from_end] = in_a == 1 ? in_b : in_a;
  }
  return result;
}

OpError misfit(const std::string& needs, Types inputs, std::optional<size_t> input) {
  std::string message = "needs " + needs + "; got ";
  for (size_t i = 0; i < inputs.size(); ++i) {
    const char* separator = i == 0 ? "" : i + 1 == inputs.size() ? kAnd : ", ";
    message += separator + to_string(inputs[i]);
  }
  return {std::move(message), input};
}

std::optional<OpError> find_outside(const Attributes& attributes, std::string_view name, double low,
                                    double high) {
  const double written = attributes.number(name, low);
  const AttributeValue* value = attributes.find(name);
  const bool is_rounded = value != nullptr && kind_of(*value) == AttributeKind::kFloat;
  const double number = is_rounded ? static_cast<double>(static_cast<float>(written)) : written;
  if (number >= low && number < high) return std::nullopt;
  const std::string upper = std::isinf(high) ? "" : " < " + format_number(high);
  const bool rounding_is_to_blame = written >= low && written < high;
  // Not every integer is a double: 2^63 - 1 would be shown as 2^63.
  const bool is_integer = value != nullptr && kind_of(*value) == AttributeKind::kInt;
  return OpError{
      "needs " + format_number(low) + " <= " + std::string(name) + upper + "; got " +
          (is_integer ? to_string(*value) : format_number(written)) +
          (rounding_is_to_blame ? ", which is " + format_number(number) + " as f32" : ""),
      {},
      name};
}

TypeResult type_of_broadcast_pair(Types inputs) {
  if (inputs[0].element != inputs[1].element) {
    return refuse("needs two operands of the same element type; got " + to_string(inputs[0]) +
                      kAnd + to_string(inputs[1]) + "; cast one of them",
                  1);
  }
  std::optional<Shape> shape = broadcast_shape(inputs[0].shape, inputs[1].shape);
  if (!shape) {
    return refuse("cannot broadcast " + to_string(inputs[0]) + kAnd + to_string(inputs[1]) +
                      ": from the last dimension on, sizes must be equal or 1",
                  1);
  }
  return TensorType{inputs[0].element, *std::move(shape)};
}

TypeResult as_asked(TensorType type, const Attributes& attributes) {
  if (attributes.find("to") == nullptr) return type;
  const std::string_view to = attributes.text("to", "");
  for (const ElementType element : kElementTypes) {
    if (!is_float(element) || to_string(element) != to) continue;
    type.element = element;
    return type;
  }
  return refuse_attribute("to", "gives f32, bf16 or f16; got `to` " + std::string(to));
}

TypeResult type_of_float_pair(Types inputs, const Attributes&) {
  if (auto error = find_non_float(inputs)) return tl::unexpected(*std::move(error));
  if (inputs[0].shape == inputs[1].shape) return inputs[0];
  return tl::unexpected(of_other_shape(inputs));
}

TypeResult type_of_update(Types inputs) {
  if (auto error = find_non_f32(inputs.first(1))) return tl::unexpected(*std::move(error));
  if (auto error = find_non_float_at(inputs, 1)) return tl::unexpected(*std::move(error));
  if (inputs[0].shape == inputs[1].shape) return inputs[0];
  return tl::unexpected(of_other_shape(inputs));
}

bool is_axis(int64_t axis, const TensorType& input) {
  return axis >= -input.rank() && axis < input.rank();
}

size_t from_front(int64_t axis, const TensorType& input) {
  return static_cast<size_t>(axis < 0 ? axis + input.rank() : axis);
}

std::string no_axis_message(int64_t axis, const TensorType& input) {
  const std::string rank = std::to_string(input.rank());
  const std::string last = std::to_string(input.rank() - 1);
  const std::string range = input.rank() == 0 ? "; a scalar has no axes"
                                              : "; its axes are 0 to " + last + ", or -" + rank +
                                                    " to -1 counted from the end";
  return "has no axis " + std::to_string(axis) + " in " + to_string(input) + range;
}

tl::expected<size_t, OpError> axis_of(const TensorType& input, const Attributes& attributes,
                                      int64_t otherwise) {
  const int64_t axis = attributes.integer("axis", otherwise);
  if (!is_axis(axis, input)) return refuse_attribute("axis", no_axis_message(axis, input), 0);
  return from_front(axis, input);
}

}  // namespace graphrt

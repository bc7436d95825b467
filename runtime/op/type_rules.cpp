#include "runtime/op/type_rules.h"

#include <algorithm>
#include <cmath>

#include "runtime/base/text.h"
#include "runtime/op/chain.h"
#include "runtime/op/product_math.h"

namespace graphrt {
namespace {

constexpr auto kAnd = " and ";

bool same_batch_dimensions(const Shape& a, const Shape& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end() - 2, b.begin());
}

std::string matmul_pattern(const char* name, const char* rows, const char* columns,
                           const char* leading) {
  return std::string(name) + "[" + leading + rows + ", " + columns + "]";
}

/// Says which shapes would have fitted, with the transposes that were asked for.
std::string matmul_message(Types inputs, const Attributes& attributes) {
  const bool is_batched = inputs[0].rank() > 2 || inputs[1].rank() > 2;
  const char* leading = is_batched ? "..., " : "";
  const std::string a = attributes.flag("transpose_a") ? matmul_pattern("a", "K", "M", leading)
                                                       : matmul_pattern("a", "M", "K", leading);
  const std::string b = attributes.flag("transpose_b") ? matmul_pattern("b", "N", "K", leading)
                                                       : matmul_pattern("b", "K", "N", leading);
  return "needs " + a + kAnd + b +
         (is_batched ? " with the same leading dimensions; got " : "; got ") +
         to_string(inputs[0]) + kAnd + to_string(inputs[1]);
}

/// Requires: both operands are f32.
TypeResult type_of_product(Types inputs, const Attributes& attributes) {
  const std::string_view math = attributes.text("math", "f32");
  if (!parse_product_math(math)) {
    return refuse_attribute("math",
                            "needs `math` to be f32, tf32 or bf16; got " + std::string(math));
  }
  const Shape& a = inputs[0].shape;
  const Shape& b = inputs[1].shape;
  if (a.size() < 2) return refuse(matmul_message(inputs, attributes), 0);
  if (b.size() < 2 || !same_batch_dimensions(a, b)) {
    return refuse(matmul_message(inputs, attributes), 1);
  }
  const bool transpose_a = attributes.flag("transpose_a");
  const bool transpose_b = attributes.flag("transpose_b");
  const int64_t m = a[a.size() - (transpose_a ? 1 : 2)];
  const int64_t k_of_a = a[a.size() - (transpose_a ? 2 : 1)];
  const int64_t k_of_b = b[b.size() - (transpose_b ? 1 : 2)];
  const int64_t n = b[b.size() - (transpose_b ? 2 : 1)];
  if (k_of_a != k_of_b) return refuse(matmul_message(inputs, attributes), 1);
  Shape result(a.begin(), a.end() - 2);
  result.push_back(m);
  result.push_back(n);
  return TensorType{ElementType::kF32, std::move(result)};
}

/// That a chain uses another number of inputs than there are, or leaves one out.
std::optional<OpError> find_unused(const Chain& chain, size_t num_inputs) {
  const std::vector<size_t> used = inputs_of(chain);
  const size_t largest = *std::max_element(used.begin(), used.end());
  if (largest >= num_inputs) {
    const std::string last = num_inputs == 1 ? "" : " to x" + std::to_string(num_inputs - 1);
    return OpError{"uses x" + std::to_string(largest) + " in its formula; its inputs are x0" + last,
                   {},
                   "formula"};
  }
  for (size_t i = 0; i < num_inputs; ++i) {
    if (std::find(used.begin(), used.end(), i) != used.end()) continue;
    return OpError{"does not use x" + std::to_string(i) + " in its formula", i, "formula"};
  }
  return std::nullopt;
}

bool ends_with(const Shape& shape, const Shape& end) {
  return end.size() <= shape.size() && std::equal(end.rbegin(), end.rend(), shape.rbegin());
}

/// Of the operands of the innermost call, the one with more dimensions.
const TensorType& type_of_start(Types inputs, const Chain& chain) {
  const TensorType& start = inputs[chain.start];
  const std::optional<size_t>& beside = chain.steps.front().input;
  return beside && inputs[*beside].rank() > start.rank() ? inputs[*beside] : start;
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
    return OpError{"works on f32 only; got " + to_string(inputs[i]), i};
  }
  return std::nullopt;
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

TypeResult type_of_f32_map(Types inputs, const Attributes&) {
  if (auto error = find_non_f32(inputs)) return tl::unexpected(*std::move(error));
  return inputs[0];
}

TypeResult type_of_copy(Types inputs, const Attributes&) { return inputs[0]; }

TypeResult type_of_arithmetic(Types inputs, const Attributes&) {
  if (inputs[0].element != inputs[1].element) {
    return refuse("needs two operands of the same element type; got " + to_string(inputs[0]) +
                      kAnd + to_string(inputs[1]),
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

TypeResult type_of_comparison(Types inputs, const Attributes& attributes) {
  TypeResult result = type_of_arithmetic(inputs, attributes);
  if (result) result->element = ElementType::kF32;
  return result;
}

TypeResult type_of_division(Types inputs, const Attributes& attributes) {
  if (auto error = find_non_f32(inputs)) return tl::unexpected(*std::move(error));
  return type_of_arithmetic(inputs, attributes);
}

TypeResult type_of_f32_pair(Types inputs, const Attributes&) {
  if (auto error = find_non_f32(inputs)) return tl::unexpected(*std::move(error));
  if (inputs[0] == inputs[1]) return inputs[0];
  return refuse("needs two operands of the same shape; got " + to_string(inputs[0]) + kAnd +
                    to_string(inputs[1]),
                1);
}

TypeResult type_of_elementwise(Types inputs, const Attributes& attributes) {
  if (auto error = find_non_f32(inputs)) return tl::unexpected(*std::move(error));
  const Result<Chain> chain = parse_chain(attributes.text("formula", ""));
  if (!chain) return refuse_attribute("formula", chain.error().message);
  if (auto error = find_unused(*chain, inputs.size())) return tl::unexpected(*std::move(error));
  const TensorType& result = type_of_start(inputs, *chain);
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (ends_with(result.shape, inputs[i].shape)) continue;
    return refuse("starts with " + to_string(result) + " and needs that shape, or the end of it, " +
                      "of every operand; got " + to_string(inputs[i]),
                  i);
  }
  return result;
}

TypeResult type_of_matmul(Types inputs, const Attributes& attributes) {
  if (auto error = find_non_f32(inputs)) return tl::unexpected(*std::move(error));
  TypeResult result = type_of_product(inputs, attributes);
  if (!result || inputs.size() < 3) return result;
  const TensorType wanted{ElementType::kF32, {result->shape.back()}};
  if (inputs[2] == wanted) return result;
  return refuse("gives " + to_string(*result) + " and needs " + to_string(wanted) +
                    " as its bias; got " + to_string(inputs[2]),
                2);
}

TypeResult type_of_matmul_update(Types inputs, const Attributes& attributes) {
  if (auto error = find_non_f32(inputs)) return tl::unexpected(*std::move(error));
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].rank() == 2) continue;
    return refuse("needs w, a and b of 2 dimensions; got " + to_string(inputs[i]), i);
  }
  TypeResult product = type_of_product(inputs.subspan(1), attributes);
  if (!product) {
    if (product.error().input) ++*product.error().input;
    return product;
  }
  if (inputs[0] == *product) return product;
  return refuse(
      "needs w of the product's type " + to_string(*product) + "; got " + to_string(inputs[0]), 0);
}

TypeResult type_of_softmax(Types inputs, const Attributes& attributes) {
  if (auto error = find_non_f32(inputs)) return tl::unexpected(*std::move(error));
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

TypeResult type_of_softmax_grad(Types inputs, const Attributes& attributes) {
  TypeResult pair = type_of_f32_pair(inputs, attributes);
  if (!pair) return pair;
  const auto axis = axis_of(inputs[0], attributes, -1);
  if (!axis) return tl::unexpected(axis.error());
  return pair;
}

}  // namespace graphrt

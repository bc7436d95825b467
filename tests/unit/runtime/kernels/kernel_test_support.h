#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/kernels/cpu/cpu_kernels.h"
#include "runtime/kernels/reference/reference_kernels.h"
#include "runtime/op/op_table.h"

namespace graphrt {

using List = std::vector<int64_t>;

inline Attributes with(std::vector<Attribute> items) {
  Attributes attributes;
  for (Attribute& item : items) attributes.set(std::move(item.name), std::move(item.value));
  return attributes;
}

inline std::vector<TensorType> types_of(const std::vector<Tensor>& tensors) {
  std::vector<TensorType> types;
  for (const Tensor& tensor : tensors) types.push_back(tensor.type);
  return types;
}

inline TensorType result_type(std::string_view op, const std::vector<Tensor>& inputs,
                              const Attributes& attributes) {
  const auto type = infer_type(*find_op(op), types_of(inputs), attributes);
  EXPECT_TRUE(type) << type.error().message;
  return *type;
}

inline Tensor run_cpu(std::string_view op, const std::vector<Tensor>& inputs,
                      const Attributes& attributes) {
  Tensor output = zeros(result_type(op, inputs, attributes));
  const auto kernel = prepare_cpu_kernel(op, types_of(inputs), output.type, attributes);
  EXPECT_TRUE(kernel) << kernel.error().message;
  std::vector<const std::byte*> operands;
  for (const Tensor& input : inputs) operands.push_back(input.data.data());
  (*kernel)->run(operands, output.data.data());
  return output;
}

inline Tensor run_reference(std::string_view op, const std::vector<Tensor>& inputs,
                            const Attributes& attributes) {
  std::vector<const Tensor*> operands;
  for (const Tensor& input : inputs) operands.push_back(&input);
  return evaluate_reference(op, operands, attributes, result_type(op, inputs, attributes));
}

/// Whether two floats agree within `tolerance`, relative above 1; NaN agrees with NaN.
inline bool agree(float a, float b, double tolerance) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  if (a == b) return true;
  const double scale = std::max(1.0, std::abs(static_cast<double>(b)));
  return std::abs(static_cast<double>(a) - static_cast<double>(b)) <= tolerance * scale;
}

/// How far neighbours of type T are apart, relative: what is rounded from two near numbers may be
/// either.
template <class T>
constexpr double rounding_of() {
  if constexpr (std::is_same_v<T, BFloat16>) return 0x1p-7;
  if constexpr (std::is_same_v<T, Float16>) return 0x1p-10;
  return 0;
}

/// Equal types, equal integers, floats that agree; names the first element that differs.
inline testing::AssertionResult same(const Tensor& found, const Tensor& wanted, double tolerance) {
  if (found.type != wanted.type) {
    return testing::AssertionFailure() << to_string(found.type) << " != " << to_string(wanted.type);
  }
  if (!is_float(found.type.element)) {
    return found.data == wanted.data ? testing::AssertionSuccess()
                                     : testing::AssertionFailure() << "integers differ";
  }
  return with_float_type(found.type.element, [&](auto tag) -> testing::AssertionResult {
    using T = typename decltype(tag)::Type;
    for (size_t i = 0; i < found.as<T>().size(); ++i) {
      const auto a = static_cast<float>(found.as<T>()[i]);
      const auto b = static_cast<float>(wanted.as<T>()[i]);
      if (agree(a, b, tolerance + rounding_of<T>())) continue;
      return testing::AssertionFailure() << "element " << i << ": " << a << " != " << b;
    }
    return testing::AssertionSuccess();
  });
}

}  // namespace graphrt

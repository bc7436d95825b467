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

/// Equal types, equal integers, floats that agree; names the first element that differs.
inline testing::AssertionResult same(const Tensor& found, const Tensor& wanted, double tolerance) {
  if (found.type != wanted.type) {
    return testing::AssertionFailure() << to_string(found.type) << " != " << to_string(wanted.type);
  }
  if (found.type.element == ElementType::kI32) {
    return found.data == wanted.data ? testing::AssertionSuccess()
                                     : testing::AssertionFailure() << "integers differ";
  }
  for (size_t i = 0; i < found.as<float>().size(); ++i) {
    const float a = found.as<float>()[i];
    const float b = wanted.as<float>()[i];
    if (agree(a, b, tolerance)) continue;
    return testing::AssertionFailure() << "element " << i << ": " << a << " != " << b;
  }
  return testing::AssertionSuccess();
}

}  // namespace graphrt

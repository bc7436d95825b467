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

inline std::vector<TensorType> result_types(std::string_view op, const std::vector<Tensor>& inputs,
                                            const Attributes& attributes) {
  const auto types = infer_types(*find_op(op), types_of(inputs), attributes);
  EXPECT_TRUE(types) << types.error().message;
  return *types;
}

/// A kernel of the CPU with its operands, its results, and as much scratch memory as its operator
/// needs. The operands outlive it.
class KernelCall {
 public:
  KernelCall(std::string_view op, const std::vector<Tensor>& inputs, const Attributes& attributes) {
    constexpr bool kIsOnHost = true;
    const std::vector<TensorType> operands = types_of(inputs);
    const std::vector<TensorType> types = result_types(op, inputs, attributes);
    auto kernel = prepare_cpu_kernel(op, operands, types, attributes);
    CHECK(kernel.has_value(), kernel.error().message);
    kernel_ = *std::move(kernel);
    for (const Tensor& input : inputs) addresses_.push_back(input.data.data());
    for (const TensorType& type : types) results_.push_back(zeros(type));
    for (Tensor& result : results_) result_addresses_.push_back(result.data.data());
    scratch_.resize(
        static_cast<size_t>(scratch_bytes(*find_op(op), kIsOnHost, operands, types, attributes)));
  }

  /// Result number `number` goes there.
  void write_to(std::byte* result, size_t number = 0) { result_addresses_[number] = result; }

  void run() { kernel_->run({addresses_, result_addresses_, scratch_.data()}); }

  std::vector<Tensor>& results() { return results_; }

 private:
  std::unique_ptr<const PreparedKernel> kernel_;
  std::vector<const std::byte*> addresses_;
  std::vector<Tensor> results_;
  std::vector<std::byte*> result_addresses_;
  std::vector<std::byte> scratch_;
};

/// All results.
inline std::vector<Tensor> run_cpu_for_all(std::string_view op, const std::vector<Tensor>& inputs,
                                           const Attributes& attributes) {
  KernelCall call(op, inputs, attributes);
  call.run();
  return std::move(call.results());
}

inline Tensor run_cpu(std::string_view op, const std::vector<Tensor>& inputs,
                      const Attributes& attributes) {
  return std::move(run_cpu_for_all(op, inputs, attributes).front());
}

/// All results.
inline std::vector<Tensor> run_reference_for_all(std::string_view op,
                                                 const std::vector<Tensor>& inputs,
                                                 const Attributes& attributes) {
  std::vector<const Tensor*> operands;
  for (const Tensor& input : inputs) operands.push_back(&input);
  return evaluate_reference(op, operands, attributes, result_types(op, inputs, attributes));
}

inline Tensor run_reference(std::string_view op, const std::vector<Tensor>& inputs,
                            const Attributes& attributes) {
  return std::move(run_reference_for_all(op, inputs, attributes).front());
}

/// Whether two floats agree within `tolerance`, relative above 1, and `rounding`, relative; NaN
/// agrees with NaN.
inline bool agree(float a, float b, double tolerance, double rounding = 0) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  if (a == b) return true;
  const double size = std::abs(static_cast<double>(b));
  const double most = tolerance * std::max(1.0, size) + rounding * size;
  return std::abs(static_cast<double>(a) - static_cast<double>(b)) <= most;
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
      if (agree(a, b, tolerance, rounding_of<T>())) continue;
      return testing::AssertionFailure() << "element " << i << ": " << a << " != " << b;
    }
    return testing::AssertionSuccess();
  });
}

}  // namespace graphrt

#pragma once

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/gpu/kernel_runner.h"
#include "tests/unit/runtime/kernels/training_cases.h"

namespace graphrt {

inline constexpr uint32_t kSeed = 20241105;
inline constexpr int kCasesPerOperator = 40;
inline constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
inline constexpr float kInfinity = std::numeric_limits<float>::infinity();

inline Tensor reference_of(const KernelCase& tested) {
  return run_reference(tested.op, tested.inputs, tested.attributes);
}

template <class T>
float largest_magnitude(const Tensor& tensor) {
  float largest = 0;
  for (const T element : tensor.as<T>()) {
    const auto x = static_cast<float>(element);
    if (std::isfinite(x)) largest = std::max(largest, std::abs(x));
  }
  return largest;
}

/// How far apart neighbours are where a type ends at 0.
template <class T>
inline constexpr float kSmallestStep = std::is_same_v<T, Float16> ? 0x1p-24F : 0;

/// Whether `found` is within 1e-5 of the element, or 1e-6 of the largest element: where terms
/// cancel out, what is left has fewer digits. Elements of 16 bits may be neighbours. Where `rounds_within`,
/// what is added up is rounded to them before.
template <class T>
testing::AssertionResult close_floats(const Tensor& found, const Tensor& wanted,
                                      bool rounds_within) {
  const float share = rounds_within ? static_cast<float>(2 * rounding_of<T>()) : 0;
  const float slack = (1e-6F + share) * largest_magnitude<T>(wanted) + kSmallestStep<T>;
  constexpr auto kTolerance = static_cast<float>(1e-5 + rounding_of<T>());
  for (size_t i = 0; i < wanted.as<T>().size(); ++i) {
    const auto a = static_cast<float>(found.as<T>()[i]);
    const auto b = static_cast<float>(wanted.as<T>()[i]);
    if (a == b || (std::isnan(a) && std::isnan(b))) continue;
    const bool both_finite = std::isfinite(a) && std::isfinite(b);
    if (both_finite && std::abs(a - b) <= slack + kTolerance * std::abs(b)) continue;
    return testing::AssertionFailure() << "element " << i << ": " << a << " != " << b;
  }
  return testing::AssertionSuccess();
}

inline testing::AssertionResult close(const Tensor& found, const Tensor& wanted,
                                      bool rounds_within = false) {
  if (!is_float(wanted.type.element) || found.type != wanted.type) return same(found, wanted, 0);
  return with_float_type(wanted.type.element, [&](auto tag) {
    return close_floats<typename decltype(tag)::Type>(found, wanted, rounds_within);
  });
}

/// With the f32 operands of the case in such floats.
inline KernelCase of_floats(ElementType element, KernelCase tested) {
  for (Tensor& input : tested.inputs) {
    if (input.type.element == ElementType::kF32) input = floats_as(input, element);
  }
  return tested;
}

inline constexpr std::array kFloats = {ElementType::kF32, ElementType::kBF16, ElementType::kF16};

inline std::string trace(const KernelCase& tested) {
  return to_string(tested) + ", seed " + std::to_string(kSeed);
}

/// At random, in all types of elements.
inline std::vector<KernelCase> cases_of(std::string_view op) {
  std::vector<KernelCase> cases = random_cases(op, kSeed, kCasesPerOperator);
  for (KernelCase& other : in_other_elements(cases, kSeed)) cases.push_back(std::move(other));
  return cases;
}

class CudaKernels : public GpuTest {
 protected:
  void SetUp() override {
    GpuTest::SetUp();
    if (!IsSkipped() && !HasFatalFailure()) queue_ = std::make_unique<KernelQueue>();
  }

  Tensor run(const KernelCase& tested, const Placement& placement = {}) const {
    return KernelRun(*queue_, tested, placement).result();
  }

  std::unique_ptr<KernelQueue> queue_;
};

}  // namespace graphrt

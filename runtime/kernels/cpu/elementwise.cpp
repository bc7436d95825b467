// Operators that compute every element of the result from the elements of the same index.
#include "runtime/kernels/cpu/elementwise.h"

#include <bit>
#include <cmath>
#include <numbers>

namespace graphrt::cpu {
namespace {

template <class Function>
KernelResult make_arithmetic(const KernelSpec& spec, Function function) {
  if (spec.result.element == ElementType::kI32) {
    // Unsigned, because there going past 32 bits is defined: the result wraps around.
    return make_zip<uint32_t>(spec, function);
  }
  return make_zip<float>(spec, function);
}

}  // namespace

KernelResult prepare_add(const KernelSpec& spec) {
  return make_arithmetic(spec, [](auto a, auto b) { return a + b; });
}

KernelResult prepare_sub(const KernelSpec& spec) {
  return make_arithmetic(spec, [](auto a, auto b) { return a - b; });
}

KernelResult prepare_mul(const KernelSpec& spec) {
  return make_arithmetic(spec, [](auto a, auto b) { return a * b; });
}

KernelResult prepare_div(const KernelSpec& spec) {
  return make_zip<float>(spec, [](float a, float b) { return a / b; });
}

KernelResult prepare_equal(const KernelSpec& spec) {
  if (spec.inputs[0].element == ElementType::kF32) {
    return make_zip<float>(spec, [](float a, float b) { return a == b ? 1.0F : 0.0F; });
  }
  // All three have elements of 32 bits: the result's are those of the floats.
  constexpr auto kOne = std::bit_cast<uint32_t>(1.0F);
  constexpr auto kZero = std::bit_cast<uint32_t>(0.0F);
  return make_zip<uint32_t>(spec, [](uint32_t a, uint32_t b) { return a == b ? kOne : kZero; });
}

KernelResult prepare_relu(const KernelSpec& spec) {
  // A NaN stays: training that went wrong must show.
  return make_map(spec, [](float x) { return x <= 0 ? 0.0F : x; });
}

KernelResult prepare_scale(const KernelSpec& spec) {
  const auto factor = static_cast<float>(spec.attributes.number("factor", 1));
  return make_map(spec, [factor](float x) { return x * factor; });
}

KernelResult prepare_exp(const KernelSpec& spec) {
  return make_map(spec, [](float x) { return std::exp(x); });
}

KernelResult prepare_log(const KernelSpec& spec) {
  return make_map(spec, [](float x) { return std::log(x); });
}

KernelResult prepare_sqrt(const KernelSpec& spec) {
  return make_map(spec, [](float x) { return std::sqrt(x); });
}

KernelResult prepare_tanh(const KernelSpec& spec) {
  return make_map(spec, [](float x) { return std::tanh(x); });
}

KernelResult prepare_sigmoid(const KernelSpec& spec) {
  return make_map(spec, [](float x) { return 1 / (1 + std::exp(-x)); });
}

KernelResult prepare_gelu(const KernelSpec& spec) {
  // erfc keeps the small results of large negative operands; 1 + erf would round them to 0.
  constexpr float kScale = -1 / std::numbers::sqrt2_v<float>;
  return make_map(spec, [](float x) { return 0.5F * x * std::erfc(kScale * x); });
}

}  // namespace graphrt::cpu

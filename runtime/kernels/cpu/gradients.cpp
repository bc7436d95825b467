// Gradients of elementwise operators and of losses by elements.
#include <cmath>
#include <numbers>

#include "runtime/kernels/cpu/elementwise.h"

namespace graphrt::cpu {
namespace {

/// `scale`, by default one over the number of elements.
double gradient_scale(const KernelSpec& spec) {
  return spec.attributes.number("scale", 1 / static_cast<double>(spec.result.num_elements()));
}

}  // namespace

KernelResult prepare_relu_grad(const KernelSpec& spec) {
  return make_zip<float>(spec, [](float gradient, float x) { return x > 0 ? gradient : 0.0F; });
}

KernelResult prepare_tanh_grad(const KernelSpec& spec) {
  return make_zip<float>(spec, [](float gradient, float y) { return gradient * (1 - y * y); });
}

KernelResult prepare_sigmoid_grad(const KernelSpec& spec) {
  return make_zip<float>(spec, [](float gradient, float y) { return gradient * (y * (1 - y)); });
}

KernelResult prepare_gelu_grad(const KernelSpec& spec) {
  // With the probability that a normal number is below x, and its density at x.
  constexpr float kScale = -1 / std::numbers::sqrt2_v<float>;
  constexpr float kDensityAt0 = std::numbers::inv_sqrtpi_v<float> / std::numbers::sqrt2_v<float>;
  return make_zip<float>(spec, [](float gradient, float x) {
    const float probability = 0.5F * std::erfc(kScale * x);
    return gradient * (probability + x * kDensityAt0 * std::exp(-0.5F * x * x));
  });
}

KernelResult prepare_mse_grad(const KernelSpec& spec) {
  const auto factor = static_cast<float>(2 * gradient_scale(spec));
  return make_zip<float>(
      spec, [factor](float prediction, float target) { return factor * (prediction - target); });
}

KernelResult prepare_binary_cross_entropy_grad(const KernelSpec& spec) {
  const auto scale = static_cast<float>(gradient_scale(spec));
  return make_zip<float>(spec, [scale](float logit, float target) {
    return scale * (1 / (1 + std::exp(-logit)) - target);
  });
}

}  // namespace graphrt::cpu

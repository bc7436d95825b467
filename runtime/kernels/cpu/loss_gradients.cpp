// Gradients of losses by elements.
#include <cmath>

#include "runtime/kernels/cpu/elementwise.h"

namespace graphrt::cpu {
namespace {

/// `scale`, by default one over the number of elements.
double gradient_scale(const KernelSpec& spec) {
  return spec.attributes.number("scale", 1 / static_cast<double>(spec.result().num_elements()));
}

/// gradient(a, b) of floats, whatever they are stored as.
template <class Gradient>
KernelResult make_gradient(const KernelSpec& spec, Gradient gradient) {
  return by_float(spec.result(), [&](auto tag) {
    using T = typename decltype(tag)::Type;
    return make_zip<T>(spec, on_stored<T>(gradient));
  });
}

}  // namespace

KernelResult prepare_mse_grad(const KernelSpec& spec) {
  // In double: neither twice the scale nor the difference has to fit in f32.
  const double factor = 2 * gradient_scale(spec);
  return make_gradient(spec, [factor](double prediction, double target) {
    return static_cast<float>(factor * (prediction - target));
  });
}

KernelResult prepare_binary_cross_entropy_grad(const KernelSpec& spec) {
  const auto scale = static_cast<float>(gradient_scale(spec));
  // s(z) - t for the sigmoid s. Where s(z) is near 1, 1 - s(z) is computed instead: it keeps its
  // digits.
  return make_gradient(spec, [scale](float logit, float target) {
    const float power = std::exp(-std::abs(logit));
    const float rest = power / (1 + power);
    return scale * (logit >= 0 ? 1 - target - rest : rest - target);
  });
}

}  // namespace graphrt::cpu

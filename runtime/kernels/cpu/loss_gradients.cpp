// Gradients of losses by elements.
#include <cmath>

#include "runtime/kernels/cpu/prepare.h"

namespace graphrt::cpu {
namespace {

/// gradient(a, b, scale) of two operands of one shape, stored as T, as the result is. The scale is
/// a number, times the operand behind them if there is one. The result may take the bytes of an
/// operand, as in elementwise.h.
template <class T, class Gradient>
class LossGradientKernel : public PreparedKernel {
 public:
  LossGradientKernel(int64_t num_elements, double scale, Gradient gradient)
      : num_elements_(num_elements), scale_(scale), gradient_(gradient) {}

  void run(const KernelArguments& at) const override {
    const double factor = at.inputs.size() > 2 ? *elements<float>(at.inputs[2]) : 1;
    const double scale = scale_ * factor;
    const auto* a = elements<T>(at.inputs[0]);
    const auto* b = elements<T>(at.inputs[1]);
    auto* y = elements<T>(at.result());
#pragma GCC ivdep
    for (int64_t i = 0; i < num_elements_; ++i) {
      y[i] = T(gradient_(static_cast<float>(a[i]), static_cast<float>(b[i]), scale));
    }
  }

 private:
  int64_t num_elements_;
  double scale_;
  Gradient gradient_;
};

/// Of a mean of floats, whatever they are stored as; `scale` is by default one over their number.
template <class Gradient>
KernelResult make_gradient(const KernelSpec& spec, Gradient gradient) {
  return by_float(spec.result(), [&](auto tag) -> KernelResult {
    using T = typename decltype(tag)::Type;
    const int64_t num_elements = spec.result().num_elements();
    const double scale = spec.attributes.number("scale", 1 / static_cast<double>(num_elements));
    return std::make_unique<LossGradientKernel<T, Gradient>>(num_elements, scale, gradient);
  });
}

}  // namespace

KernelResult prepare_mse_grad(const KernelSpec& spec) {
  // In double: neither twice the scale nor the difference has to fit in f32.
  return make_gradient(spec, [](double prediction, double target, double scale) {
    return static_cast<float>(2 * scale * (prediction - target));
  });
}

KernelResult prepare_binary_cross_entropy_grad(const KernelSpec& spec) {
  // s(z) - t for the sigmoid s. Where s(z) is near 1, 1 - s(z) is computed instead: it keeps its
  // digits.
  return make_gradient(spec, [](float logit, float target, double scale) {
    const float power = std::exp(-std::abs(logit));
    const float rest = power / (1 + power);
    return static_cast<float>(scale) * (logit >= 0 ? 1 - target - rest : rest - target);
  });
}

}  // namespace graphrt::cpu

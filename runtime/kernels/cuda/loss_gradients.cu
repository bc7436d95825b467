// Gradients of losses by elements.
#include "runtime/kernels/cuda/elementwise.cuh"

namespace graphrt::cuda {
namespace {

/// In double: neither twice the scale nor the difference has to fit in f32.
struct MseGrad {
  double factor;
  __device__ float operator()(double prediction, double target) const {
    return static_cast<float>(factor * (prediction - target));
  }
};

/// s(z) - t for the sigmoid s. Where s(z) is near 1, 1 - s(z) is computed instead: it keeps its
/// digits.
struct BinaryCrossEntropyGrad {
  float scale;
  __device__ float operator()(float logit, float target) const {
    const float power = expf(-fabsf(logit));
    const float rest = power / (1 + power);
    return scale * (logit >= 0 ? 1 - target - rest : rest - target);
  }
};

/// `scale`, by default one over the number of elements.
double gradient_scale(const KernelSpec& spec) {
  return spec.attributes.number("scale", 1 / static_cast<double>(spec.result().num_elements()));
}

/// function(prediction, target) of floats, whatever they are stored as.
template <class Function>
KernelResult make_loss_gradient(const KernelSpec& spec, Function function) {
  return with_device_float(spec.result().element, [&](auto tag) {
    using T = typename decltype(tag)::Type;
    return make_zip<T>(spec, OnStored<T, Function>{function});
  });
}

}  // namespace

KernelResult prepare_mse_grad(const KernelSpec& spec) {
  return make_loss_gradient(spec, MseGrad{2 * gradient_scale(spec)});
}

KernelResult prepare_binary_cross_entropy_grad(const KernelSpec& spec) {
  return make_loss_gradient(spec, BinaryCrossEntropyGrad{static_cast<float>(gradient_scale(spec))});
}

}  // namespace graphrt::cuda

// Gradients of elementwise operators and of losses by elements.
#include <numbers>

#include "runtime/kernels/cuda/elementwise.cuh"

namespace graphrt::cuda {
namespace {

struct ReluGrad {
  __device__ float operator()(float gradient, float x) const { return x > 0 ? gradient : 0.0F; }
};

struct TanhGrad {
  __device__ float operator()(float gradient, float y) const { return gradient * (1 - y * y); }
};

struct SigmoidGrad {
  __device__ float operator()(float gradient, float y) const { return gradient * (y * (1 - y)); }
};

/// With the probability that a normal number is below x, and its density at x.
struct GeluGrad {
  __device__ float operator()(float gradient, float x) const {
    constexpr float kScale = -1 / std::numbers::sqrt2_v<float>;
    constexpr float kDensityAt0 = std::numbers::inv_sqrtpi_v<float> / std::numbers::sqrt2_v<float>;
    const float probability = 0.5F * erfcf(kScale * x);
    return gradient * (probability + x * kDensityAt0 * expf(-0.5F * x * x));
  }
};

struct MseGrad {
  float factor;
  __device__ float operator()(float prediction, float target) const {
    return factor * (prediction - target);
  }
};

struct BinaryCrossEntropyGrad {
  float scale;
  __device__ float operator()(float logit, float target) const {
    return scale * (1 / (1 + expf(-logit)) - target);
  }
};

/// `scale`, by default one over the number of elements.
double gradient_scale(const KernelSpec& spec) {
  return spec.attributes.number("scale", 1 / static_cast<double>(spec.result.num_elements()));
}

}  // namespace

KernelResult prepare_relu_grad(const KernelSpec& spec) { return make_zip<float>(spec, ReluGrad{}); }
KernelResult prepare_tanh_grad(const KernelSpec& spec) { return make_zip<float>(spec, TanhGrad{}); }
KernelResult prepare_gelu_grad(const KernelSpec& spec) { return make_zip<float>(spec, GeluGrad{}); }

KernelResult prepare_sigmoid_grad(const KernelSpec& spec) {
  return make_zip<float>(spec, SigmoidGrad{});
}

KernelResult prepare_mse_grad(const KernelSpec& spec) {
  return make_zip<float>(spec, MseGrad{static_cast<float>(2 * gradient_scale(spec))});
}

KernelResult prepare_binary_cross_entropy_grad(const KernelSpec& spec) {
  return make_zip<float>(spec, BinaryCrossEntropyGrad{static_cast<float>(gradient_scale(spec))});
}

}  // namespace graphrt::cuda

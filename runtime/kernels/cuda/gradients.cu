// Gradients of elementwise operators and of losses by elements.
#include "runtime/kernels/cuda/elementwise.cuh"
#include "runtime/kernels/cuda/functions.cuh"

namespace graphrt::cuda {
namespace {

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

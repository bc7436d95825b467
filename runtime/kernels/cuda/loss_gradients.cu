// Gradients of losses by elements.
#include "runtime/kernels/cuda/elementwise.cuh"

namespace graphrt::cuda {
namespace {

/// The scale of a launch: a number, times an operand if there is one.
struct ScaleOfMean {
  double number;
  const float* operand;

  __device__ double get() const { return operand != nullptr ? number * *operand : number; }
};

/// In double: neither twice the scale nor the difference has to fit in f32.
struct MseGrad {
  ScaleOfMean scale;
  __device__ float operator()(double prediction, double target) const {
    return static_cast<float>(2 * scale.get() * (prediction - target));
  }
};

/// s(z) - t for the sigmoid s. Where s(z) is near 1, 1 - s(z) is computed instead: it keeps its
/// digits.
struct BinaryCrossEntropyGrad {
  ScaleOfMean scale;
  __device__ float operator()(float logit, float target) const {
    const float power = expf(-fabsf(logit));
    const float rest = power / (1 + power);
    return static_cast<float>(scale.get()) * (logit >= 0 ? 1 - target - rest : rest - target);
  }
};

/// Function{scale}(prediction, target) of floats stored as T.
template <class T, class Function>
class LossGradientKernel : public CudaKernel {
 public:
  LossGradientKernel(int64_t num_elements, double scale)
      : num_elements_(num_elements), scale_(scale) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    const ScaleOfMean scale{scale_, at.inputs.size() > 2 ? elements<float>(at.inputs[2]) : nullptr};
    using Stored = OnStored<T, Function>;
    return ZipKernel<T, T, Stored>(num_elements_, Stored{Function{scale}}).launch(at, queue);
  }

 private:
  int64_t num_elements_;
  double scale_;
};

/// The scale is by default one over the number of elements.
template <class Function>
KernelResult make_loss_gradient(const KernelSpec& spec) {
  const int64_t num_elements = spec.result().num_elements();
  const double scale = spec.attributes.number("scale", 1 / static_cast<double>(num_elements));
  return with_device_float(spec.result().element, [&](auto tag) -> KernelResult {
    using T = typename decltype(tag)::Type;
    return std::make_unique<LossGradientKernel<T, Function>>(num_elements, scale);
  });
}

}  // namespace

KernelResult prepare_mse_grad(const KernelSpec& spec) { return make_loss_gradient<MseGrad>(spec); }

KernelResult prepare_binary_cross_entropy_grad(const KernelSpec& spec) {
  return make_loss_gradient<BinaryCrossEntropyGrad>(spec);
}

}  // namespace graphrt::cuda

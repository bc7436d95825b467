// Losses that are a mean over elements, and what clips gradients by their norm.
#include "runtime/kernels/cuda/elementwise.cuh"
#include "runtime/kernels/cuda/totals.cuh"

namespace graphrt::cuda {
namespace {

struct SquaredDifference {
  const float* prediction;
  const float* target;

  __device__ double operator()(int64_t i) const {
    const double difference = static_cast<double>(prediction[i]) - static_cast<double>(target[i]);
    return difference * difference;
  }
};

/// -t log(s(z)) - (1 - t) log(1 - s(z)) for the sigmoid s. What the target misses 1 or 0 by is
/// taken first, so that large products do not cancel out; of an infinite logit without a miss,
/// nothing is left.
struct BinaryCrossEntropy {
  const float* logit;
  const float* target;

  __device__ double operator()(int64_t i) const {
    const float size = fabsf(logit[i]);
    const float miss = logit[i] >= 0 ? 1 - target[i] : target[i];
    return (miss == 0 ? 0.0F : miss * size) + log1pf(expf(-size));
  }
};

/// The mean of the losses of all pairs of elements.
template <class Loss>
class MeanLossKernel : public CudaKernel {
 public:
  explicit MeanLossKernel(int64_t num_elements) : num_elements_(num_elements) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    const Loss loss{elements<float>(at.inputs[0]), elements<float>(at.inputs[1])};
    return launch_sum_of_terms(loss, num_elements_, num_elements_, at, queue);
  }

 private:
  int64_t num_elements_;
};

struct Square {
  const float* x;

  __device__ double operator()(int64_t i) const {
    return static_cast<double>(x[i]) * static_cast<double>(x[i]);
  }
};

class SumOfSquaresKernel : public CudaKernel {
 public:
  explicit SumOfSquaresKernel(int64_t num_elements) : num_elements_(num_elements) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    const Square square{elements<float>(at.inputs[0])};
    return launch_sum_of_terms(square, num_elements_, 1, at, queue);
  }

 private:
  int64_t num_elements_;
};

class RootOfSquaresKernel : public CudaKernel {
 public:
  explicit RootOfSquaresKernel(int64_t num_elements) : num_elements_(num_elements) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    const Square square{elements<float>(at.inputs[0])};
    return launch_root_of_terms(square, num_elements_, at, queue);
  }

 private:
  int64_t num_elements_;
};

struct ClipFactor {
  float max_norm;
  bool is_of_norm;

  /// An infinite norm gives NaN: training that went wrong must show, and with a factor of 0 it
  /// would stand still. A NaN stays.
  __device__ float operator()(float operand) const {
    const float norm = is_of_norm ? operand : sqrtf(operand);
    if (isinf(norm)) return nanf("");
    return norm <= max_norm ? 1.0F : max_norm / norm;
  }
};

}  // namespace

KernelResult prepare_mse(const KernelSpec& spec) {
  return std::make_unique<MeanLossKernel<SquaredDifference>>(spec.inputs[0].num_elements());
}

KernelResult prepare_binary_cross_entropy(const KernelSpec& spec) {
  return std::make_unique<MeanLossKernel<BinaryCrossEntropy>>(spec.inputs[0].num_elements());
}

KernelResult prepare_sum_of_squares(const KernelSpec& spec) {
  return std::make_unique<SumOfSquaresKernel>(spec.inputs[0].num_elements());
}

KernelResult prepare_norm(const KernelSpec& spec) {
  return std::make_unique<RootOfSquaresKernel>(spec.inputs[0].num_elements());
}

KernelResult prepare_clip_factor(const KernelSpec& spec) {
  return make_map(spec, ClipFactor{static_cast<float>(spec.attributes.number("max_norm", 0)),
                                   spec.attributes.flag("of_norm")});
}

}  // namespace graphrt::cuda

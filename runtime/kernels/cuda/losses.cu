// Losses that are a mean over elements, and what clips gradients by their norm.
#include "runtime/kernels/cuda/elementwise.cuh"
#include "runtime/kernels/cuda/totals.cuh"

namespace graphrt::cuda {
namespace {

struct SquaredDifference {
  __device__ static double of(float prediction, float target) {
    const double difference = static_cast<double>(prediction) - static_cast<double>(target);
    return difference * difference;
  }
};

/// -t log(s(z)) - (1 - t) log(1 - s(z)) for the sigmoid s. What the target misses 1 or 0 by is
/// taken first, so that large products do not cancel out; of an infinite logit without a miss,
/// nothing is left.
struct BinaryCrossEntropy {
  __device__ static double of(float logit, float target) {
    const float size = fabsf(logit);
    const float miss = logit >= 0 ? 1 - target : target;
    return (miss == 0 ? 0.0F : miss * size) + log1pf(expf(-size));
  }
};

struct Square {
  __device__ static double of(float x, float) {
    return static_cast<double>(x) * static_cast<double>(x);
  }
};

/// The terms of the elements of a tensor, or of two: of f32 one by one; of 16 bits those of a whole
/// vector are a term, and what is left over behind the last vector.
template <class T, class Function>
class ElementTerms {
 public:
  /// `b` may be null: then the function does not look at it.
  ElementTerms(const T* a, const T* b, int64_t num_elements)
      : a_(a),
        b_(b),
        num_elements_(num_elements),
        num_vectors_(num_elements / kSize),
        is_aligned_(are_aligned(kVectorBytes, a, b)) {}

  int64_t count() const {
    return kSize == 1 ? num_elements_ : num_threads_for<kSize>(num_elements_);
  }

  __device__ double operator()(int64_t i) const {
    if constexpr (kSize == 1) return of_element(i);
    if (i >= num_vectors_) return of_element(num_vectors_ * kSize + (i - num_vectors_));
    const auto a = floats_at(a_, i * kSize);
    const auto b = b_ != nullptr ? floats_at(b_, i * kSize) : a;
    double total = 0;
#pragma unroll
    for (int lane = 0; lane < kSize; ++lane) total += Function::of(a.lane[lane], b.lane[lane]);
    return total;
  }

 private:
  static constexpr int kSize = kAreNarrow<T> ? kLanesOf<T> : 1;

  __device__ double of_element(int64_t i) const {
    return Function::of(widened(a_[i]), b_ != nullptr ? widened(b_[i]) : 0.0F);
  }
  __device__ Vector<float, kSize> floats_at(const T* x, int64_t i) const {
    if (is_aligned_) return load_floats<kSize, true>(x + i);
    return load_floats<kSize, false>(x + i);
  }

  const T* a_;
  const T* b_;
  int64_t num_elements_;
  int64_t num_vectors_;
  bool is_aligned_;
};

/// The mean of the losses of all pairs of elements.
template <class T, class Loss>
class MeanLossKernel : public CudaKernel {
 public:
  explicit MeanLossKernel(int64_t num_elements) : num_elements_(num_elements) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    const ElementTerms<T, Loss> losses(elements<T>(at.inputs[0]), elements<T>(at.inputs[1]),
                                       num_elements_);
    return launch_sum_of_terms(losses, losses.count(), num_elements_, at, queue);
  }

 private:
  int64_t num_elements_;
};

template <class T>
class SumOfSquaresKernel : public CudaKernel {
 public:
  explicit SumOfSquaresKernel(int64_t num_elements) : num_elements_(num_elements) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    const ElementTerms<T, Square> squares(elements<T>(at.inputs[0]), nullptr, num_elements_);
    return launch_sum_of_terms(squares, squares.count(), 1, at, queue);
  }

 private:
  int64_t num_elements_;
};

template <class T>
class RootOfSquaresKernel : public CudaKernel {
 public:
  explicit RootOfSquaresKernel(int64_t num_elements) : num_elements_(num_elements) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    const ElementTerms<T, Square> squares(elements<T>(at.inputs[0]), nullptr, num_elements_);
    return launch_root_of_terms(squares, squares.count(), at, queue);
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
  return with_device_float(spec.inputs[0].element, [&](auto tag) -> KernelResult {
    using T = typename decltype(tag)::Type;
    return std::make_unique<MeanLossKernel<T, SquaredDifference>>(spec.inputs[0].num_elements());
  });
}

KernelResult prepare_binary_cross_entropy(const KernelSpec& spec) {
  return with_device_float(spec.inputs[0].element, [&](auto tag) -> KernelResult {
    using T = typename decltype(tag)::Type;
    return std::make_unique<MeanLossKernel<T, BinaryCrossEntropy>>(spec.inputs[0].num_elements());
  });
}

KernelResult prepare_sum_of_squares(const KernelSpec& spec) {
  return with_device_float(spec.inputs[0].element, [&](auto tag) -> KernelResult {
    using T = typename decltype(tag)::Type;
    return std::make_unique<SumOfSquaresKernel<T>>(spec.inputs[0].num_elements());
  });
}

KernelResult prepare_norm(const KernelSpec& spec) {
  return with_device_float(spec.inputs[0].element, [&](auto tag) -> KernelResult {
    using T = typename decltype(tag)::Type;
    return std::make_unique<RootOfSquaresKernel<T>>(spec.inputs[0].num_elements());
  });
}

KernelResult prepare_clip_factor(const KernelSpec& spec) {
  return make_map(spec, ClipFactor{static_cast<float>(spec.attributes.number("max_norm", 0)),
                                   spec.attributes.flag("of_norm")});
}

}  // namespace graphrt::cuda

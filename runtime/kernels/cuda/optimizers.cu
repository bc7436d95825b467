// What optimizers do to a state in every step. The result of an update may take the bytes of an
// operand, as in elementwise.cu: a thread reads all its elements before it writes the first, and no
// other thread reads them.
#include <cmath>
#include <numbers>
#include <utility>

#include "runtime/kernels/cuda/launch.cuh"
#include "runtime/kernels/cuda/prepare.h"

namespace graphrt::cuda {
namespace {

using Scalars = std::span<const std::byte* const>;

template <size_t kNumTensors>
struct Tensors {
  const float* of[kNumTensors];
};

/// y = formula(x, ...) for the kSize elements from number `at` on.
template <int kSize, class Formula, size_t... kOperand>
__device__ void update_vector(const Formula& formula, const Tensors<sizeof...(kOperand)>& x,
                              float* y, int64_t at, std::index_sequence<kOperand...>) {
  const Vector<float, kSize> operands[] = {load<kSize>(x.of[kOperand] + at)...};
  Vector<float, kSize> result;
  for (int i = 0; i < kSize; ++i) result.lane[i] = formula(operands[kOperand].lane[i]...);
  store<kSize>(y + at, result);
}

template <int kSize, size_t kNumTensors, class Rule>
__global__ void update_elements(const Rule rule, const Tensors<kNumTensors> x, float* y,
                                int64_t num_elements) {
  constexpr auto kOperands = std::make_index_sequence<kNumTensors>();
  const int64_t thread = thread_number();
  const int64_t num_vectors = num_elements / kSize;
  if (thread < num_vectors) {
    return update_vector<kSize>(rule.formula(), x, y, thread * kSize, kOperands);
  }
  const int64_t i = num_vectors * kSize + (thread - num_vectors);
  if (i < num_elements) update_vector<1>(rule.formula(), x, y, i, kOperands);
}

/// The elements of `kNumTensors` operands of one shape; the operands behind them are scalars, from
/// which `rule` makes the formula of this step.
template <size_t kNumTensors, class Rule>
class UpdateKernel : public CudaKernel {
 public:
  UpdateKernel(int64_t num_elements, const Rule& rule) : num_elements_(num_elements), rule_(rule) {}

  Result<void> launch(std::span<const std::byte* const> inputs, std::byte* output,
                      const CudaQueue& queue) const override {
    Tensors<kNumTensors> x;
    bool is_aligned = are_aligned(kVectorBytes, output);
    for (size_t i = 0; i < kNumTensors; ++i) {
      x.of[i] = elements<float>(inputs[i]);
      is_aligned = is_aligned && are_aligned(kVectorBytes, x.of[i]);
    }
    Rule rule = rule_;
    rule.bind(inputs.subspan(kNumTensors));
    float* y = elements<float>(output);
    if (is_aligned) return launch_with<kWidest>(rule, x, y, queue);
    return launch_with<1>(rule, x, y, queue);
  }

 private:
  template <int kSize>
  Result<void> launch_with(const Rule& rule, const Tensors<kNumTensors>& x, float* y,
                           const CudaQueue& queue) const {
    const unsigned num_blocks = num_blocks_for(num_threads_for<kSize>(num_elements_));
    update_elements<kSize, kNumTensors>
        <<<num_blocks, kThreadsPerBlock, 0, queue.stream>>>(rule, x, y, num_elements_);
    CUDA_TRY(cudaGetLastError());
    return {};
  }

  int64_t num_elements_;
  Rule rule_;
};

template <size_t kNumTensors, class Rule>
KernelResult make_update(const KernelSpec& spec, const Rule& rule) {
  return std::make_unique<UpdateKernel<kNumTensors, Rule>>(spec.result.num_elements(), rule);
}

float float_attribute(const KernelSpec& spec, std::string_view name, double otherwise) {
  return static_cast<float>(spec.attributes.number(name, otherwise));
}

/// The rate of an update: what an operand says, if there is one, else a number.
struct Rate {
  float number;
  const float* operand;

  void bind(Scalars scalars, size_t index) {
    operand = scalars.size() > index ? elements<float>(scalars[index]) : nullptr;
  }
  __device__ float get() const { return operand != nullptr ? *operand : number; }
};

struct Sgd {
  Rate rate;
  float weight_decay;

  void bind(Scalars scalars) { rate.bind(scalars, 0); }
  __device__ auto formula() const {
    return [r = rate.get(), decay = weight_decay](float w, float g) {
      // Without decay the weight plays no part: it may be infinite.
      return w - r * (decay == 0 ? g : g + decay * w);
    };
  }
};

struct Momentum {
  float momentum;

  void bind(Scalars) {}
  __device__ auto formula() const {
    return [kept = momentum](float v, float g) { return kept * v + g; };
  }
};

struct MovingAverage {
  float kept;
  float taken;

  void bind(Scalars) {}
  __device__ auto formula() const {
    return [*this](float average, float x) { return kept * average + taken * x; };
  }
};

struct MovingAverageOfSquares {
  float kept;
  float taken;

  void bind(Scalars) {}
  __device__ auto formula() const {
    return [*this](float average, float x) { return kept * average + taken * x * x; };
  }
};

struct Adam {
  float log_beta1;
  float log_beta2;
  float epsilon;
  float weight_decay;
  Rate rate;
  const int32_t* step;

  void bind(Scalars scalars) {
    step = elements<int32_t>(scalars[0]);
    rate.bind(scalars, 1);
  }

  /// What a moving average that began with 0 must be multiplied by: 1 / (1 - beta^steps).
  __device__ static float correction(float log_beta, float num_steps) {
    return -1 / expm1f(num_steps * log_beta);
  }

  __device__ auto formula() const {
    const float num_steps = static_cast<float>(*step) + 1;
    return [r = rate.get(), m_factor = correction(log_beta1, num_steps),
            v_factor = correction(log_beta2, num_steps), added = epsilon,
            decay = weight_decay](float w, float m, float v) {
      const float direction = m * m_factor / (sqrtf(v * v_factor) + added);
      return w - r * (decay == 0 ? direction : direction + decay * w);
    };
  }
};

/// A rate for every step: a linear warm-up, then the same, or less by a factor every so often, or
/// along half a cosine down to a last rate.
struct Schedule {
  double base;
  int64_t warmup_steps;
  int64_t decay_every;  ///< 0: never
  double decay_factor;
  int64_t cosine_steps;  ///< 0: none
  double last;

  __device__ double rate_at(int64_t step) const {
    if (step < warmup_steps) return base * ratio(step + 1, warmup_steps);
    const int64_t num_steps = step - warmup_steps;
    if (decay_every > 0) {
      const int64_t num_decays = num_steps / decay_every;
      return base * pow(decay_factor, static_cast<double>(num_decays));
    }
    if (cosine_steps == 0) return base;
    if (num_steps >= cosine_steps) return last;
    const double angle = std::numbers::pi * ratio(num_steps, cosine_steps);
    return last + (base - last) * 0.5 * (1 + cos(angle));
  }

  __device__ static double ratio(int64_t a, int64_t b) {
    return static_cast<double>(a) / static_cast<double>(b);
  }
};

/// One thread.
__global__ void scheduled_rate(const Schedule schedule, const int32_t* step, float* y) {
  *y = static_cast<float>(schedule.rate_at(*step));
}

class LearningRateKernel : public CudaKernel {
 public:
  explicit LearningRateKernel(const Schedule& schedule) : schedule_(schedule) {}

  Result<void> launch(std::span<const std::byte* const> inputs, std::byte* output,
                      const CudaQueue& queue) const override {
    scheduled_rate<<<1, 1, 0, queue.stream>>>(schedule_, elements<int32_t>(inputs[0]),
                                              elements<float>(output));
    CUDA_TRY(cudaGetLastError());
    return {};
  }

 private:
  Schedule schedule_;
};

/// The shares of what was and of what is new in a moving average.
template <class Average>
Average average_of(const KernelSpec& spec) {
  const double decay = spec.attributes.number("decay", 0);
  return {.kept = static_cast<float>(decay), .taken = static_cast<float>(1 - decay)};
}

float log_of_attribute(const KernelSpec& spec, std::string_view name, double otherwise) {
  return static_cast<float>(std::log(spec.attributes.number(name, otherwise)));
}

Rate rate_of(const KernelSpec& spec) {
  return {float_attribute(spec, "learning_rate", 0), nullptr};
}

}  // namespace

KernelResult prepare_sgd_update(const KernelSpec& spec) {
  return make_update<2>(
      spec, Sgd{.rate = rate_of(spec), .weight_decay = float_attribute(spec, "weight_decay", 0)});
}

KernelResult prepare_momentum_update(const KernelSpec& spec) {
  return make_update<2>(spec, Momentum{float_attribute(spec, "momentum", 0)});
}

KernelResult prepare_moving_average(const KernelSpec& spec) {
  return make_update<2>(spec, average_of<MovingAverage>(spec));
}

KernelResult prepare_moving_average_of_squares(const KernelSpec& spec) {
  return make_update<2>(spec, average_of<MovingAverageOfSquares>(spec));
}

KernelResult prepare_adam_update(const KernelSpec& spec) {
  return make_update<3>(spec, Adam{.log_beta1 = log_of_attribute(spec, "beta1", 0.9),
                                   .log_beta2 = log_of_attribute(spec, "beta2", 0.999),
                                   .epsilon = float_attribute(spec, "epsilon", 1e-8),
                                   .weight_decay = float_attribute(spec, "weight_decay", 0),
                                   .rate = rate_of(spec),
                                   .step = nullptr});
}

KernelResult prepare_learning_rate(const KernelSpec& spec) {
  const Attributes& attributes = spec.attributes;
  return std::make_unique<LearningRateKernel>(
      Schedule{.base = attributes.number("base", 0),
               .warmup_steps = attributes.integer("warmup_steps", 0),
               .decay_every = attributes.integer("decay_every", 0),
               .decay_factor = attributes.number("decay_factor", 1),
               .cosine_steps = attributes.integer("cosine_steps", 0),
               .last = attributes.number("final", 0)});
}

}  // namespace graphrt::cuda

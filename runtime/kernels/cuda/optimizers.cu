// What optimizers do to a state in every step, a launch a tensor or many tensors in one.
#include <algorithm>
#include <cmath>
#include <iterator>
#include <numbers>

#include "runtime/kernels/cuda/joint_table.cuh"

namespace graphrt::cuda {
namespace {

template <int kSize, class Rule>
__global__ void update_elements(const Rule rule, const TensorsOf<Rule> tensors,
                                ElementType new_element) {
  update_by_thread<kSize>(rule, tensors, new_element, thread_number());
}

template <int kSize>
unsigned num_blocks_of(int64_t num_elements) {
  return num_blocks_for(num_threads_for<kSize>(num_elements));
}

template <class Rule>
class UpdateKernel : public CudaKernel {
 public:
  UpdateKernel(const KernelSpec& spec, const Rule& rule)
      : num_elements_(spec.result().num_elements()),
        new_element_(spec.inputs[Rule::kNewOperand].element),
        rule_(rule) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    const auto tensors = tensors_of(at);
    if (is_aligned(tensors)) return launch_with<kWidest>(bound(at.inputs), tensors, queue);
    return launch_with<1>(bound(at.inputs), tensors, queue);
  }

  bool join(JointTable& table, const KernelArguments& at) const override {
    const uint32_t first_block = table.num_jobs == 0 ? 0 : table.jobs[table.num_jobs - 1].end_block;
    UpdateJob& job = table.jobs[table.num_jobs++];
    const auto tensors = tensors_of(at);
    set_rule(job, bound(at.inputs));
    std::copy(std::begin(tensors.x), std::end(tensors.x), job.tensors.x);
    std::copy(std::begin(tensors.y), std::end(tensors.y), job.tensors.y);
    job.tensors.num_elements = num_elements_;
    job.new_element = new_element_;
    job.is_aligned = is_aligned(tensors);
    job.end_block = first_block + (job.is_aligned ? num_blocks_of<kWidest>(num_elements_)
                                                  : num_blocks_of<1>(num_elements_));
    return true;
  }

 private:
  TensorsOf<Rule> tensors_of(const KernelArguments& at) const {
    TensorsOf<Rule> tensors;
    for (size_t i = 0; i < Rule::kNumTensors; ++i) tensors.x[i] = at.inputs[i];
    for (size_t i = 0; i < Rule::kNumResults; ++i) tensors.y[i] = elements<float>(at.results[i]);
    tensors.num_elements = num_elements_;
    return tensors;
  }

  static bool is_aligned(const TensorsOf<Rule>& tensors) {
    const auto is_one = [](const auto* tensor) { return are_aligned(kVectorBytes, tensor); };
    return std::all_of(std::begin(tensors.x), std::end(tensors.x), is_one) &&
           std::all_of(std::begin(tensors.y), std::end(tensors.y), is_one);
  }

  /// The rule with the scalars of this launch.
  Rule bound(std::span<const std::byte* const> inputs) const {
    Rule rule = rule_;
    rule.bind(inputs.subspan(Rule::kNumTensors));
    return rule;
  }

  template <int kSize>
  Result<void> launch_with(const Rule& rule, const TensorsOf<Rule>& tensors,
                           const CudaQueue& queue) const {
    update_elements<kSize>
        <<<num_blocks_of<kSize>(num_elements_), kThreadsPerBlock, 0, queue.stream>>>(rule, tensors,
                                                                                     new_element_);
    CUDA_TRY(cudaGetLastError());
    return {};
  }

  int64_t num_elements_;
  ElementType new_element_;
  Rule rule_;
};

template <class Rule>
KernelResult make_update(const KernelSpec& spec, const Rule& rule) {
  return std::make_unique<UpdateKernel<Rule>>(spec, rule);
}

float float_attribute(const KernelSpec& spec, std::string_view name, double otherwise) {
  return static_cast<float>(spec.attributes.number(name, otherwise));
}

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

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    scheduled_rate<<<1, 1, 0, queue.stream>>>(schedule_, elements<int32_t>(at.inputs[0]),
                                              elements<float>(at.result()));
    CUDA_TRY(cudaGetLastError());
    return {};
  }

 private:
  Schedule schedule_;
};

Factor factor_of(const KernelSpec& spec) {
  return {spec.attributes.flag("scaled"), spec.attributes.flag("skips"), nullptr};
}

/// The shares of what was and of what is new in a moving average.
AverageShares shares_of(double decay) {
  const float kept = decay < 0.5 ? 0.0F : 1.0F;
  return {.kept = kept,
          .rest = static_cast<float>(decay - static_cast<double>(kept)),
          .taken = static_cast<float>(1 - decay)};
}

template <class Average>
Average average_of(const KernelSpec& spec) {
  return {.shares = shares_of(spec.attributes.number("decay", 0)), .factor = factor_of(spec)};
}

float log_of_attribute(const KernelSpec& spec, std::string_view name, double otherwise) {
  return static_cast<float>(std::log(spec.attributes.number(name, otherwise)));
}

Rate rate_of(const KernelSpec& spec) {
  return {float_attribute(spec, "learning_rate", 0), nullptr};
}

Adam adam_of(const KernelSpec& spec) {
  return {.log_beta1 = log_of_attribute(spec, "beta1", 0.9),
          .log_beta2 = log_of_attribute(spec, "beta2", 0.999),
          .epsilon = float_attribute(spec, "epsilon", 1e-8),
          .weight_decay = float_attribute(spec, "weight_decay", 0),
          .rate = rate_of(spec),
          .step = nullptr};
}

}  // namespace

KernelResult prepare_sgd_update(const KernelSpec& spec) {
  return make_update(spec, Sgd{.rate = rate_of(spec),
                               .weight_decay = float_attribute(spec, "weight_decay", 0),
                               .factor = factor_of(spec)});
}

KernelResult prepare_momentum_update(const KernelSpec& spec) {
  const float momentum = float_attribute(spec, "momentum", 0);
  if (spec.attributes.find("weight_decay") == nullptr) {
    return make_update(spec, Momentum{momentum, factor_of(spec)});
  }
  const float weight_decay = float_attribute(spec, "weight_decay", 0);
  return make_update(spec, DecayedMomentum{momentum, weight_decay, factor_of(spec)});
}

KernelResult prepare_moving_average(const KernelSpec& spec) {
  return make_update(spec, average_of<MovingAverage>(spec));
}

KernelResult prepare_moving_average_of_squares(const KernelSpec& spec) {
  return make_update(spec, average_of<MovingAverageOfSquares>(spec));
}

KernelResult prepare_adam_update(const KernelSpec& spec) {
  return make_update(spec, adam_of(spec));
}

KernelResult prepare_adam_step(const KernelSpec& spec) {
  return make_update(spec, AdamStep{.adam = adam_of(spec),
                                    .m_shares = shares_of(spec.attributes.number("beta1", 0.9)),
                                    .v_shares = shares_of(spec.attributes.number("beta2", 0.999)),
                                    .factor = factor_of(spec)});
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

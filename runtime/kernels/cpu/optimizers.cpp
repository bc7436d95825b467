// What optimizers do to a state in every step. The result of an update may take the bytes of an
// operand, as in elementwise.cpp: element i is read before element i is written, and not again.
#include <array>
#include <cmath>
#include <numbers>
#include <utility>

#include "runtime/kernels/cpu/prepare.h"

namespace graphrt::cpu {
namespace {

using Scalars = std::span<const std::byte* const>;

/// y = formula(x, ...) for the elements of `kNumTensors` operands of one shape. The operands behind
/// them are scalars, from which `rule` makes the formula of this step.
template <size_t kNumTensors, class Rule>
class UpdateKernel : public PreparedKernel {
 public:
  UpdateKernel(int64_t num_elements, const Rule& rule) : num_elements_(num_elements), rule_(rule) {}

  void run(std::span<const std::byte* const> inputs, std::byte* output) const override {
    update(inputs, elements<float>(output), std::make_index_sequence<kNumTensors>());
  }

 private:
  template <size_t... kOperand>
  void update(std::span<const std::byte* const> inputs, float* y,
              std::index_sequence<kOperand...>) const {
    const auto formula = rule_.formula(inputs.subspan(kNumTensors));
    const std::array<const float*, kNumTensors> x = {elements<float>(inputs[kOperand])...};
#pragma GCC ivdep
    for (int64_t i = 0; i < num_elements_; ++i) y[i] = formula(x[kOperand][i]...);
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

/// The operand at `index` of the scalars if there is one, else `learning_rate`.
float rate_of(Scalars scalars, size_t index, float learning_rate) {
  return scalars.size() > index ? *elements<float>(scalars[index]) : learning_rate;
}

/// What the gradient is multiplied with: the last of the scalars, or 1, which changes no bit.
struct Factor {
  bool is_operand = false;

  float take(Scalars& scalars) const {
    if (!is_operand) return 1;
    const float factor = *elements<float>(scalars.back());
    scalars = scalars.first(scalars.size() - 1);
    return factor;
  }
};

struct Sgd {
  float learning_rate;
  float weight_decay;
  Factor factor;

  auto formula(Scalars scalars) const {
    const float scale = factor.take(scalars);
    return
        [scale, rate = rate_of(scalars, 0, learning_rate), decay = weight_decay](float w, float g) {
          // Without decay the weight plays no part: it may be infinite.
          return w - rate * (decay == 0 ? scale * g : scale * g + decay * w);
        };
  }
};

struct Momentum {
  float momentum;
  Factor factor;

  auto formula(Scalars scalars) const {
    return [kept = momentum, scale = factor.take(scalars)](float v, float g) {
      return kept * v + scale * g;
    };
  }
};

struct DecayedMomentum {
  float momentum;
  float weight_decay;
  Factor factor;

  auto formula(Scalars scalars) const {
    return [kept = momentum, decay = weight_decay, scale = factor.take(scalars)](float v, float g,
                                                                                 float w) {
      return kept * v + (decay == 0 ? scale * g : scale * g + decay * w);
    };
  }
};

struct MovingAverage {
  double decay;
  Factor factor;

  auto formula(Scalars scalars) const {
    return [kept = static_cast<float>(decay), taken = static_cast<float>(1 - decay),
            scale = factor.take(scalars)](float average, float x) {
      return kept * average + taken * (scale * x);
    };
  }
};

struct MovingAverageOfSquares {
  double decay;
  Factor factor;

  auto formula(Scalars scalars) const {
    return [kept = static_cast<float>(decay), taken = static_cast<float>(1 - decay),
            scale = factor.take(scalars)](float average, float x) {
      const float scaled = scale * x;
      return kept * average + taken * scaled * scaled;
    };
  }
};

struct Adam {
  double beta1;
  double beta2;
  float epsilon;
  float learning_rate;
  float weight_decay;

  auto formula(Scalars scalars) const {
    const double step_number = 1.0 + *elements<int32_t>(scalars[0]);
    // What a moving average that began with 0 must be multiplied by after so many steps.
    const auto m_factor = static_cast<float>(1 / (1 - std::pow(beta1, step_number)));
    const auto v_factor = static_cast<float>(1 / (1 - std::pow(beta2, step_number)));
    const float rate = rate_of(scalars, 1, learning_rate);
    return [=, added = epsilon, decay = weight_decay](float w, float m, float v) {
      const float direction = m * m_factor / (std::sqrt(v * v_factor) + added);
      return w - rate * (decay == 0 ? direction : direction + decay * w);
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

  double rate_at(int64_t step) const {
    if (step < warmup_steps) return base * ratio(step + 1, warmup_steps);
    const int64_t num_steps = step - warmup_steps;
    if (decay_every > 0) {
      const int64_t num_decays = num_steps / decay_every;
      return base * std::pow(decay_factor, static_cast<double>(num_decays));
    }
    if (cosine_steps == 0) return base;
    if (num_steps >= cosine_steps) return last;
    const double angle = std::numbers::pi * ratio(num_steps, cosine_steps);
    return last + (base - last) * 0.5 * (1 + std::cos(angle));
  }

  static double ratio(int64_t a, int64_t b) {
    return static_cast<double>(a) / static_cast<double>(b);
  }
};

class LearningRateKernel : public PreparedKernel {
 public:
  explicit LearningRateKernel(const Schedule& schedule) : schedule_(schedule) {}

  void run(std::span<const std::byte* const> inputs, std::byte* output) const override {
    *elements<float>(output) = static_cast<float>(schedule_.rate_at(*elements<int32_t>(inputs[0])));
  }

 private:
  Schedule schedule_;
};

Factor factor_of(const KernelSpec& spec) { return {spec.attributes.flag("scaled")}; }

}  // namespace

KernelResult prepare_sgd_update(const KernelSpec& spec) {
  return make_update<2>(spec, Sgd{.learning_rate = float_attribute(spec, "learning_rate", 0),
                                  .weight_decay = float_attribute(spec, "weight_decay", 0),
                                  .factor = factor_of(spec)});
}

KernelResult prepare_momentum_update(const KernelSpec& spec) {
  const float momentum = float_attribute(spec, "momentum", 0);
  if (spec.attributes.find("weight_decay") == nullptr) {
    return make_update<2>(spec, Momentum{momentum, factor_of(spec)});
  }
  const float weight_decay = float_attribute(spec, "weight_decay", 0);
  return make_update<3>(spec, DecayedMomentum{momentum, weight_decay, factor_of(spec)});
}

KernelResult prepare_moving_average(const KernelSpec& spec) {
  return make_update<2>(spec, MovingAverage{spec.attributes.number("decay", 0), factor_of(spec)});
}

KernelResult prepare_moving_average_of_squares(const KernelSpec& spec) {
  return make_update<2>(
      spec, MovingAverageOfSquares{spec.attributes.number("decay", 0), factor_of(spec)});
}

KernelResult prepare_adam_update(const KernelSpec& spec) {
  return make_update<3>(spec, Adam{.beta1 = spec.attributes.number("beta1", 0.9),
                                   .beta2 = spec.attributes.number("beta2", 0.999),
                                   .epsilon = float_attribute(spec, "epsilon", 1e-8),
                                   .learning_rate = float_attribute(spec, "learning_rate", 0),
                                   .weight_decay = float_attribute(spec, "weight_decay", 0)});
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

}  // namespace graphrt::cpu

// What optimizers do to a state in every step. The result of an update may take the bytes of an
// operand, as in elementwise.cpp: element i is read before element i is written, and not again.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>
#include <utility>

#include "runtime/kernels/cpu/float_blocks.h"
#include "runtime/kernels/cpu/prepare.h"

namespace graphrt::cpu {
namespace {

using Scalars = std::span<const std::byte* const>;

/// The state stays what it was; the result may take the bytes of any operand.
void keep_state(const KernelArguments& at, int64_t num_elements) {
  const auto num_bytes = static_cast<size_t>(num_elements) * sizeof(float);
  if (at.result() != at.inputs[0]) std::memmove(at.result(), at.inputs[0], num_bytes);
}

/// y = formula(x, ...) for the elements of `kNumTensors` operands of one shape, of which the second
/// is stored as Second, the others as f32. The operands behind them are scalars, from which `rule`
/// makes the formula of this step.
template <size_t kNumTensors, class Second, class Rule>
class UpdateKernel : public PreparedKernel {
 public:
  UpdateKernel(int64_t num_elements, const Rule& rule) : num_elements_(num_elements), rule_(rule) {}

  void run(const KernelArguments& at) const override {
    if (rule_.is_skipped(at.inputs.subspan(kNumTensors))) return keep_state(at, num_elements_);
    update(at.inputs, elements<float>(at.result()), std::make_index_sequence<kNumTensors>());
  }

 private:
  template <size_t... kOperand>
  void update(std::span<const std::byte* const> inputs, float* y,
              std::index_sequence<kOperand...>) const {
    const auto formula = rule_.formula(inputs.subspan(kNumTensors));
    const auto* second = elements<Second>(inputs[1]);
    std::array<const float*, kNumTensors> x = {elements<float>(inputs[kOperand])...};
    FloatBlock space;
    const int64_t most = std::is_same_v<Second, float> ? num_elements_ : kFloatBlock;
    for (int64_t begin = 0; begin < num_elements_; begin += most) {
      const int64_t size = std::min(most, num_elements_ - begin);
      x[1] = load_floats(second + begin, size, space);
#pragma GCC ivdep
      for (int64_t i = 0; i < size; ++i) y[i] = formula(x[kOperand][i]...);
      for (const float*& each : x) each += size;
      y += size;
    }
  }

  int64_t num_elements_;
  Rule rule_;
};

template <size_t kNumTensors, class Rule>
KernelResult make_update(const KernelSpec& spec, const Rule& rule) {
  return by_float(spec.inputs[1], [&](auto tag) -> KernelResult {
    using Second = typename decltype(tag)::Type;
    return std::make_unique<UpdateKernel<kNumTensors, Second, Rule>>(spec.result().num_elements(),
                                                                     rule);
  });
}

float float_attribute(const KernelSpec& spec, std::string_view name, double otherwise) {
  return static_cast<float>(spec.attributes.number(name, otherwise));
}

/// The operand at `index` of the scalars if there is one, else `learning_rate`.
float rate_of(Scalars scalars, size_t index, float learning_rate) {
  return scalars.size() > index ? *elements<float>(scalars[index]) : learning_rate;
}

/// What the gradient is multiplied with: the last of the scalars, or 1, which changes no bit. A
/// scalar that is there to skip steps alone multiplies nothing.
struct Factor {
  bool scales = false;
  bool skips = false;

  /// Whether this step leaves the state as it is.
  bool is_skipped(Scalars scalars) const {
    return skips && std::isnan(*elements<float>(scalars.back()));
  }

  float take(Scalars& scalars) const {
    if (!scales && !skips) return 1;
    const float factor = *elements<float>(scalars.back());
    scalars = scalars.first(scalars.size() - 1);
    return scales ? factor : 1;
  }
};

struct Sgd {
  float learning_rate;
  float weight_decay;
  Factor factor;

  bool is_skipped(Scalars scalars) const { return factor.is_skipped(scalars); }
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

  bool is_skipped(Scalars scalars) const { return factor.is_skipped(scalars); }
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

  bool is_skipped(Scalars scalars) const { return factor.is_skipped(scalars); }
  auto formula(Scalars scalars) const {
    return [kept = momentum, decay = weight_decay, scale = factor.take(scalars)](float v, float g,
                                                                                 float w) {
      return kept * v + (decay == 0 ? scale * g : scale * g + decay * w);
    };
  }
};

/// What of a moving average stays, kept + rest, and how much of what is new it takes. A long
/// average keeps all of itself and takes off a little, and so is rounded once a step: f32 has no
/// 0.99999, and a product with its neighbour would be off by 0.3 % after 100000 steps.
struct AverageShares {
  float kept;
  float rest;
  float taken;

  explicit AverageShares(double decay)
      : kept(decay < 0.5 ? 0.0F : 1.0F),
        rest(static_cast<float>(decay - static_cast<double>(kept))),
        taken(static_cast<float>(1 - decay)) {}

  float next(float average, float new_part) const {
    return kept * average + (rest * average + new_part);
  }
};

struct MovingAverage {
  AverageShares shares;
  Factor factor;

  bool is_skipped(Scalars scalars) const { return factor.is_skipped(scalars); }
  auto formula(Scalars scalars) const {
    return [shares = shares, scale = factor.take(scalars)](float average, float x) {
      return shares.next(average, shares.taken * (scale * x));
    };
  }
};

// An average of squares may be too large for a float, or too small, while its root is not: then it
// is kept as minus its root. Averages of squares that a float holds are never below 0.

constexpr float kMinSquare = std::numeric_limits<float>::min();
constexpr float kMaxSquare = std::numeric_limits<float>::max();

double square_kept_as(float kept) {
  const double number = kept;
  return kept < 0 ? number * number : number;
}

float kept_square(double square) {
  if (square > kMaxSquare && !std::isinf(square)) return -static_cast<float>(std::sqrt(square));
  if (square < kMinSquare && square > 0) return -static_cast<float>(std::sqrt(square));
  return static_cast<float>(square);
}

float root_of_square(float kept) {
  const float root = std::sqrt(std::abs(kept));
  return kept < 0 ? -kept : root;
}

/// The average of squares, by blocks: computed as if floats held all squares; where they do not,
/// again.
class SquaresBlock {
 public:
  explicit SquaresBlock(double decay) : decay_(decay), shares_(decay) {}

  void update(float scale, const float* average, const float* x, int64_t size, float* y) const {
    FloatBlock block;
    const AverageShares shares = shares_;
    uint32_t num_outside = 0;
    for (int64_t i = 0; i < size; ++i) {
      const float scaled = scale * x[i];
      const float next = shares.next(average[i], shares.taken * scaled * scaled);
      block[static_cast<size_t>(i)] = next;
      // Without a jump, so that the compiler makes vectors of it.
      const auto is_true = [](bool condition) { return static_cast<uint32_t>(condition); };
      const uint32_t fits =
          is_true(average[i] >= 0) & is_true(next >= kMinSquare) & is_true(next <= kMaxSquare);
      const uint32_t is_zero = is_true(average[i] == 0) & is_true(scaled == 0);
      num_outside += 1U - (fits | is_zero);
    }
    if (num_outside == 0) {
      std::copy_n(block.data(), size, y);
      return;
    }
    for (int64_t i = 0; i < size; ++i) {
      const double scaled = scale * x[i];
      y[i] = kept_square(decay_ * square_kept_as(average[i]) + (1 - decay_) * scaled * scaled);
    }
  }

 private:
  double decay_;
  AverageShares shares_;
};

/// What is new is stored as T.
template <class T>
class AverageOfSquaresKernel : public PreparedKernel {
 public:
  AverageOfSquaresKernel(int64_t num_elements, double decay, Factor factor)
      : num_elements_(num_elements), block_(decay), factor_(factor) {}

  void run(const KernelArguments& at) const override {
    Scalars scalars = at.inputs.subspan(2);
    if (factor_.is_skipped(scalars)) return keep_state(at, num_elements_);
    const float scale = factor_.take(scalars);
    FloatBlock space;
    for (int64_t begin = 0; begin < num_elements_; begin += kFloatBlock) {
      const int64_t size = std::min(kFloatBlock, num_elements_ - begin);
      block_.update(scale, elements<float>(at.inputs[0]) + begin,
                    load_floats(elements<T>(at.inputs[1]) + begin, size, space), size,
                    elements<float>(at.result()) + begin);
    }
  }

 private:
  int64_t num_elements_;
  SquaresBlock block_;
  Factor factor_;
};

struct Adam {
  double beta1;
  double beta2;
  float epsilon;
  float learning_rate;
  float weight_decay;

  static bool is_skipped(Scalars scalars) { return *elements<int32_t>(scalars[0]) < 0; }
  auto formula(Scalars scalars) const {
    const double step_number = 1.0 + *elements<int32_t>(scalars[0]);
    // What a moving average that began with 0 must be multiplied by after so many steps; of v, the
    // root: v itself may leave the floats on the way.
    const auto m_factor = static_cast<float>(1 / (1 - std::pow(beta1, step_number)));
    const auto root_factor = static_cast<float>(std::sqrt(1 / (1 - std::pow(beta2, step_number))));
    const float rate = rate_of(scalars, 1, learning_rate);
    return [=, added = epsilon, decay = weight_decay](float w, float m, float v) {
      const float direction = m * m_factor / (root_of_square(v) * root_factor + added);
      return w - rate * (decay == 0 ? direction : direction + decay * w);
    };
  }
};

/// A step of Adam for a parameter and its averages, block by block while those are in the first
/// cache. The gradient is stored as T.
template <class T>
class AdamStepKernel : public PreparedKernel {
 public:
  AdamStepKernel(const KernelSpec& spec, const Adam& adam, Factor factor)
      : num_elements_(spec.result().num_elements()),
        adam_(adam),
        average_{AverageShares(adam.beta1), factor},
        squares_(adam.beta2),
        factor_(factor) {}

  void run(const KernelArguments& at) const override {
    const Scalars scalars = at.inputs.subspan(4);
    Scalars of_adam = scalars;
    Step step;
    step.scale = factor_.take(of_adam);
    step.keeps_averages = factor_.is_skipped(scalars);
    step.keeps_weights = Adam::is_skipped(of_adam);
    const auto average = average_.formula(scalars);
    const auto update = adam_.formula(of_adam);
    FloatBlock space;
    for (int64_t begin = 0; begin < num_elements_; begin += kFloatBlock) {
      const int64_t size = std::min(kFloatBlock, num_elements_ - begin);
      const float* gradient = load_floats(elements<T>(at.inputs[3]) + begin, size, space);
      run_block(step, Block(at, begin, size), gradient, average, update);
    }
  }

 private:
  /// What is the same for all elements.
  struct Step {
    float scale;
    bool keeps_averages;
    bool keeps_weights;
  };

  /// Elements of w, m and v, and of the next ones.
  struct Block {
    Block(const KernelArguments& at, int64_t begin, int64_t num) : size(num) {
      for (size_t i = 0; i < x.size(); ++i) {
        x[i] = elements<float>(at.inputs[i]) + begin;
        y[i] = elements<float>(at.results[i]) + begin;
      }
    }
    void keep(size_t number) const {
      if (y[number] != x[number]) std::copy_n(x[number], size, y[number]);
    }

    std::array<const float*, 3> x;
    std::array<float*, 3> y;
    int64_t size;
  };

  template <class Average, class Update>
  void run_block(const Step& step, const Block& block, const float* gradient,
                 const Average& average, const Update& update) const {
    const auto& [w, m, v] = block.x;
    const auto& [next_w, next_m, next_v] = block.y;
    if (step.keeps_averages) {
      block.keep(1);
      block.keep(2);
    } else {
#pragma GCC ivdep
      for (int64_t i = 0; i < block.size; ++i) next_m[i] = average(m[i], gradient[i]);
      squares_.update(step.scale, v, gradient, block.size, next_v);
    }
    if (step.keeps_weights) return block.keep(0);
#pragma GCC ivdep
    for (int64_t i = 0; i < block.size; ++i) next_w[i] = update(w[i], next_m[i], next_v[i]);
  }

  int64_t num_elements_;
  Adam adam_;
  MovingAverage average_;
  SquaresBlock squares_;
  Factor factor_;
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

  void run(const KernelArguments& at) const override {
    *elements<float>(at.result()) =
        static_cast<float>(schedule_.rate_at(*elements<int32_t>(at.inputs[0])));
  }

 private:
  Schedule schedule_;
};

Factor factor_of(const KernelSpec& spec) {
  return {spec.attributes.flag("scaled"), spec.attributes.flag("skips")};
}

Adam adam_of(const KernelSpec& spec) {
  return {.beta1 = spec.attributes.number("beta1", 0.9),
          .beta2 = spec.attributes.number("beta2", 0.999),
          .epsilon = float_attribute(spec, "epsilon", 1e-8),
          .learning_rate = float_attribute(spec, "learning_rate", 0),
          .weight_decay = float_attribute(spec, "weight_decay", 0)};
}

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
  const AverageShares shares(spec.attributes.number("decay", 0));
  return make_update<2>(spec, MovingAverage{shares, factor_of(spec)});
}

KernelResult prepare_moving_average_of_squares(const KernelSpec& spec) {
  return by_float(spec.inputs[1], [&](auto tag) -> KernelResult {
    using T = typename decltype(tag)::Type;
    return std::make_unique<AverageOfSquaresKernel<T>>(
        spec.result().num_elements(), spec.attributes.number("decay", 0), factor_of(spec));
  });
}

KernelResult prepare_adam_update(const KernelSpec& spec) {
  return make_update<3>(spec, adam_of(spec));
}

KernelResult prepare_adam_step(const KernelSpec& spec) {
  return by_float(spec.inputs[3], [&](auto tag) -> KernelResult {
    using T = typename decltype(tag)::Type;
    return std::make_unique<AdamStepKernel<T>>(spec, adam_of(spec), factor_of(spec));
  });
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

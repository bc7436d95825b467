#pragma once

#include <cfloat>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "runtime/kernels/cuda/device_types.cuh"
#include "runtime/kernels/cuda/launch.cuh"
#include "runtime/kernels/cuda/prepare.h"

/// What optimizers do to the elements of a state, as rules: each names how many operands have the
/// state's shape, and makes the formula of a step from the scalars behind them. Products and sums
/// are fused as they are written and nowhere else: left to itself the compiler does it differently
/// from kernel to kernel, and a rule gives the same bits in all of them.
///
/// The result may take the bytes of an operand, as in elementwise.cu: a thread reads all its
/// elements before it writes the first, and no other thread reads them.
namespace graphrt::cuda {

using Scalars = std::span<const std::byte* const>;

enum class UpdateKind : uint32_t {
  kSgd,
  kMomentum,
  kDecayedMomentum,
  kMovingAverage,
  kMovingAverageOfSquares,
  kAdam,
  kAdamStep,
};

/// The rate of an update: what an operand says, if there is one, else a number.
struct Rate {
  float number;
  const float* operand;

  void bind(Scalars scalars, size_t index) {
    operand = scalars.size() > index ? elements<float>(scalars[index]) : nullptr;
  }
  __device__ float get() const { return operand != nullptr ? *operand : number; }
};

/// What the gradient is multiplied with: the last of the scalars, or 1, which changes no bit. A
/// scalar that is there to skip steps alone multiplies nothing.
struct Factor {
  bool scales;
  bool skips;
  const float* operand;

  void take(Scalars& scalars) {
    if (!scales && !skips) return;
    operand = elements<float>(scalars.back());
    scalars = scalars.first(scalars.size() - 1);
  }
  __device__ float get() const { return scales ? *operand : 1; }
  /// Whether this step leaves the state as it is.
  __device__ bool is_skipped() const { return skips && isnan(*operand); }
};

struct Sgd {
  static constexpr auto kKind = UpdateKind::kSgd;
  static constexpr size_t kNumTensors = 2;
  static constexpr size_t kNumResults = 1;
  static constexpr size_t kNewOperand = 1;
  Rate rate;
  float weight_decay;
  Factor factor;

  void bind(Scalars scalars) {
    factor.take(scalars);
    rate.bind(scalars, 0);
  }
  __device__ bool is_skipped() const { return factor.is_skipped(); }
  __device__ auto formula() const {
    return [r = rate.get(), decay = weight_decay, scale = factor.get()](float w, float g) {
      const float scaled = __fmul_rn(scale, g);
      // Without decay the weight plays no part: it may be infinite.
      return fmaf(-r, decay == 0 ? scaled : fmaf(decay, w, scaled), w);
    };
  }
};

struct Momentum {
  static constexpr auto kKind = UpdateKind::kMomentum;
  static constexpr size_t kNumTensors = 2;
  static constexpr size_t kNumResults = 1;
  static constexpr size_t kNewOperand = 1;
  float momentum;
  Factor factor;

  void bind(Scalars scalars) { factor.take(scalars); }
  __device__ bool is_skipped() const { return factor.is_skipped(); }
  __device__ auto formula() const {
    return [kept = momentum, scale = factor.get()](float v, float g) {
      return fmaf(kept, v, __fmul_rn(scale, g));
    };
  }
};

struct DecayedMomentum {
  static constexpr auto kKind = UpdateKind::kDecayedMomentum;
  static constexpr size_t kNumTensors = 3;
  static constexpr size_t kNumResults = 1;
  static constexpr size_t kNewOperand = 1;
  float momentum;
  float weight_decay;
  Factor factor;

  void bind(Scalars scalars) { factor.take(scalars); }
  __device__ bool is_skipped() const { return factor.is_skipped(); }
  __device__ auto formula() const {
    return
        [kept = momentum, decay = weight_decay, scale = factor.get()](float v, float g, float w) {
          const float scaled = __fmul_rn(scale, g);
          return fmaf(kept, v, decay == 0 ? scaled : fmaf(decay, w, scaled));
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

  __device__ float next(float average, float new_part) const {
    return fmaf(kept, average, fmaf(rest, average, new_part));
  }
};

struct MovingAverage {
  static constexpr auto kKind = UpdateKind::kMovingAverage;
  static constexpr size_t kNumTensors = 2;
  static constexpr size_t kNumResults = 1;
  static constexpr size_t kNewOperand = 1;
  AverageShares shares;
  Factor factor;

  void bind(Scalars scalars) { factor.take(scalars); }
  __device__ bool is_skipped() const { return factor.is_skipped(); }
  __device__ auto formula() const {
    return [own = shares, scale = factor.get()](float average, float x) {
      return own.next(average, __fmul_rn(own.taken, __fmul_rn(scale, x)));
    };
  }
};

// An average of squares may be too large for a float, or too small, while its root is not: then it
// is kept as minus its root. Averages of squares that a float holds are never below 0.

/// The next average of squares where a float does not hold it, or did not hold the one before.
__device__ inline float next_outside_floats(const AverageShares& shares, float average, float x) {
  const double before = average;
  const double number = x;
  const double kept = static_cast<double>(shares.kept) + static_cast<double>(shares.rest);
  const double square =
      kept * (average < 0 ? before * before : before) + (1 - kept) * number * number;
  const bool is_outside = square > FLT_MAX || (square < FLT_MIN && square > 0);
  if (is_outside && !isinf(square)) return -static_cast<float>(sqrt(square));
  return static_cast<float>(square);
}

struct MovingAverageOfSquares {
  static constexpr auto kKind = UpdateKind::kMovingAverageOfSquares;
  static constexpr size_t kNumTensors = 2;
  static constexpr size_t kNumResults = 1;
  static constexpr size_t kNewOperand = 1;
  AverageShares shares;
  Factor factor;

  void bind(Scalars scalars) { factor.take(scalars); }
  __device__ bool is_skipped() const { return factor.is_skipped(); }
  __device__ auto formula() const {
    return [own = shares, scale = factor.get()](float average, float x) {
      const float scaled = __fmul_rn(scale, x);
      const float next = own.next(average, __fmul_rn(__fmul_rn(own.taken, scaled), scaled));
      const bool fits = average >= 0 && next >= FLT_MIN && next <= FLT_MAX;
      if (fits || (average == 0 && scaled == 0)) return next;
      return next_outside_floats(own, average, scaled);
    };
  }
};

struct Adam {
  static constexpr auto kKind = UpdateKind::kAdam;
  static constexpr size_t kNumTensors = 3;
  static constexpr size_t kNumResults = 1;
  static constexpr size_t kNewOperand = 1;
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

  __device__ bool is_skipped() const { return *step < 0; }
  __device__ auto formula() const {
    const float num_steps = static_cast<float>(*step) + 1;
    // v itself may leave the floats when it is corrected; its root does not.
    return [r = rate.get(), m_factor = correction(log_beta1, num_steps),
            root_factor = sqrtf(correction(log_beta2, num_steps)), added = epsilon,
            decay = weight_decay](float w, float m, float v) {
      const float root = v < 0 ? -v : sqrtf(v);
      const float scale = __fadd_rn(__fmul_rn(root, root_factor), added);
      const float direction = __fmul_rn(m, m_factor) / scale;
      return fmaf(-r, decay == 0 ? direction : fmaf(decay, w, direction), w);
    };
  }
};

/// What a formula gives of an element where there are several results.
template <size_t kNumResults>
struct ElementResults {
  float of[kNumResults];
};

/// A parameter and its averages.
struct AdamStep {
  static constexpr auto kKind = UpdateKind::kAdamStep;
  static constexpr size_t kNumTensors = 4;
  static constexpr size_t kNumResults = 3;
  static constexpr size_t kNewOperand = 3;
  Adam adam;
  AverageShares m_shares;
  AverageShares v_shares;
  Factor factor;

  void bind(Scalars scalars) {
    factor.take(scalars);
    adam.bind(scalars);
  }
  /// The averages may be skipped alone, so the formula says what stays.
  __device__ bool is_skipped() const { return false; }
  __device__ auto formula() const {
    return [update = adam.formula(), m_next = MovingAverage{m_shares, factor}.formula(),
            v_next = MovingAverageOfSquares{v_shares, factor}.formula(),
            keeps_averages = factor.is_skipped(),
            keeps_weights = adam.is_skipped()](float w, float m, float v, float g) {
      ElementResults<kNumResults> next = {{w, m, v}};
      if (!keeps_averages) {
        next.of[1] = m_next(m, g);
        next.of[2] = v_next(v, g);
      }
      if (!keeps_weights) next.of[0] = update(w, next.of[1], next.of[2]);
      return next;
    };
  }
};

/// The operands of a rule that have the state's shape, and the results: f32, but for what is new in
/// this step, operand kNewOperand of the rule, which may be any float.
template <size_t kNumOperands, size_t kNumResults>
struct UpdateTensors {
  const std::byte* x[kNumOperands];
  float* y[kNumResults];
  int64_t num_elements;
};

template <class Rule>
using TensorsOf = UpdateTensors<Rule::kNumTensors, Rule::kNumResults>;

/// Threads tell the types apart.
template <int kSize>
__device__ Vector<float, kSize> load_new_operand(const std::byte* x, ElementType element,
                                                 int64_t at) {
  if (element == ElementType::kBF16) {
    return load_floats<kSize, true>(reinterpret_cast<const __nv_bfloat16*>(x) + at);
  }
  if (element == ElementType::kF16) {
    return load_floats<kSize, true>(reinterpret_cast<const __half*>(x) + at);
  }
  return load<kSize>(reinterpret_cast<const float*>(x) + at);
}

template <int kSize, class Rule, size_t kOperand>
__device__ Vector<float, kSize> load_operand(const TensorsOf<Rule>& tensors,
                                             ElementType new_element, int64_t at) {
  const std::byte* x = tensors.x[kOperand];
  if constexpr (kOperand == Rule::kNewOperand) {
    return load_new_operand<kSize>(x, new_element, at);
  } else {
    return load<kSize>(reinterpret_cast<const float*>(x) + at);
  }
}

__device__ inline ElementResults<1> results_of(float result) { return {{result}}; }
template <size_t kNumResults>
__device__ ElementResults<kNumResults> results_of(const ElementResults<kNumResults>& results) {
  return results;
}

/// y = formula(x, ...) for the kSize elements from number `at` on.
template <int kSize, class Rule, size_t... kOperand>
__device__ void update_vector(const Rule& rule, const TensorsOf<Rule>& tensors,
                              ElementType new_element, int64_t at,
                              std::index_sequence<kOperand...>) {
  const auto formula = rule.formula();
  const Vector<float, kSize> operands[] = {
      load_operand<kSize, Rule, kOperand>(tensors, new_element, at)...};
  Vector<float, kSize> results[Rule::kNumResults];
  for (int i = 0; i < kSize; ++i) {
    const auto of_lane = results_of(formula(operands[kOperand].lane[i]...));
    for (size_t k = 0; k < Rule::kNumResults; ++k) results[k].lane[i] = of_lane.of[k];
  }
  for (size_t k = 0; k < Rule::kNumResults; ++k) store<kSize>(tensors.y[k] + at, results[k]);
}

/// The same where the state, which has one tensor, stays what it was: y = x.
template <int kSize, class Rule>
__device__ void keep_by_thread(const TensorsOf<Rule>& tensors, int64_t thread) {
  const auto* x = reinterpret_cast<const float*>(tensors.x[0]);
  float* y = tensors.y[0];
  if (x == y) return;
  const int64_t num_vectors = tensors.num_elements / kSize;
  if (thread < num_vectors) {
    return store<kSize>(y + thread * kSize, load<kSize>(x + thread * kSize));
  }
  const int64_t i = num_vectors * kSize + (thread - num_vectors);
  if (i < tensors.num_elements) y[i] = x[i];
}

/// What thread number `thread` of num_threads_for<kSize>(num_elements) does.
template <int kSize, class Rule>
__device__ void update_by_thread(const Rule& rule, const TensorsOf<Rule>& tensors,
                                 ElementType new_element, int64_t thread) {
  constexpr auto kOperands = std::make_index_sequence<Rule::kNumTensors>();
  const int64_t num_vectors = tensors.num_elements / kSize;
  if (rule.is_skipped()) return keep_by_thread<kSize, Rule>(tensors, thread);
  if (thread < num_vectors) {
    return update_vector<kSize>(rule, tensors, new_element, thread * kSize, kOperands);
  }
  const int64_t i = num_vectors * kSize + (thread - num_vectors);
  if (i < tensors.num_elements) update_vector<1>(rule, tensors, new_element, i, kOperands);
}

}  // namespace graphrt::cuda

// What keeps gradients in the range of f16: a few numbers a step.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "runtime/kernels/cpu/prepare.h"
#include "runtime/op/loss_scale.h"

namespace graphrt::cpu {
namespace {

using Limits = std::numeric_limits<float>;

/// The whole of a kernel of scalars: y = function(inputs).
template <class T, class Function>
class ScalarKernel : public PreparedKernel {
 public:
  explicit ScalarKernel(Function function) : function_(function) {}

  void run(const KernelArguments& at) const override {
    *elements<T>(at.result()) = function_(at.inputs);
  }

 private:
  Function function_;
};

template <class T, class Function>
KernelResult make_scalar(Function function) {
  return std::make_unique<ScalarKernel<T, Function>>(function);
}

using Inputs = std::span<const std::byte* const>;

float float_at(Inputs inputs, size_t i) { return *elements<float>(inputs[i]); }
int32_t count_at(Inputs inputs, size_t i) { return *elements<int32_t>(inputs[i]); }

/// What a loss scale follows.
struct ScaleRule {
  float growth;
  float backoff;
  int64_t every;

  float next(float scale, int32_t streak, float factor) const {
    if (!(scale > 0)) return scale;
    const bool is_skipped = std::isnan(factor);
    if (is_skipped && streak <= 1 - kMaxSkipsInARow) return -scale;
    const bool grows = !is_skipped && int64_t{streak} + 1 >= every;
    const float other = is_skipped ? scale * backoff : scale * growth;
    const bool is_possible = other >= Limits::min() && other <= Limits::max();
    return (is_skipped || grows) && is_possible ? other : scale;
  }
};

int32_t next_streak(int32_t streak, float factor, int64_t every) {
  if (std::isnan(factor)) return std::max(std::min(streak, 0), 1 - INT32_MAX) - 1;
  const int64_t num_good = int64_t{std::max(streak, 0)} + 1;
  return num_good >= every ? 0 : static_cast<int32_t>(num_good);
}

int64_t steps_between_growths(const KernelSpec& spec) {
  return spec.attributes.integer("every", kStepsBetweenGrowths);
}

}  // namespace

KernelResult prepare_unscale_factor(const KernelSpec& spec) {
  const auto max_norm = static_cast<float>(
      spec.attributes.number("max_norm", std::numeric_limits<double>::infinity()));
  return make_scalar<float>([max_norm](Inputs inputs) {
    const float norm = float_at(inputs, 0);
    const float scale = float_at(inputs, 1);
    if (!std::isfinite(norm) || !(scale > 0)) return Limits::quiet_NaN();
    // In double: what the norm is without the scale has to fit in f32 no more than the norm does.
    const bool is_long = double{norm} > double{max_norm} * double{scale};
    return is_long ? max_norm / norm : 1 / scale;
  });
}

KernelResult prepare_loss_scale_update(const KernelSpec& spec) {
  const ScaleRule rule{static_cast<float>(spec.attributes.number("growth", 2)),
                       static_cast<float>(spec.attributes.number("backoff", 0.5)),
                       steps_between_growths(spec)};
  return make_scalar<float>([rule](Inputs inputs) {
    return rule.next(float_at(inputs, 0), count_at(inputs, 1), float_at(inputs, 2));
  });
}

KernelResult prepare_streak_update(const KernelSpec& spec) {
  return make_scalar<int32_t>([every = steps_between_growths(spec)](Inputs inputs) {
    return next_streak(count_at(inputs, 0), float_at(inputs, 1), every);
  });
}

KernelResult prepare_count_step(const KernelSpec&) {
  return make_scalar<int32_t>([](Inputs inputs) {
    const auto step = static_cast<uint32_t>(count_at(inputs, 0));
    return static_cast<int32_t>(step + (std::isnan(float_at(inputs, 1)) ? 0U : 1U));
  });
}

}  // namespace graphrt::cpu

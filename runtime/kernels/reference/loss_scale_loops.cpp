// What keeps gradients in the range of f16.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "runtime/kernels/reference/loops.h"
#include "runtime/op/loss_scale.h"

namespace graphrt::reference {
namespace {

using Floats = std::numeric_limits<float>;

/// Whether the step is skipped that has this factor for its gradients.
bool says_skip(const Tensor& factor) { return std::isnan(factor.as<float>()[0]); }

}  // namespace

void unscale_factor(Operands inputs, const Attributes& attributes, Results results) {
  const double norm = inputs[0]->as<float>()[0];
  const double scale = inputs[1]->as<float>()[0];
  const double max_norm = attributes.number("max_norm", std::numeric_limits<double>::infinity());
  float& y = results[0].as<float>()[0];
  if (!std::isfinite(norm) || !(scale > 0)) {
    y = Floats::quiet_NaN();
    return;
  }
  const bool is_long = norm / scale > max_norm;
  y = static_cast<float>(is_long ? max_norm / norm : 1 / scale);
}

void loss_scale_update(Operands inputs, const Attributes& attributes, Results results) {
  const float scale = inputs[0]->as<float>()[0];
  const int64_t streak = inputs[1]->as<int32_t>()[0];
  float& y = results[0].as<float>()[0];
  y = scale;
  if (!(scale > 0)) return;
  double next = scale;
  if (!says_skip(*inputs[2])) {
    const int64_t every = attributes.integer("every", kStepsBetweenGrowths);
    if (streak + 1 >= every) next *= static_cast<float>(attributes.number("growth", 2));
  } else if (streak <= 1 - kMaxSkipsInARow) {
    y = -scale;
    return;
  } else {
    next *= static_cast<float>(attributes.number("backoff", 0.5));
  }
  // Where f32 has no such scale, it stays what it was.
  const auto stored = static_cast<float>(next);
  if (stored >= Floats::min() && stored <= Floats::max()) y = stored;
}

void streak_update(Operands inputs, const Attributes& attributes, Results results) {
  const int64_t streak = inputs[0]->as<int32_t>()[0];
  int32_t& y = results[0].as<int32_t>()[0];
  if (says_skip(*inputs[1])) {
    const int64_t num_skips = streak < 0 ? -streak : 0;
    y = static_cast<int32_t>(-std::min<int64_t>(num_skips + 1, INT32_MAX));
    return;
  }
  const int64_t num_good = streak > 0 ? streak : 0;
  const bool is_whole = num_good + 1 >= attributes.integer("every", kStepsBetweenGrowths);
  y = is_whole ? 0 : static_cast<int32_t>(num_good + 1);
}

void count_step(Operands inputs, const Attributes&, Results results) {
  const auto step = static_cast<uint32_t>(inputs[0]->as<int32_t>()[0]);
  results[0].as<int32_t>()[0] = static_cast<int32_t>(step + (says_skip(*inputs[1]) ? 0U : 1U));
}

}  // namespace graphrt::reference

#include "loss_scale_cases.h"

#include <array>
#include <limits>
#include <utility>

#include "kernel_test_support.h"

namespace graphrt {
namespace {

constexpr float kSaysSkip = std::numeric_limits<float>::quiet_NaN();

/// From the smallest to the largest that f32 has.
Tensor any_scale(Dice& dice) {
  constexpr std::array kScales = {0x1p-126F, 0.3F, 1.0F, 65536.0F, 0x1p127F, -1024.0F, 0.0F};
  return tensor_of<float>({}, {kScales[static_cast<size_t>(dice.between(0, 6))]});
}

/// Around where something is done.
Tensor any_streak(Dice& dice) {
  constexpr std::array kStreaks = {
      std::numeric_limits<int32_t>::min(), -21, -20, -19, -18, -1, 0, 1, 4,
      std::numeric_limits<int32_t>::max()};
  return tensor_of<int32_t>({}, {kStreaks[static_cast<size_t>(dice.between(0, 9))]});
}

void add_every(Dice& dice, OperatorUse& use) {
  if (dice.flip()) use.attributes.set("every", dice.between(1, 6));
}

}  // namespace

Tensor factor_or_nan(Dice& dice) { return tensor_of<float>({}, {dice.flip() ? 0.3F : kSaysSkip}); }

OperatorUse unscale_factor_use(Dice& dice) {
  constexpr std::array kNorms = {
      0.0F, 1e-20F, 3.0F, 200000.0F, 3e38F, kSaysSkip, std::numeric_limits<float>::infinity()};
  OperatorUse use{
      {tensor_of<float>({}, {kNorms[static_cast<size_t>(dice.between(0, 6))]}), any_scale(dice)},
      {}};
  if (dice.flip()) use.attributes.set("max_norm", 2.0);
  return use;
}

OperatorUse loss_scale_update_use(Dice& dice) {
  OperatorUse use{{any_scale(dice), any_streak(dice), factor_or_nan(dice)}, {}};
  add_every(dice, use);
  if (dice.flip()) use.attributes.set("growth", 1.5);
  if (dice.flip()) use.attributes.set("backoff", 0.25);
  return use;
}

OperatorUse streak_update_use(Dice& dice) {
  OperatorUse use{{any_streak(dice), factor_or_nan(dice)}, {}};
  add_every(dice, use);
  return use;
}

OperatorUse count_step_use(Dice& dice) { return {{any_streak(dice), factor_or_nan(dice)}, {}}; }

}  // namespace graphrt

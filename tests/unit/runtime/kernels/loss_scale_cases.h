#pragma once

#include "dice.h"
#include "operator_use.h"

namespace graphrt {

// Uses at random, for every back end, of what follows a loss scale: steps that are taken, and
// skipped ones.

OperatorUse unscale_factor_use(Dice& dice);
OperatorUse loss_scale_update_use(Dice& dice);
OperatorUse streak_update_use(Dice& dice);
OperatorUse count_step_use(Dice& dice);
/// What an update multiplies its gradient with: a number, or NaN.
Tensor factor_or_nan(Dice& dice);

}  // namespace graphrt

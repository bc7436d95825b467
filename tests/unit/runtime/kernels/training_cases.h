#pragma once

#include <string_view>

#include "dice.h"
#include "operator_use.h"

namespace graphrt {

// Uses of shapes at random, for every back end: losses, gradients, and what undoes reductions and
// slices.

OperatorUse sqrt_use(Dice& dice);
OperatorUse equal_use(Dice& dice);
OperatorUse broadcast_use(Dice& dice);
OperatorUse pad_use(Dice& dice);
OperatorUse f32_pair_use(Dice& dice);
OperatorUse loss_grad_use(Dice& dice);
OperatorUse softmax_use(Dice& dice);
OperatorUse softmax_grad_use(Dice& dice);
OperatorUse accuracy_use(Dice& dice);
OperatorUse cross_entropy_use(Dice& dice);
OperatorUse cross_entropy_grad_use(Dice& dice);
OperatorUse f32_use(Dice& dice);
OperatorUse hypot_use(Dice& dice);
/// Of a function of f32 elements: with broadcasting, where it takes that.
OperatorUse element_function_use(Dice& dice, std::string_view op);
OperatorUse clip_factor_use(Dice& dice);

}  // namespace graphrt

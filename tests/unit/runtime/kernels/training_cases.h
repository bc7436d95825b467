#pragma once

#include <string_view>

#include "dice.h"
#include "operator_use.h"

namespace graphrt {

// Uses of shapes at random, for every back end: losses, gradients, and what undoes reductions and
// slices.

OperatorUse sqrt_use(Dice& dice);
OperatorUse comparison_use(Dice& dice);
OperatorUse logic_use(Dice& dice);
OperatorUse not_use(Dice& dice);
OperatorUse select_use(Dice& dice);
OperatorUse cast_use(Dice& dice);
OperatorUse broadcast_use(Dice& dice);
OperatorUse pad_use(Dice& dice);
OperatorUse f32_pair_use(Dice& dice);
OperatorUse loss_grad_use(Dice& dice);
OperatorUse softmax_use(Dice& dice);
OperatorUse softmax_grad_use(Dice& dice);
OperatorUse accuracy_use(Dice& dice);
OperatorUse cross_entropy_use(Dice& dice);
OperatorUse cross_entropy_use_of(Dice& dice, const Shape& shape);
OperatorUse cross_entropy_grad_use(Dice& dice);
OperatorUse cross_entropy_grad_use_of(Dice& dice, const Shape& shape);
OperatorUse f32_use(Dice& dice);
OperatorUse hypot_use(Dice& dice);
/// f32 as another type of floats.
Tensor floats_as(const Tensor& tensor, ElementType element);
/// Of a function of float elements: with broadcasting, where it takes that.
OperatorUse element_function_use(Dice& dice, std::string_view op);
OperatorUse clip_factor_use(Dice& dice);

}  // namespace graphrt

#pragma once

#include "dice.h"
#include "operator_use.h"

namespace graphrt {

/// Uses of shapes at random, for every back end.
OperatorUse norm_use(Dice& dice);
OperatorUse norm_with_shift_use(Dice& dice);
OperatorUse norm_grad_use(Dice& dice);
OperatorUse norm_scale_grad_use(Dice& dice);
OperatorUse embedding_use(Dice& dice);
OperatorUse embedding_grad_use(Dice& dice);
OperatorUse dropout_use(Dice& dice);
OperatorUse sgd_use(Dice& dice);
OperatorUse momentum_use(Dice& dice);
OperatorUse moving_average_use(Dice& dice);
OperatorUse average_of_squares_use(Dice& dice);
OperatorUse adam_use(Dice& dice);
OperatorUse adam_step_use(Dice& dice);
OperatorUse learning_rate_use(Dice& dice);

}  // namespace graphrt

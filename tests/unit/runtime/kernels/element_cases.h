#pragma once

#include <string_view>

#include "dice.h"
#include "operator_use.h"

namespace graphrt {

/// The same use with operands of other types, as far as the operator's type rule lets them be: f32
/// as bf16 or f16, i32 as i64, and a result of any type of floats where one may be asked for. The
/// use itself where the rule takes nothing else.
OperatorUse in_other_elements(Dice& dice, std::string_view op, const OperatorUse& use);

}  // namespace graphrt

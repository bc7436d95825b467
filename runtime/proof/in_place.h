#pragma once

#include "runtime/plan/plan.h"

namespace graphrt {

/// Whether `reader` may write its result over the bytes of this operand of its own: the operator
/// allows it, and wherever the two share bytes they are the same ones.
bool may_write_over(const Plan& plan, InstructionId reader, const Operand& operand);

}  // namespace graphrt

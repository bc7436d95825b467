#pragma once

#include "runtime/plan/plan.h"

namespace graphrt {

/// Whether `reader` may write to buffer `written` over the bytes of this operand of its own: that is
/// where a result of it goes, the operator allows it for that, and wherever the two share bytes they are
/// the same ones.
bool may_write_over(const Plan& plan, InstructionId reader, const Operand& operand,
                    BufferId written);

}  // namespace graphrt

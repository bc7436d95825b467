#pragma once

#include <string_view>

#include "runtime/proof/verify_plan.h"

namespace graphrt {

/// What does not fit in the plan's tables.
PlanViolation structure_violation(std::string_view message);

/// The same about an instruction: `'mm1' (gpu0.compute0)` stands in front of the message.
/// Requires: positions of the plan.
PlanViolation structure_violation(const Plan& plan,
                                  const IdVector<InstructionId, LanePosition>& positions,
                                  InstructionId instruction, std::string_view message);

}  // namespace graphrt

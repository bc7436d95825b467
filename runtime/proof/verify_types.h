#pragma once

#include <optional>

#include "runtime/proof/verify_plan.h"

namespace graphrt {

/// What an instruction gives fits the buffers it writes: by the rules of its operator, with the
/// scratch memory that it needs, or as it was. Requires: ids of the plan, and operands and results
/// as many as the kind of instruction has.
std::optional<PlanViolation> find_type_violation(
    const Plan& plan, const IdVector<InstructionId, LanePosition>& positions, InstructionId id);

}  // namespace graphrt

#pragma once

#include <optional>

#include "runtime/proof/verify_plan.h"

namespace graphrt {

/// Instructions that are started in one launch are kernels of one stage, next to each other on a
/// lane; nothing is waited for between them, nobody waits for some of them, and none touches bytes
/// that another one writes, since they run side by side.
/// Requires: find_broken_reference(plan) found nothing; positions of the plan, where each
/// instruction stands on one lane; kernels write a buffer.
std::optional<PlanViolation> find_launch_violation(
    const Plan& plan, const IdVector<InstructionId, LanePosition>& positions);

}  // namespace graphrt

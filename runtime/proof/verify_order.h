#pragma once

#include <optional>

#include "runtime/proof/verify_plan.h"

namespace graphrt {

/// Checks that no lane waits forever, no two accesses race and every read gets the value its
/// operand names. Requires: find_structure_violation(plan) found nothing.
///
/// Cost: HappensBefore, and a few look-ups for every access; for every two accesses of buffers that
/// share bytes where lives_follow_each_other has no proof.
std::optional<PlanViolation> find_order_violation(const Plan& plan);

}  // namespace graphrt

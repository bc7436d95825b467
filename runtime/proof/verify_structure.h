#pragma once

#include <optional>

#include "runtime/proof/verify_plan.h"

namespace graphrt {

/// Checks everything about a plan but order: that ids, devices, kinds, types and bytes fit.
std::optional<PlanViolation> find_structure_violation(const Plan& plan);

}  // namespace graphrt

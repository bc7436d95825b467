#pragma once

#include <optional>

#include "runtime/proof/verify_plan.h"

namespace graphrt {

/// Devices stand host after host, in the order of the hosts, and the first device of each is its
/// only CPU. Requires: ids of hosts are of the plan.
std::optional<PlanViolation> find_host_violation(const Plan& plan);

}  // namespace graphrt

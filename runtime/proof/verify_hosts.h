#pragma once

#include <optional>

#include "runtime/proof/verify_plan.h"

namespace graphrt {

/// Devices stand host after host, in the order of the hosts, and the first device of each is its
/// only CPU. Lanes are of devices that can have them: outputs are handed out by host 0, links stay
/// within a host, and lanes of messages are of the CPUs of two hosts, name each other and are
/// equally long. Requires: ids of hosts, devices and lanes are of the plan.
std::optional<PlanViolation> find_host_violation(const Plan& plan);

/// What an instruction waits for, reads and writes is of its own host. Requires: as above, and ids
/// of buffers are of the plan.
std::optional<PlanViolation> find_crossing(const Plan& plan,
                                           const IdVector<InstructionId, LanePosition>& positions,
                                           InstructionId id);

/// Both ends of every message are of the same type and stage. Requires: find_host_violation found
/// none; a send reads one buffer, a receive writes one.
std::optional<PlanViolation> find_pair_violation(
    const Plan& plan, const IdVector<InstructionId, LanePosition>& positions);

}  // namespace graphrt

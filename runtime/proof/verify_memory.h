#pragma once

#include <optional>

#include "runtime/proof/verify_plan.h"

namespace graphrt {

/// Arenas are of a kind that their device has, buffers are aligned and lie in their arenas.
/// Requires: find_broken_reference(plan) found nothing; the first device is the host.
std::optional<PlanViolation> find_memory_violation(const Plan& plan);

/// Every buffer of the host that a copy or a message reads or writes lies in a pinned arena: from
/// pageable memory an accelerator's copy would keep its queue from running on, or fail, and a
/// network card may read and write pinned memory by itself. Requires: as above;
/// positions of the plan, where each instruction stands on one lane.
std::optional<PlanViolation> find_unpinned_copy(
    const Plan& plan, const IdVector<InstructionId, LanePosition>& positions);

}  // namespace graphrt

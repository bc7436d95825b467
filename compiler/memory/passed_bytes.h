#pragma once

#include "compiler/memory/memory_plan.h"
#include "compiler/memory/reuse_order.h"

namespace graphc {

/// Value `to` of step s + steps has some bytes next after `from` of step s.
struct ValueHandOver {
  PlacedValueId from;
  PlacedValueId to;
  int32_t steps = 0;
};

/// All hand-overs in an arena, going by the list of `reuse` (hand_overs.h). To be in order for
/// these is to be in order for all that share bytes: every access before another, or of the task
/// that writes in place, comes before what that one comes before.
/// Requires: `accesses` is value_accesses of the plan's schedule.
std::vector<ValueHandOver> hand_overs_in(
    const MemoryPlan& plan, ArenaId arena, const ReuseOrder& reuse,
    const IdVector<PlacedValueId, std::vector<ValueAccess>>& accesses);

}  // namespace graphc

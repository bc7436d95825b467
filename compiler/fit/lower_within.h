#pragma once

#include "compiler/fit/fit_memory.h"
#include "compiler/machine/cost_model.h"
#include "compiler/placement/place.h"

namespace graphc {

/// The stages from split_rows to remove_redundant_waits under a strategy, to see how it does; gates
/// stand in compile.cpp, where the chosen one is lowered.
Synchronised lower_within(const MemoryLimits& limits, const PlacedGraph& placed,
                          const MemoryStrategy& strategy, const Machine& machine,
                          const CostModel& costs);

/// The schedule under a strategy. Large copies stay whole where something is given up for memory.
Schedule scheduled_within(const TaskGraph& tasks, const MemoryStrategy& strategy,
                          const Machine& machine, const CostModel& costs,
                          const MemoryLimits& limits);

/// The strategy for a placed graph. Nothing is given up, and nothing tried, if all values together
/// are within the limits.
MemoryStrategy choose_strategy(const PlacedGraph& placed, const Machine& machine,
                               const CostModel& costs, const MemoryLimits& limits);

/// How a placement does within the limits; nothing if it cannot be routed.
std::optional<PlacementScore> score_within(const MemoryLimits& limits, const Graph& graph,
                                           const Assignment& assignment, const Machine& machine,
                                           const CostModel& costs);

}  // namespace graphc

#pragma once

#include <map>

#include "compiler/fit/trade_offs.h"
#include "compiler/machine/cost_model.h"
#include "compiler/memory/memory_plan.h"

namespace graphc {

/// Bytes that the user lets a plan have of some devices.
using AskedLimits = std::map<DeviceId, int64_t>;

/// What a plan may have of every device: what is asked for, and no more than there is.
MemoryLimits limits_of(const Machine& machine, const AskedLimits& asked);

/// Whether every value could have bytes of its own.
bool has_room_for_all(const Schedule& schedule, const MemoryLimits& limits);

/// All stages from placement on, under limits of the caller's choice; graph, machine and costs
/// outlive the answer.
CompileWithin compile_within(const Graph& graph, const Machine& machine, const CostModel& costs);

/// Errors (kMachine): the first device of which the plan takes too much, and the smallest limit
///         that works there.
Result<void> check_limits(const MemoryPlan& memory, const Machine& machine,
                          const AskedLimits& asked, const CompileWithin& compile);

}  // namespace graphc

#pragma once

#include <map>

#include "compiler/search/evaluator.h"
#include "compiler/search/trade_offs.h"

namespace graphc {

/// Bytes that the user lets a plan have of some devices.
using AskedLimits = std::map<DeviceId, int64_t>;

/// What a plan may have of every device: what is asked for, and no more than there is.
MemoryLimits limits_of(const Machine& machine, const AskedLimits& asked);

/// Placement and all that follows, under limits of the caller's choice; the evaluator outlives the
/// answer.
CompileWithin compile_within(Evaluator& evaluator);

/// Errors (kMachine): the first device of which the plan takes too much, and the smallest limit
///         that works there.
Result<void> check_limits(const MemoryPlan& memory, const Target& target,
                          const Shared<Graph>& graph);

/// Errors (kMachine): the first device of which a plan takes too much whose decisions are given,
/// and
///         by how much.
Result<void> check_decided(const MemoryPlan& memory, const Target& target);

}  // namespace graphc

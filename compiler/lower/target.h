#pragma once

#include "compiler/lower/search_report.h"
#include "compiler/machine/cost_model.h"
#include "compiler/solve/schedule/effort.h"

namespace graphc {

/// What a graph is lowered for. Requires: machine and costs outlive it.
struct Target {
  const Machine& machine;
  const CostModel& costs;
  MemoryLimits limits;  ///< what a plan may have of every device
  Effort effort = Effort::kNormal;
  SearchReport report = {};
};

inline Target with_limits(const Target& target, MemoryLimits limits) {
  return {target.machine, target.costs, std::move(limits), target.effort, target.report};
}

}  // namespace graphc

#pragma once

#include <vector>

#include "compiler/memory/interval_packing.h"

namespace graphc {

struct Baseline {
  const char* name;
  Packing (*pack)(const IntervalProblem& problem);
};

/// The greedy planners in use: first fit by size, by breadth, by conflicts and by start. Plainly
/// written, sharing no code with the planner they are compared with: every step sorts all that is
/// in the way, which takes minutes for a million requests.
std::vector<Baseline> memory_baselines();

}  // namespace graphc

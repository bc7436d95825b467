#pragma once

#include <vector>

#include "compiler/solve/packing/interval_packing.h"

namespace graphc {

struct Baseline {
  const char* name;
  Packing (*pack)(const IntervalProblem& problem);
};

/// The greedy planners in use: first fit by size, by breadth, by conflicts and by start. Plainly
/// written, sharing no code with the planner they are compared with: every request looks
/// at all that is placed, which takes hours for a million.
std::vector<Baseline> memory_baselines();

}  // namespace graphc

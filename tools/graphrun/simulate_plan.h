#pragma once

#include "runtime/base/result.h"
#include "tools/graphrun/options.h"

namespace graphrun {

/// Prints the timeline that the plan predicts; runs nothing.
/// Errors: a file that is not a plan, or not a safe one; more steps than anybody could read.
graphrt::Result<void> simulate_plan(const Options& options);

}  // namespace graphrun

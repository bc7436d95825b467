#pragma once

#include <cstdint>
#include <string>

#include "runtime/plan/plan.h"

namespace graphrt {

/// The predicted timeline of a run of `num_steps` steps, lane by lane, a line an instruction with
/// its step, start and end; then the run's length and the plan's time per step in the long run.
/// Requires: verify_plan(plan) found nothing.
std::string predicted_timeline_text(const Plan& plan, int64_t num_steps);

}  // namespace graphrt

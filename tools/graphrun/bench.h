#pragma once

#include <cstdint>
#include <string>

#include "runtime/base/result.h"
#include "runtime/session/session.h"

namespace graphrun {

/// Runs `num_steps` steps to warm up, until a run finds all its steps recorded, at most 16 times,
/// and then `num_repetitions` times; returns the report: median and spread of the time per step,
/// beside the plan's prediction.
graphrt::Result<std::string> bench(graphrt::Session& session, int64_t num_steps,
                                   int32_t num_repetitions, const graphrt::RunOptions& options);

}  // namespace graphrun

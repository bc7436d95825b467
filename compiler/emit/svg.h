#pragma once

#include <string>

#include "compiler/sync/synchronised.h"

namespace graphc {

/// The predicted timeline of the first `num_steps` steps: lanes as rows, a colour a step, the name
/// of a task where it fits and in the tooltip. A web browser shows it. Beyond 2000 runs, those that
/// are too short to be told apart are drawn as one, a few thousand in all.
std::string to_svg(const Synchronised& synchronised, int64_t num_steps);

}  // namespace graphc

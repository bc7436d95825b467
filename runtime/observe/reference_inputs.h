#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "runtime/base/tensor.h"
#include "runtime/session/session.h"

namespace graphrt {

/// What the inputs of the plan's source graph are in a step of the session: gathered row by row,
/// unlike by the feeds that they check.
/// Requires: the session has run, or its feeds were read.
std::map<std::string, Tensor> reference_inputs(const Session& session, int64_t step);

}  // namespace graphrt

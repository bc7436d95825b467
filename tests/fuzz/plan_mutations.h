#pragma once

#include <cstdint>

#include "runtime/plan/plan.h"

namespace graphrt::fuzz {

/// The plan with one to four small changes that keep it encodable, and often of sound structure: a
/// wait, a place on a lane, a version, an offset, an operand, an operator, ... The same plan and
/// seed give the same result.
Plan mutated(Plan plan, uint32_t seed);

}  // namespace graphrt::fuzz

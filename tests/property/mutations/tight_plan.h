#pragma once

#include <cstdint>
#include <optional>

#include "runtime/plan/plan.h"

namespace graphrt {

/// The random plan of this seed with as few and as weak waits as it can do with: verify_plan
/// accepts it, and refuses it with any wait removed, of a lower count or of a larger distance.
/// Nothing if the verifier refuses the random plan itself.
std::optional<Plan> tight_random_plan(uint64_t seed);

/// Whether an instruction of the plan writes the very bytes of one of its operands.
bool has_in_place(const Plan& plan);

/// Whether an instruction has scratch memory.
bool has_scratch(const Plan& plan);

}  // namespace graphrt

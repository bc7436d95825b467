#pragma once

#include <cstdint>

#include "runtime/plan/plan.h"

namespace graphrt::fuzz {

/// Whether a plan, verified or not, is small enough to verify, simulate and run it thousands of
/// times a minute. No statement about the plan.
bool is_small(const Plan& plan);

/// What a pipelined run is compared with.
enum class Comparison : uint8_t {
  kReference,  ///< which may find what it likes: nobody says that the plan computes its source
  kBarrier,    ///< a run with a barrier after every step
  kQueue,      ///< a run with the lanes of accelerators in a queue
};

/// Runs some steps of a verified plan on emulated devices and compares. Ends the process where a
/// second run fails or gives other bits.
/// Requires: verify_plan found nothing; is_small(plan).
void run_verified(const Plan& plan, Comparison comparison);

}  // namespace graphrt::fuzz

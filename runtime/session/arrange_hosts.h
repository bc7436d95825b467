#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "runtime/base/result.h"
#include "runtime/plan/plan.h"
#include "runtime/remote/transport.h"

namespace graphrt {

/// Before anything else of a plan, with all ranks: makes sure that they have the same plan, as many
/// as it has hosts, and gives host k rank k. `rank_map` has the rank that stands for a host now;
/// hosts that it does not name get the others in their order. All hosts here: nothing to do.
/// Errors: the same on all ranks; another number of ranks, another plan (kInput), a map that does
///         not fit (kUsage).
Result<void> arrange_hosts(Transport& transport, const Plan& plan,
                           const std::map<std::string, int32_t>& rank_map);

}  // namespace graphrt

#pragma once

#include <vector>

#include "tests/property/plan/mutate.h"

namespace graphrt {

/// Everything that can be got wrong about messages, at every place: two neighbours exchanged at one
/// end or at both, one dropped at one end, a row less, another stage at one end or at both, and each
/// wait of the plan for another lane, of any host.
std::vector<Mutant> message_mutants(const Plan& plan);

/// Whether both ends of each message fit each other and nothing but messages crosses hosts, by a
/// look at each. Requires: ids and counts of the plan.
bool keeps_to_its_hosts(const Plan& plan);

}  // namespace graphrt

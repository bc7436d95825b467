#pragma once

#include <string>
#include <vector>

#include "runtime/plan/plan.h"

namespace graphrt {

/// A plan with one change, and what the change is.
struct Mutant {
  Plan plan;
  std::string description;
};

/// Every wait of the plan in turn: removed, its count lowered by one (a count of 1: removed), its
/// distance raised by one. Of a plan with no wait too many, verify_plan refuses each of them.
std::vector<Mutant> wait_mutants(const Plan& plan);

/// Every two neighbours on a lane in turn, exchanged. Some of these may be sound.
std::vector<Mutant> order_mutants(const Plan& plan);

}  // namespace graphrt

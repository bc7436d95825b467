#pragma once

#include <string>

#include "runtime/plan/plan.h"

namespace graphrt {

/// The whole plan as text, lane by lane, for people and FileCheck.
std::string print_plan(const Plan& plan);

/// The same as JSON (one object, keys in a fixed order).
std::string plan_to_json(const Plan& plan);

/// Line by line difference of two printed plans, `- ` and `+ ` in front; empty if they are equal.
std::string diff_plans(const Plan& before, const Plan& after);

}  // namespace graphrt

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/plan/plan.h"

namespace graphrt {

enum class PlanViolationKind {
  kStructure,  ///< an index, size, arity, type or device that does not fit
  kDeadlock,   ///< a cycle of waits and lane order with total distance 0
  kRace,       ///< two accesses to the same bytes, one of them a write, without an order
  kStaleRead,  ///< the named write does not come before its read, or another one can fall between
};

/// What is wrong, and with whom.
struct PlanViolation {
  PlanViolationKind kind = PlanViolationKind::kStructure;
  std::optional<InstructionId> first;  ///< the two accesses that lost their order
  std::optional<InstructionId> second;
  std::string message;  ///< names instructions, lanes, the buffer and its bytes, and the distance
};

/// Proves on the plan alone, for runs of any number of steps, that every read gets the value its
/// operand names, that no two accesses race and that no lane waits forever. docs/verification.md
/// has the argument. Returns the first violation, in a fixed order; nothing if the plan is safe.
std::optional<PlanViolation> verify_plan(const Plan& plan);

}  // namespace graphrt

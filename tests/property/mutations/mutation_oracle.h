#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "runtime/attack/adversary.h"
#include "runtime/proof/verify_plan.h"

namespace graphrt {

/// What the verifier says of a plan, and what executions of it show.
struct Judgement {
  std::optional<PlanViolation> violation;
  /// Of an adversary that holds every instruction, and so finds a fault iff there is one. Not asked
  /// where the structure is refused: nothing says what such a plan does.
  std::optional<ExecutionFault> fault;

  bool is_broken() const { return violation && violation->kind == PlanViolationKind::kStructure; }
  /// A value is wrong in some execution, and the verifier accepts.
  bool is_missed() const { return fault && !violation; }
  /// No execution is wrong, and the verifier refuses.
  bool is_overrefused() const { return violation && !is_broken() && !fault; }
};

Judgement judge(const Plan& plan);

/// Both in words, for a test that fails.
std::string describe(const Judgement& judgement);

/// Whether the checker that writes out every instance and looks at all pairs agrees with the
/// adversary, and finds nothing in several runs where there is nothing in one; no answer where the
/// plan is too large to be written out. Requires: not broken.
std::optional<bool> unrolled_checker_agrees(const Plan& plan, const Judgement& judgement);

}  // namespace graphrt

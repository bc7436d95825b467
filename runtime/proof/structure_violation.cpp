#include "runtime/proof/structure_violation.h"

#include <fmt/format.h>

#include "runtime/plan/plan_names.h"

namespace graphrt {

PlanViolation structure_violation(std::string_view message) {
  return {.kind = PlanViolationKind::kStructure,
          .first = {},
          .second = {},
          .message = fmt::format("structure: {}", message)};
}

PlanViolation structure_violation(const Plan& plan,
                                  const IdVector<InstructionId, LanePosition>& positions,
                                  InstructionId instruction, std::string_view message) {
  PlanViolation violation = structure_violation(
      fmt::format("{} {}", name_with_lane(plan, positions, instruction), message));
  violation.first = instruction;
  return violation;
}

}  // namespace graphrt

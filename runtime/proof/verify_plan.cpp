#include "runtime/proof/verify_plan.h"

#include "runtime/proof/verify_order.h"
#include "runtime/proof/verify_structure.h"

namespace graphrt {

std::optional<PlanViolation> verify_plan(const Plan& plan) {
  if (auto violation = find_structure_violation(plan)) return violation;
  return find_order_violation(plan);
}

}  // namespace graphrt

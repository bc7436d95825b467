#include "tests/property/mutations/tight_plan.h"

#include <algorithm>

#include "runtime/proof/verify_plan.h"
#include "tests/property/plan/random_plan.h"

namespace graphrt {
namespace {

bool is_accepted(const Plan& plan) { return !verify_plan(plan).has_value(); }

/// The wait, one step at a time, as weak as the plan can do with.
void weaken(Plan& plan, InstructionId id, size_t index) {
  const auto try_wait = [&](const Wait& weaker) {
    const Wait before = plan.instructions[id].waits[index];
    plan.instructions[id].waits[index] = weaker;
    if (is_accepted(plan)) return true;
    plan.instructions[id].waits[index] = before;
    return false;
  };
  Wait wait = plan.instructions[id].waits[index];
  for (++wait.distance; wait.distance <= kMaxStepsInFlight && try_wait(wait);) ++wait.distance;
  wait = plan.instructions[id].waits[index];
  for (--wait.count; wait.count > 0 && try_wait(wait);) --wait.count;
}

/// A plan with less order is refused for all that one with more is: what could not be weakened
/// cannot be when others are weaker, so once for each wait is enough.
void tighten(Plan& plan) {
  for (const InstructionId id : plan.instructions.ids()) {
    for (size_t i = plan.instructions[id].waits.size(); i-- > 0;) {
      const std::vector<Wait> before = plan.instructions[id].waits;
      std::vector<Wait>& waits = plan.instructions[id].waits;
      waits.erase(waits.begin() + static_cast<std::ptrdiff_t>(i));
      if (is_accepted(plan)) continue;
      plan.instructions[id].waits = before;
      weaken(plan, id, i);
    }
  }
}

}  // namespace

std::optional<Plan> tight_random_plan(uint64_t seed) {
  Plan plan = random_plan(seed);
  if (!is_accepted(plan)) return std::nullopt;
  tighten(plan);
  return plan;
}

bool has_in_place(const Plan& plan) {
  const auto place = [&](BufferId buffer, const std::optional<RowRange>& rows) {
    const PlanBuffer& it = plan.buffers[buffer];
    return it.offset_bytes + row_offset_bytes(it.type, rows_or_all(it.type, rows).begin);
  };
  return std::any_of(
      plan.instructions.begin(), plan.instructions.end(), [&](const Instruction& instruction) {
        if (instruction.writes.empty()) return false;
        const BufferId written = instruction.writes.front();
        return std::any_of(
            instruction.reads.begin(), instruction.reads.end(), [&](const Operand& operand) {
              return plan.buffers[operand.buffer].arena == plan.buffers[written].arena &&
                     plan.buffers[written].versions == 1 &&
                     plan.buffers[operand.buffer].versions == 1 &&
                     place(operand.buffer, operand.rows) == place(written, instruction.rows);
            });
      });
}

bool has_scratch(const Plan& plan) {
  return std::any_of(
      plan.instructions.begin(), plan.instructions.end(),
      [](const Instruction& instruction) { return instruction.scratch.has_value(); });
}

}  // namespace graphrt

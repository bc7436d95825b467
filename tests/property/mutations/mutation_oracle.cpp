#include "tests/property/mutations/mutation_oracle.h"

#include <algorithm>
#include <vector>

#include "tests/property/plan/unrolled_checker.h"

namespace graphrt {
namespace {

/// Holds first whom the verifier names: if it is right, that shows at once. If it is not, or names
/// nobody, all others are held.
std::optional<ExecutionFault> find_fault(const Plan& plan,
                                         const std::optional<PlanViolation>& violation) {
  const Adversary adversary(plan, adversary_steps(plan));
  std::vector<Interleaving> holds = adversary.holds();
  if (violation) {
    std::stable_partition(holds.begin(), holds.end(), [&](const Interleaving& hold) {
      return violation->first == hold.held || violation->second == hold.held;
    });
  }
  for (const Interleaving& hold : holds) {
    if (auto fault = adversary.run(hold)) return fault;
  }
  return std::nullopt;
}

}  // namespace

Judgement judge(const Plan& plan) {
  Judgement judgement{verify_plan(plan), {}};
  if (!judgement.is_broken()) judgement.fault = find_fault(plan, judgement.violation);
  return judgement;
}

std::string describe(const Judgement& judgement) {
  return "verifier: " + (judgement.violation ? judgement.violation->message : "accepted") +
         "\nadversary: " + (judgement.fault ? judgement.fault->message : "no fault");
}

std::optional<bool> unrolled_checker_agrees(const Plan& plan, const Judgement& judgement) {
  const int64_t num_steps = adversary_steps(plan);
  // Cut into runs, the same steps take as many more intervals as stages need to fill and drain.
  const std::vector<int64_t> runs = {1, 2, num_steps};
  const int64_t num_intervals = 3 + num_steps + int64_t{3} * max_stage(plan);
  const int64_t num_instances = num_intervals * static_cast<int64_t>(plan.instructions.size());
  if (num_instances > static_cast<int64_t>(UnrolledPlan::kMaxInstances)) return std::nullopt;
  if (find_unrolled_fault(plan, {num_steps}).has_value() != judgement.fault.has_value()) {
    return false;
  }
  // Barriers add order, so that runs may hide a fault; they may never add one.
  return judgement.fault || !find_unrolled_fault(plan, runs);
}

}  // namespace graphrt

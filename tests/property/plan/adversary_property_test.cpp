#include <gtest/gtest.h>

#include "runtime/attack/adversary.h"
#include "runtime/proof/verify_order.h"
#include "tests/property/plan/random_plan.h"
#include "tests/property/plan/unrolled_checker.h"
#include "tests/unit/runtime/plan/small_plans.h"

namespace graphrt {
namespace {

/// Random plans, and how many of them are looked at.
struct AttackedPlans {
  Plan (*make)(uint64_t seed);
  uint64_t number;
};
constexpr AttackedPlans kOverOneHost{random_plan, 4000};
constexpr AttackedPlans kOverHosts{random_plan_over_hosts, 1000};

class AdversaryOnRandomPlans : public ::testing::TestWithParam<AttackedPlans> {};

std::string text_of(const std::optional<ExecutionFault>& fault) {
  return fault ? fault->message : "no fault";
}

// An accepted plan shows no fault whatever is held; each refused one shows one.
TEST_P(AdversaryOnRandomPlans, FindsAFaultByHoldingIffTheVerifierRefuses) {
  uint64_t num_accepted = 0;
  for (uint64_t seed = 0; seed < GetParam().number; ++seed) {
    const Plan plan = GetParam().make(seed);
    const auto violation = find_order_violation(plan);
    const AdversaryReport report = execute_adversely(plan, adversary_steps(plan), 0);
    ASSERT_EQ(violation.has_value(), report.fault.has_value())
        << "seed " << seed << "\nverifier: " << (violation ? violation->message : "accepted")
        << "\nadversary: " << text_of(report.fault);
    num_accepted += violation ? 0 : 1;
  }
  EXPECT_GE(num_accepted, GetParam().number / 10);
  EXPECT_LE(num_accepted, GetParam().number - GetParam().number / 10);
}

// Runs that are too short for the argument about any length: all their intervals are held, and what
// they find is what a run of that length can show.
TEST_P(AdversaryOnRandomPlans, FindsAllThatAShortRunCanShow) {
  for (uint64_t seed = 0; seed < GetParam().number / 4; ++seed) {
    const Plan plan = GetParam().make(seed);
    for (const int64_t num_steps : {1, 2, 3}) {
      const auto fault = find_unrolled_fault(plan, {num_steps});
      const AdversaryReport report = execute_adversely(plan, num_steps, 0);
      ASSERT_EQ(fault.has_value(), report.fault.has_value())
          << "seed " << seed << ", " << num_steps
          << " steps\noracle: " << fault.value_or("accepted")
          << "\nadversary: " << text_of(report.fault);
    }
  }
}

// Random orders find nothing in an accepted plan, and most of what is wrong in a refused one.
TEST_P(AdversaryOnRandomPlans, RandomOrdersFindNothingInAcceptedPlans) {
  constexpr uint64_t kNumSeeds = 8;
  int num_refused = 0;
  int num_found = 0;
  for (uint64_t seed = 0; seed < GetParam().number / 4; ++seed) {
    const Plan plan = GetParam().make(seed);
    const bool is_refused = find_order_violation(plan).has_value();
    const Adversary adversary(plan, adversary_steps(plan));
    bool is_found = false;
    for (uint64_t order = 0; order < kNumSeeds && !is_found; ++order) {
      for (const auto policy : {AdversaryPolicy::kRandom, AdversaryPolicy::kPriorities}) {
        const auto fault = adversary.run({policy, order, InstructionId(), 0, order % 2 == 1});
        ASSERT_FALSE(fault && !is_refused) << "seed " << seed << ": " << text_of(fault);
        is_found = is_found || fault;
      }
    }
    num_refused += is_refused ? 1 : 0;
    num_found += is_found ? 1 : 0;
  }
  EXPECT_GT(num_found, num_refused * 9 / 10);
}

INSTANTIATE_TEST_SUITE_P(Hosts, AdversaryOnRandomPlans, ::testing::Values(kOverOneHost, kOverHosts),
                         [](const auto& of) {
                           return of.param.make == random_plan ? "One" : "Several";
                         });

}  // namespace
}  // namespace graphrt

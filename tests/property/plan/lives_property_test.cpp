#include <gtest/gtest.h>

#include "runtime/proof/buffer_lives.h"
#include "runtime/proof/buffer_overlap.h"
#include "runtime/proof/verify_plan.h"
#include "tests/bench/large_plans.h"
#include "tests/property/plan/mutate.h"
#include "tests/property/plan/random_plan.h"
#include "tests/property/plan/unrolled_checker.h"

namespace graphrt {
namespace {

constexpr uint64_t kNumLivesPlans = 4000;
constexpr int32_t kLivesHorizon = 9;

// What verify_plan accepts, it accepts by neighbours in time: there is no plan that only a look at
// every two accesses would find safe.
void expect_lives_to_follow(Plan (*make)(uint64_t seed)) {
  uint64_t num_groups = 0;
  for (uint64_t seed = 0; seed < kNumLivesPlans; ++seed) {
    const Plan plan = make(seed);
    if (verify_plan(plan)) continue;
    const PlanOrder order(plan, lane_program(plan), kLivesHorizon);
    for (const std::vector<BufferId>& group : groups_by_place(plan)) {
      if (group.size() == 1) continue;
      ++num_groups;
      EXPECT_TRUE(lives_follow_each_other(plan, BufferUses(plan), order, group)) << "seed " << seed;
    }
  }
  EXPECT_GT(num_groups, kNumLivesPlans / 20);
}

TEST(BufferLives, FollowEachOtherInEverySoundPlan) { expect_lives_to_follow(random_plan); }

TEST(BufferLives, FollowEachOtherInEverySoundPlanOverHosts) {
  expect_lives_to_follow(random_plan_over_hosts);
}

class LargePlans : public ::testing::TestWithParam<PlanShape> {};

constexpr int32_t kNumInstructions = 64;
constexpr int32_t kNumLanes = 4;

// What the benchmark takes for correct, is; and it is not trivial: some of its waits are needed.
TEST_P(LargePlans, AreSoundByTheOracleAndNeedTheirWaits) {
  const Plan plan = large_plan(GetParam(), kNumInstructions, kNumLanes);
  const auto violation = verify_plan(plan);
  ASSERT_FALSE(violation) << violation->message;
  constexpr int64_t kSteps = 6;
  EXPECT_EQ(find_unrolled_fault(plan, {kSteps}), std::nullopt);
  int num_refused = 0;
  for (const Mutant& mutant : wait_mutants(plan)) {
    const bool is_refused = verify_plan(mutant.plan).has_value();
    EXPECT_EQ(is_refused, find_unrolled_fault(mutant.plan, {kSteps}).has_value())
        << mutant.description;
    num_refused += is_refused ? 1 : 0;
  }
  const bool has_values_of_other_lanes =
      GetParam() != PlanShape::kPools && GetParam() != PlanShape::kBlocks;
  EXPECT_EQ(num_refused > 0, has_values_of_other_lanes);
}

TEST_P(LargePlans, AreVerifiedInAllSizes) {
  for (const int32_t num_instructions : {2, 100, 3000}) {
    for (const int32_t num_lanes : {2, 6, 16}) {
      const auto violation = verify_plan(large_plan(GetParam(), num_instructions, num_lanes));
      EXPECT_FALSE(violation) << violation->message;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, LargePlans,
                         ::testing::ValuesIn(all_plan_shapes().begin(), all_plan_shapes().end()));

}  // namespace
}  // namespace graphrt

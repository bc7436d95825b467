#include "runtime/observe/finite_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <utility>

#include "runtime/session/session.h"
#include "tests/unit/runtime/engine/training_plan.h"

namespace graphrt {
namespace {

using ::testing::HasSubstr;

/// Fed, and keeping the loss of all steps.
Session open_watched(Plan plan, const Tensor& rows = training_rows()) {
  Result<Session> session = Session::create(std::move(plan), "", emulated(), builtin_devices());
  EXPECT_TRUE(session) << session.error().message;
  EXPECT_TRUE(session->set_input("x", rows));
  EXPECT_TRUE(session->stack_output("l"));
  return *std::move(session);
}

Session open_watched(Overlap overlap) { return open_watched(TrainingPlan::make(overlap)); }

/// Rows of which the one that step `bad` reads first holds a NaN.
Tensor rows_with_nan(size_t bad) {
  Tensor rows = training_rows();
  rows.as<float>()[bad * 2 * 4] = std::numeric_limits<float>::quiet_NaN();
  return rows;
}

TEST(FiniteWatch, SeesNothingWhileAllIsFinite) {
  Session session = open_watched(Overlap::kPipelined);
  auto watch = FiniteWatch::begin(session, {"l"});
  ASSERT_TRUE(watch);
  ASSERT_TRUE(watch->before_piece(session));
  ASSERT_TRUE(session.run(4));
  const auto found = watch->after_piece(session, {});
  ASSERT_TRUE(found);
  EXPECT_FALSE(*found);
  EXPECT_EQ(session.next_step(), 4);
}

TEST(FiniteWatch, NamesTheInputThatANanCameInWith) {
  Session session = open_watched(TrainingPlan::make(Overlap::kPipelined), rows_with_nan(3));
  auto watch = FiniteWatch::begin(session, {"l"});
  ASSERT_TRUE(watch);
  ASSERT_TRUE(watch->before_piece(session));
  ASSERT_TRUE(session.run(5));
  const auto found = watch->after_piece(session, {});
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_TRUE(*found);
  EXPECT_EQ((*found)->step, 3);
  EXPECT_EQ((*found)->seen, "output 'l'");
  EXPECT_EQ((*found)->source, "input 'x'");
}

// The weights grow by a factor with every step; z overflows first, in the product that makes it.
TEST(FiniteWatch, FindsTheStepAndTheNodeAndGoesBackBeforeThem) {
  Plan plan = TrainingPlan::make(Overlap::kPipelined);
  for (Instruction& instruction : plan.instructions) {
    if (instruction.name == "w_new") instruction.attributes.set("learning_rate", 1e12);
  }
  plan.source.nodes.back().attributes.set("learning_rate", 1e12);
  Session session = open_watched(plan);
  auto watch = FiniteWatch::begin(session, {"l"});
  ASSERT_TRUE(watch);
  ASSERT_TRUE(watch->before_piece(session));
  ASSERT_TRUE(session.run(20));
  const auto found = watch->after_piece(session, {});
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_TRUE(*found);
  EXPECT_GT((*found)->step, 0);
  EXPECT_LT((*found)->step, 10);
  EXPECT_THAT((*found)->source, HasSubstr("node '"));
  EXPECT_EQ(session.next_step(), (*found)->step);

  Session before = open_watched(plan);
  ASSERT_TRUE(before.run((*found)->step));
  EXPECT_TRUE(is_finite(*before.stacked("l")));
  EXPECT_EQ(*before.state("w"), *session.state("w"));
  ASSERT_TRUE(before.run(1));
  EXPECT_FALSE(is_finite(*before.last("l")) && is_finite(*before.state("w")));
}

TEST(FiniteWatch, LeavesStatesAloneThatHoldInfinityFromTheStart) {
  Session session = open_watched(Overlap::kPipelined);
  Tensor value = *session.state("w");
  value.as<float>()[0] = std::numeric_limits<float>::infinity();
  ASSERT_TRUE(session.set_state("w", value));
  auto watch = FiniteWatch::begin(session, {});
  ASSERT_TRUE(watch);
  ASSERT_TRUE(watch->before_piece(session));
  ASSERT_TRUE(session.run(2));
  const auto found = watch->after_piece(session, {});
  ASSERT_TRUE(found);
  EXPECT_FALSE(*found);
}

}  // namespace
}  // namespace graphrt

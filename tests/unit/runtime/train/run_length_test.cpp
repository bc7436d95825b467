#include "runtime/train/run_length.h"

#include <gtest/gtest.h>

#include <chrono>

#include "tests/unit/runtime/engine/training_plan.h"

namespace graphrt {
namespace {

using namespace std::chrono_literals;

// 10 rows, 2 a step.
TEST(StepsOfEpochs, AreTheFewestThatTakeAllRows) {
  Result<Session> session =
      Session::create(TrainingPlan::make(Overlap::kSerial), "", emulated(), builtin_devices());
  ASSERT_TRUE(session);
  EXPECT_FALSE(steps_of_epochs(*session, 1)) << "x is missing";
  ASSERT_TRUE(session->set_input("x", training_rows()));
  EXPECT_EQ(steps_of_epochs(*session, 0).value(), 0);
  EXPECT_EQ(steps_of_epochs(*session, 1).value(), 5);
  EXPECT_EQ(steps_of_epochs(*session, kMaxEpochs).value(), 5 * kMaxEpochs);
  ASSERT_TRUE(session->set_input("x", zeros({ElementType::kF32, {7, 4}})));
  EXPECT_EQ(steps_of_epochs(*session, 1).value(), 4) << "the last takes a row of the next epoch";
  EXPECT_EQ(steps_of_epochs(*session, 2).value(), 7);
  ASSERT_TRUE(session->set_input("x", zeros({ElementType::kF32, {2, 4}})));
  EXPECT_EQ(steps_of_epochs(*session, 3).value(), 3) << "every step sees all there is";
}

TEST(Pace, DoublesPiecesThatAreShortAndHalvesThoseThatAreLong) {
  Pace pace(100'000);
  EXPECT_EQ(pace.num_steps(), 10) << "a millisecond, as it is predicted";
  pace.learn(10, 1ms);
  EXPECT_EQ(pace.num_steps(), 20);
  pace.learn(7, 1ms);
  EXPECT_EQ(pace.num_steps(), 20) << "a piece that ended early says nothing";
  pace.learn(20, 200ms);
  EXPECT_EQ(pace.num_steps(), 20);
  pace.learn(20, 2s);
  EXPECT_EQ(pace.num_steps(), 10);
  pace.learn(1, 2s);
  EXPECT_EQ(pace.num_steps(), 1) << "never none";
}

}  // namespace
}  // namespace graphrt

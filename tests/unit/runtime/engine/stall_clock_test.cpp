#include "runtime/engine/stall_clock.h"

#include <gtest/gtest.h>

namespace graphrt {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr StallClock::Clock::time_point kStart{seconds(1000)};

TEST(StallClock, CountsTheTimeWithoutProgress) {
  StallClock stall(milliseconds(100), 7, kStart);
  EXPECT_EQ(stall.look(7, kStart + milliseconds(100)), milliseconds(100));
  EXPECT_EQ(stall.look(7, kStart + milliseconds(250)), milliseconds(250));
  EXPECT_EQ(stall.look(8, kStart + milliseconds(350)), milliseconds(0)) << "progress";
  EXPECT_EQ(stall.look(8, kStart + milliseconds(450)), milliseconds(100));
}

//  looks   0   0.1   0.2  [ stopped ]  2.7  2.8  [ stopped ]  5.3
//  counted     0.1   0.1               0.1  0.1               0.1
TEST(StallClock, TakesALookThatIsFarTooLateForOneInTime) {
  StallClock stall(milliseconds(100), 7, kStart);
  stall.look(7, kStart + milliseconds(100));
  stall.look(7, kStart + milliseconds(200));
  EXPECT_EQ(stall.look(7, kStart + milliseconds(2700)), milliseconds(300));
  EXPECT_EQ(stall.look(7, kStart + milliseconds(2800)), milliseconds(400));
  EXPECT_EQ(stall.look(7, kStart + milliseconds(5300)), milliseconds(500));
}

// However often the process is stopped, what is stuck is found in the end.
TEST(StallClock, FindsAStallBetweenStops) {
  StallClock stall(milliseconds(100), 7, kStart);
  StallClock::Clock::time_point now = kStart;
  int num_looks = 0;
  while (stall.look(7, now += seconds(3)) < seconds(2)) ++num_looks;
  EXPECT_EQ(num_looks, 19);
}

}  // namespace
}  // namespace graphrt

#include "runtime/engine/stall_clock.h"

#include <gtest/gtest.h>

namespace graphrt {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr StallClock::Clock::time_point kStart{seconds(1000)};

constexpr milliseconds kPeriod{100};
constexpr milliseconds kTimeout{2000};

TEST(StallClock, CountsTheTimeWithoutProgress) {
  StallClock stall(kPeriod, kTimeout, 7, kStart);
  EXPECT_EQ(stall.look(7, kStart + milliseconds(100)), milliseconds(100));
  EXPECT_EQ(stall.look(7, kStart + milliseconds(250)), milliseconds(250));
  EXPECT_EQ(stall.look(8, kStart + milliseconds(350)), milliseconds(0)) << "progress";
  EXPECT_EQ(stall.look(8, kStart + milliseconds(450)), milliseconds(100));
}

TEST(StallClock, TakesALookThatIsALittleLateForOneInTime) {
  StallClock stall(kPeriod, kTimeout, 7, kStart);
  stall.look(7, kStart + milliseconds(100));
  EXPECT_EQ(stall.look(7, kStart + milliseconds(500)), milliseconds(200));
  EXPECT_EQ(stall.look(7, kStart + milliseconds(600)), milliseconds(300));
}

//  looks   0   0.1 .. 0.7  [ stopped ]  3.2  3.3 .. 3.9  [ stopped ]  6.4
//  counted     0.1 .. 0.7               0    0.1 .. 0.7               0
TEST(StallClock, StartsAnewAfterAStop) {
  StallClock stall(kPeriod, kTimeout, 7, kStart);
  StallClock::Clock::time_point now = kStart;
  for (int stop = 0; stop < 10; ++stop) {
    for (int i = 1; i <= 7; ++i) EXPECT_EQ(stall.look(7, now += kPeriod), i * kPeriod);
    EXPECT_EQ(stall.look(7, now += milliseconds(2500)), milliseconds(0));
  }
  int num_looks = 0;
  while (stall.look(7, now += kPeriod) < kTimeout) ++num_looks;
  EXPECT_EQ(num_looks, 19) << "what is stuck is found after the last stop";
}

// However busy the machine is, what is stuck is found in the end.
TEST(StallClock, FindsAStallWhereEveryLookIsLate) {
  StallClock stall(kPeriod, kTimeout, 7, kStart);
  StallClock::Clock::time_point now = kStart;
  int num_looks = 0;
  while (stall.look(7, now += milliseconds(590)) < kTimeout) ++num_looks;
  EXPECT_EQ(num_looks, 19);
}

TEST(StallClock, HasTheLongestTimeoutThereIs) {
  StallClock stall(kPeriod, milliseconds::max(), 7, kStart);
  EXPECT_EQ(stall.look(7, kStart + kPeriod), kPeriod);
}

}  // namespace
}  // namespace graphrt

#include "runtime/engine/progress_counter.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace graphrt {
namespace {

constexpr WaitPolicy kParkAtOnce{.num_spins = 0, .num_yields = 0};

TEST(ProgressCounter, HoldsAtOnceForTargetsOfIntervalsBeforeTheFirst) {
  const ProgressCounter counter;
  EXPECT_TRUE(counter.wait_for(0, kParkAtOnce));
  EXPECT_TRUE(counter.wait_for(-5, kParkAtOnce));
}

// Two threads hand a plain integer to and fro, each waiting for the other's counter: every value
// must arrive, and under ThreadSanitizer there must be no race on it.
void signal(WaitPolicy policy) {
  constexpr int64_t kRounds = 2000;
  ProgressCounter ping;
  ProgressCounter pong;
  int64_t value = 0;
  std::thread other([&] {
    for (int64_t i = 1; i <= kRounds; ++i) {
      ASSERT_TRUE(ping.wait_for(i, policy));
      value += 1;
      pong.advance();
    }
  });
  for (int64_t i = 1; i <= kRounds; ++i) {
    value += 1;
    ping.advance();
    ASSERT_TRUE(pong.wait_for(i, policy));
    ASSERT_EQ(value, 2 * i);
  }
  other.join();
}

TEST(ProgressCounter, HandsOverWhenWaitersParkAtOnce) { signal(kParkAtOnce); }
TEST(ProgressCounter, HandsOverWhenWaitersSpinAndYield) { signal(wait_policy(1, 2)); }

TEST(ProgressCounter, WakesEveryParkedWaiterAtItsOwnTarget) {
  ProgressCounter counter;
  std::vector<std::thread> waiters;
  for (int64_t target = 1; target <= 4; ++target) {
    waiters.emplace_back([&counter, target] {
      EXPECT_TRUE(counter.wait_for(target, kParkAtOnce));
      EXPECT_GE(counter.value(), target);
    });
  }
  for (int i = 0; i < 4; ++i) counter.advance();
  for (std::thread& waiter : waiters) waiter.join();
}

TEST(ProgressCounter, CloseReleasesWaitersAndTellsThem) {
  ProgressCounter counter;
  std::thread waiter([&] { EXPECT_FALSE(counter.wait_for(1, kParkAtOnce)); });
  counter.close();
  waiter.join();
  EXPECT_FALSE(counter.wait_for(1, kParkAtOnce));
}

TEST(ProgressCounter, DoesNotShareCacheLinesWithItsNeighbour) {
  EXPECT_EQ(alignof(ProgressCounter), 128U);
  EXPECT_EQ(sizeof(ProgressCounter), 128U);
}

TEST(WaitPolicy, SpinsOnlyWhileEveryLaneHasACore) {
  EXPECT_GT(wait_policy(3, 4).num_spins, 0);
  EXPECT_EQ(wait_policy(4, 4).num_spins, 0);
}

}  // namespace
}  // namespace graphrt

#include "runtime/proof/happens_before.h"

#include <gtest/gtest.h>

namespace graphrt {
namespace {

constexpr LaneId kA{0};
constexpr LaneId kB{1};
constexpr LaneId kC{2};
constexpr LaneId kD{3};

LaneProgram program(std::initializer_list<size_t> lengths) {
  LaneProgram result;
  for (const size_t length : lengths) {
    result.lanes.push_back(std::vector<LaneInstruction>(length));
    result.resources.push_back({});
  }
  return result;
}

void wait(LaneProgram& program, Position at, Wait wait) {
  program.lanes[at.lane][static_cast<size_t>(at.index)].waits.push_back(wait);
}

//  interval   t        t + 1
//  A          a0 a1    a0 a1       a1 is after a0, and a0 after every a1 of an earlier interval
TEST(HappensBefore, OrdersALaneWithItself) {
  const HappensBefore order(program({2}), 3);
  EXPECT_EQ(order.least_distance({kA, 0}, {kA, 1}), 0);
  EXPECT_EQ(order.least_distance({kA, 1}, {kA, 0}), 1);
  EXPECT_EQ(order.least_distance({kA, 0}, {kA, 0}), 1);
  EXPECT_FALSE(order.is_ordered({kA, 1}, {kA, 0}, 0));
  EXPECT_FALSE(order.is_ordered({kA, 0}, {kA, 1}, -1));
}

TEST(HappensBefore, DoesNotOrderLanesThatDoNotWait) {
  const HappensBefore order(program({1, 1}), 5);
  EXPECT_EQ(order.least_distance({kA, 0}, {kB, 0}), std::nullopt);
  EXPECT_EQ(order.prefix({kB, 0}, kA, 5), 0);
}

//  interval   t         t + 1       t + 2
//  A          a0 a1     a0 a1       a0
//  B             \_______ b0 b1
//  C                          \_______ c0        b0 waits(A, 2, 1), c0 waits(B, 2, 1)
TEST(HappensBefore, AddsDistancesAlongAPath) {
  LaneProgram p = program({2, 2, 1});
  wait(p, {kB, 0}, {kA, 2, 1});
  wait(p, {kC, 0}, {kB, 2, 1});
  const HappensBefore order(p, 6);
  EXPECT_EQ(order.least_distance({kA, 1}, {kB, 0}), 1);
  EXPECT_EQ(order.least_distance({kA, 1}, {kC, 0}), 2);
  EXPECT_EQ(order.least_distance({kC, 0}, {kA, 0}), std::nullopt);
  EXPECT_EQ(order.prefix({kC, 0}, kA, 1), 0);
  EXPECT_EQ(order.prefix({kC, 0}, kA, 2), 2);
  // Whatever was over before a1 of one interval was over before a1 of the next.
  EXPECT_EQ(order.prefix({kC, 0}, kA, 3), 2);
}

// Two instructions on two lanes: four counters a layer. Nothing orders the lanes, so the third
// layer equals the second, and no more are needed.
TEST(HappensBefore, TakesNoMoreCountersThanItMay) {
  const LaneProgram p = program({1, 1});
  EXPECT_TRUE(HappensBefore::within(12, p, 200));
  EXPECT_FALSE(HappensBefore::within(11, p, 200));
  EXPECT_TRUE(HappensBefore::within(8, p, 1));
  EXPECT_EQ(HappensBefore::within(12, p, 200)->least_distance({kA, 0}, {kA, 0}), 1);
}

TEST(HappensBefore, KeepsTheSmallerOfTwoWaysRound) {
  LaneProgram p = program({1, 2});
  wait(p, {kB, 0}, {kA, 1, 2});
  wait(p, {kB, 1}, {kA, 1, 1});
  const HappensBefore order(p, 4);
  EXPECT_EQ(order.least_distance({kA, 0}, {kB, 0}), 2);
  EXPECT_EQ(order.least_distance({kA, 0}, {kB, 1}), 1);
}

// b0 waits for b1 of the interval before, which is no news, and for A through a chain of 40
// intervals: the layers do not stop at the first one that changes nothing.
TEST(HappensBefore, FindsDistancesBeyondLayersThatChangeNothing) {
  LaneProgram p = program({1, 1});
  wait(p, {kB, 0}, {kA, 1, 40});
  const HappensBefore order(p, 100);
  EXPECT_EQ(order.least_distance({kA, 0}, {kB, 0}), 40);
  EXPECT_FALSE(order.is_ordered({kA, 0}, {kB, 0}, 39));
  EXPECT_TRUE(order.is_ordered({kA, 0}, {kB, 0}, 100));
}

/// Lanes A and B are ends of messages from one host to the other.
LaneProgram program_with_messages(std::initializer_list<size_t> lengths) {
  LaneProgram result = program(lengths);
  result.pairs.push_back({kA, kB});
  return result;
}

//  C (host 0)    c0                a0 waits for c0
//  A             a0 -.             a0 is sent ...
//  B                  `-> b0       ... and arrives as b0
//  D (host 1)            d0        d0 waits for b0
TEST(HappensBefore, OrdersWhatIsBeforeASendBeforeItsReceiveAndNotTheSend) {
  LaneProgram p = program_with_messages({1, 1, 1, 1});
  wait(p, {kA, 0}, {kC, 1, 0});
  wait(p, {kD, 0}, {kB, 1, 0});
  const HappensBefore order(p, 3);
  EXPECT_EQ(order.least_distance({kC, 0}, {kB, 0}), 0);
  EXPECT_EQ(order.least_distance({kC, 0}, {kD, 0}), 0);
  EXPECT_EQ(order.least_distance({kB, 0}, {kD, 0}), 0);
  // d0 is no sign that a0's bytes may be overwritten: of the interval before, they may.
  EXPECT_EQ(order.least_distance({kA, 0}, {kB, 0}), 1);
  EXPECT_EQ(order.least_distance({kA, 0}, {kD, 0}), 1);
  EXPECT_LT(order.rank({kA, 0}), order.rank({kB, 0}));
}

TEST(HappensBefore, LetsMessagesOfALaneOverlap) {
  LaneProgram p = program_with_messages({2, 2, 1});
  wait(p, {kC, 0}, {kB, 1, 1});
  const HappensBefore order(p, 4);
  EXPECT_FALSE(order.is_ordered({kA, 0}, {kA, 1}, 0));
  EXPECT_EQ(order.least_distance({kA, 0}, {kA, 1}), 1);
  EXPECT_EQ(order.least_distance({kA, 1}, {kA, 0}), 2);
  EXPECT_EQ(order.least_distance({kB, 0}, {kB, 0}), 1);
  // c0 waits for b0 of the interval before, so for b1 of the one before that: ends are in order.
  EXPECT_EQ(order.least_distance({kB, 0}, {kC, 0}), 1);
  EXPECT_EQ(order.least_distance({kB, 1}, {kC, 0}), 2);
}

TEST(HappensBefore, LetsAMessageWaitForOnesAheadOfItOnItsLane) {
  LaneProgram p = program_with_messages({3, 3});
  wait(p, {kA, 2}, {kA, 1, 0});
  const HappensBefore order(p, 2);
  EXPECT_EQ(order.least_distance({kA, 0}, {kA, 2}), 0);
  EXPECT_EQ(order.least_distance({kA, 1}, {kA, 2}), 1);
  EXPECT_EQ(order.least_distance({kA, 0}, {kB, 2}), 0);
}

TEST(FindDeadlock, AcceptsCyclesThatSpanIntervals) {
  LaneProgram p = program({1, 1});
  wait(p, {kA, 0}, {kB, 1, 1});
  wait(p, {kB, 0}, {kA, 1, 0});
  EXPECT_TRUE(find_deadlock(p).empty());
  EXPECT_TRUE(find_deadlock(LaneProgram()).empty());
}

//  A   a0 a1          a0 waits for b1, which stands behind b0, which waits for a1,
//  B   b0 b1          which stands behind a0
TEST(FindDeadlock, FollowsWaitsAndLaneOrder) {
  LaneProgram p = program({2, 2});
  wait(p, {kA, 0}, {kB, 2, 0});
  wait(p, {kB, 0}, {kA, 2, 0});
  const std::vector<Position> cycle = {{kA, 0}, {kB, 1}, {kB, 0}, {kA, 1}};
  EXPECT_EQ(find_deadlock(p), cycle);
}

TEST(FindDeadlock, NamesOnlyTheCycleAndNotWhoWaitsForIt) {
  LaneProgram p = program({1, 1, 1});
  wait(p, {kA, 0}, {kB, 1, 0});
  wait(p, {kB, 0}, {kC, 1, 0});
  wait(p, {kC, 0}, {kB, 1, 0});
  const std::vector<Position> cycle = {{kB, 0}, {kC, 0}};
  EXPECT_EQ(find_deadlock(p), cycle);
}

TEST(FindDeadlock, SeesAnInstructionThatWaitsForItself) {
  LaneProgram p = program({2});
  wait(p, {kA, 1}, {kA, 2, 0});
  const std::vector<Position> cycle = {{kA, 1}};
  EXPECT_EQ(find_deadlock(p), cycle);
}

// Each host sends to the other one, and receives only when its own message has been received.
TEST(FindDeadlock, GoesThroughBothEndsOfAPair) {
  LaneProgram p = program({1, 1, 1, 1});
  p.pairs = {{kA, kB}, {kC, kD}};
  wait(p, {kB, 0}, {kC, 1, 0});
  wait(p, {kD, 0}, {kA, 1, 0});
  const std::vector<Position> cycle = {{kB, 0}, {kC, 0}, {kD, 0}, {kA, 0}};
  EXPECT_EQ(find_deadlock(p), cycle);
}

TEST(FindDeadlock, LetsAHostAnswerWhatItReceived) {
  LaneProgram p = program({2, 2, 2, 2});
  p.pairs = {{kA, kB}, {kC, kD}};
  wait(p, {kC, 0}, {kB, 1, 0});
  wait(p, {kA, 1}, {kD, 1, 0});
  EXPECT_TRUE(find_deadlock(p).empty());
  const HappensBefore order(p, 1);
  EXPECT_LT(order.rank({kB, 0}), order.rank({kC, 0}));
  EXPECT_LT(order.rank({kA, 1}), order.rank({kB, 1}));
}

}  // namespace
}  // namespace graphrt

#include "runtime/proof/happens_before.h"

#include <gtest/gtest.h>

namespace graphrt {
namespace {

constexpr LaneId kA{0};
constexpr LaneId kB{1};
constexpr LaneId kC{2};

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

}  // namespace
}  // namespace graphrt

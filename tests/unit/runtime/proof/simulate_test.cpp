#include "runtime/proof/simulate.h"

#include <gtest/gtest.h>

namespace graphrt {
namespace {

constexpr LaneId kFirst{0};
constexpr LaneId kSecond{1};

LaneInstruction task(int64_t work_ns, std::vector<Wait> waits = {}, int32_t stage = 0) {
  return {.stage = stage, .waits = std::move(waits), .cost = {0, work_ns, {}}};
}

LaneProgram program(std::vector<std::vector<LaneInstruction>> lanes) {
  LaneProgram result;
  for (auto& lane : lanes) {
    result.lanes.push_back(std::move(lane));
    result.resources.push_back({});
  }
  return result;
}

void expect_span(const Timeline& timeline, size_t interval, LaneId lane, size_t position,
                 int64_t start_ns, int64_t end_ns) {
  const Span& span = timeline.intervals[interval][lane][position];
  EXPECT_EQ(span.start_ns, start_ns) << "interval " << interval << ", position " << position;
  EXPECT_EQ(span.end_ns, end_ns) << "interval " << interval << ", position " << position;
}

//  ns   0    10   20   30   40        B waits for A of the same interval
//  A    a0---a1---
//  B         b0------- b1-------
TEST(Simulate, StartsWhenTheLaneIsFreeAndTheWaitHolds) {
  const LaneProgram p = program({{task(10)}, {task(15, {{kFirst, 1, 0}})}});
  const Timeline timeline = simulate(p, 2);
  expect_span(timeline, 0, kFirst, 0, 0, 10);
  expect_span(timeline, 1, kFirst, 0, 10, 20);
  expect_span(timeline, 0, kSecond, 0, 10, 25);
  expect_span(timeline, 1, kSecond, 0, 25, 40);
  EXPECT_EQ(timeline.end_ns, 40);
  EXPECT_EQ(steady_interval_ns(p), 15);
}

// A single version: a may not start before b of the interval before is done with it.
TEST(Simulate, WaitsThatLeadBackSlowTheLoop) {
  const LaneProgram p = program({{task(10, {{kSecond, 1, 1}})}, {task(15, {{kFirst, 1, 0}})}});
  EXPECT_EQ(steady_interval_ns(p), 25);
}

// Two versions: the same loop over two intervals, 25 ns for two, so the slower lane decides.
TEST(Simulate, AVersionMoreLetsLanesOverlap) {
  const LaneProgram p = program({{task(10, {{kSecond, 1, 2}})}, {task(15, {{kFirst, 1, 0}})}});
  EXPECT_EQ(steady_interval_ns(p), 15);
}

// 10 + 21 ns for every two intervals: 15.5 ns each, rounded up.
TEST(Simulate, RoundsTheSteadyIntervalUp) {
  const LaneProgram p = program({{task(10, {{kSecond, 1, 1}})}, {task(21, {{kFirst, 1, 1}})}});
  EXPECT_EQ(steady_interval_ns(p), 21);
  const LaneProgram q = program({{task(15, {{kSecond, 1, 1}})}, {task(16, {{kFirst, 1, 1}})}});
  EXPECT_EQ(steady_interval_ns(q), 16);
}

//  interval   0      1      2         stage 1: skipped in interval 0, stage 0: skipped in interval
//  2 A          a(0)   a(1)   - B          -      b(0)   b(1)
TEST(Simulate, SkipsWhatLiesOutsideTheRun) {
  const LaneProgram p = program({{task(10)}, {task(10, {{kFirst, 1, 1}}, 1)}});
  const Timeline timeline = simulate(p, 2);
  ASSERT_EQ(timeline.intervals.size(), 3U);
  expect_span(timeline, 0, kSecond, 0, 0, 0);
  expect_span(timeline, 1, kSecond, 0, 10, 20);
  expect_span(timeline, 2, kSecond, 0, 20, 30);
  expect_span(timeline, 2, kFirst, 0, 20, 20);
  EXPECT_EQ(timeline.end_ns, 30);
}

// A skipped instruction performs its waits: what follows it on its lane may rely on them.
TEST(Simulate, ASkippedInstructionStillWaits) {
  const LaneProgram p = program({{task(10)}, {task(1, {{kFirst, 1, 0}}, 1), task(1)}});
  const Timeline timeline = simulate(p, 1);
  expect_span(timeline, 0, kSecond, 0, 10, 10);
  expect_span(timeline, 0, kSecond, 1, 10, 11);
}

//  ns        0   2            12           22
//  A         ..  ############ .....              latency 2, shared for 10 of 15 ns
//  B         ..  (waits)      ############ .....
TEST(Simulate, ASharedResourceServesInTheOrderOfRequests) {
  LaneProgram p =
      program({{LaneInstruction{0, {}, {2, 15, {10}}}}, {LaneInstruction{0, {}, {2, 15, {10}}}}});
  p.resources[kFirst] = {SharedResourceId(7)};
  p.resources[kSecond] = {SharedResourceId(7)};
  const Timeline timeline = simulate(p, 1);
  expect_span(timeline, 0, kFirst, 0, 0, 17);
  expect_span(timeline, 0, kSecond, 0, 0, 27);
  p.resources[kSecond] = {SharedResourceId(8)};
  expect_span(simulate(p, 1), 0, kSecond, 0, 0, 17);
}

//  ns       0    10   20   30   40   50
//  A        AAAAAAAAAAAAAAA                    resource 1 for 30
//  B        (waits)        BBBBBBBBBB          0 and 1 for 20: 0 is left alone until 30
//  C             CCCCC                         0 for 10, from 10 on: done before B begins
//  D             (waits)             DDDDD     0 for 25: longer than what is left
TEST(Simulate, WorkBeginsWhenAllItsResourcesAreFreeAndOthersFillTheGap) {
  LaneProgram p = program({{LaneInstruction{0, {}, {0, 30, {30}}}},
                           {LaneInstruction{0, {}, {0, 20, {20, 20}}}},
                           {LaneInstruction{0, {}, {10, 10, {10}}}},
                           {LaneInstruction{0, {}, {11, 25, {25}}}}});
  p.resources[kFirst] = {SharedResourceId(1)};
  p.resources[kSecond] = {SharedResourceId(0), SharedResourceId(1)};
  p.resources[LaneId(2)] = {SharedResourceId(0)};
  p.resources[LaneId(3)] = {SharedResourceId(0)};
  const Timeline timeline = simulate(p, 1);
  expect_span(timeline, 0, kFirst, 0, 0, 30);
  expect_span(timeline, 0, kSecond, 0, 0, 50);
  expect_span(timeline, 0, LaneId(2), 0, 0, 20);
  expect_span(timeline, 0, LaneId(3), 0, 0, 75);
  EXPECT_EQ(steady_interval_ns(p), 55);  // resource 0: 20 + 10 + 25
}

TEST(Simulate, TheEarlierRequestWinsNotTheLowerLane) {
  LaneProgram p =
      program({{LaneInstruction{0, {}, {5, 10, {10}}}}, {LaneInstruction{0, {}, {1, 10, {10}}}}});
  p.resources[kFirst] = {SharedResourceId(0)};
  p.resources[kSecond] = {SharedResourceId(0)};
  const Timeline timeline = simulate(p, 1);
  expect_span(timeline, 0, kSecond, 0, 0, 11);
  expect_span(timeline, 0, kFirst, 0, 0, 21);
}

TEST(Simulate, NothingToRunTakesNoTime) {
  EXPECT_EQ(simulate(LaneProgram(), 3).end_ns, 0);
  EXPECT_EQ(simulate(program({{task(10)}}), 0).end_ns, 0);
  EXPECT_EQ(steady_interval_ns(LaneProgram()), 0);
  EXPECT_EQ(steady_interval_ns(program({{}, {}})), 0);
}

TEST(Simulate, HugeCostsDoNotOverflow) {
  const int64_t huge_ns = kMaxPredictedNs;
  const LaneProgram p = program({std::vector<LaneInstruction>(20000, task(huge_ns))});
  EXPECT_GT(simulate(p, 1).end_ns, huge_ns);
}

LaneInstruction message(int64_t latency_ns, int64_t work_ns, std::vector<Wait> waits = {}) {
  return {.stage = 0, .waits = std::move(waits), .cost = {latency_ns, work_ns, {}}};
}

//  ns        0    5    10   15   20   25   30       the receive is ready at 8 only
//  worker    w-------
//  send               s0   latency 5, bytes 10 --
//                     s1   latency 5 ....         bytes 4
//  receive            r0                     2--   r1       2--
TEST(Simulate, MovesTheBytesOfMessagesInTurnAndTheirLatenciesSideBySide) {
  constexpr LaneId kSend{1};
  constexpr LaneId kReceive{2};
  LaneProgram p = program({{task(8)},
                           {message(5, 10), message(5, 4)},
                           {message(2, 0, {{kFirst, 1, 0}}), message(0, 2)}});
  p.pairs = {{kSend, kReceive}};
  const Timeline timeline = simulate(p, 1);
  expect_span(timeline, 0, kSend, 0, 8, 23);
  expect_span(timeline, 0, kReceive, 0, 8, 25);
  expect_span(timeline, 0, kSend, 1, 8, 27);
  expect_span(timeline, 0, kReceive, 1, 8, 29);
  EXPECT_EQ(latency_ns(p), 29);
  // s0 of the next interval starts when that of this one has been received, beside s1.
  EXPECT_EQ(steady_interval_ns(p), 17);
}

// The card of the host is asked for by both lanes: the second message's bytes wait for it.
TEST(Simulate, MessagesShareResources) {
  LaneProgram p = program({{message(0, 10)}, {message(0, 0)}, {message(0, 10)}, {message(0, 0)}});
  p.pairs = {{LaneId(0), LaneId(1)}, {LaneId(2), LaneId(3)}};
  for (const LaneId send : {LaneId(0), LaneId(2)}) {
    p.resources[send] = {SharedResourceId(0)};
    p.lanes[send][0].cost.shared_ns = {10};
  }
  const Timeline timeline = simulate(p, 1);
  expect_span(timeline, 0, LaneId(0), 0, 0, 10);
  expect_span(timeline, 0, LaneId(2), 0, 0, 20);
  EXPECT_EQ(steady_interval_ns(p), 20);
}

// Outside of the run a message takes no time, and waits as ever.
TEST(Simulate, SkippedMessagesMeetInNoTime) {
  LaneProgram p = program({{task(8)}, {message(5, 10, {{kFirst, 1, 0}})}, {message(0, 3)}});
  p.pairs = {{LaneId(1), LaneId(2)}};
  p.lanes[LaneId(1)][0].stage = p.lanes[LaneId(2)][0].stage = 1;
  const Timeline timeline = simulate(p, 1);
  expect_span(timeline, 0, LaneId(1), 0, 8, 8);
  expect_span(timeline, 0, LaneId(2), 0, 8, 8);
  expect_span(timeline, 1, LaneId(1), 0, 8, 23);
  expect_span(timeline, 1, LaneId(2), 0, 8, 26);
}

}  // namespace
}  // namespace graphrt

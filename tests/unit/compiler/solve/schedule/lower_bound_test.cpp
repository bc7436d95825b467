#include "compiler/solve/schedule/lower_bound.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/compiler/solve/schedule/problems.h"

namespace graphc {
namespace {

using testing::UnorderedElementsAre;

// One lane, 30 + 20 ns of work: no step can be shorter.
TEST(IntervalBound, ALaneIsBusyForAllItsWork) {
  ProblemBuilder build;
  const GroupId lane = build.group(1);
  build.task(lane, 30);
  build.task(lane, 20);
  const IntervalBound bound = interval_bound(build.get());
  EXPECT_EQ(bound.interval_ns, 50);
  EXPECT_EQ(bound.busiest, lane);
  EXPECT_TRUE(bound.recurrence.empty());
}

// Two lanes share 30 + 10, but one of them does the 30 in every interval.
TEST(IntervalBound, IsNoLessThanTheLongestTask) {
  ProblemBuilder build;
  const GroupId group = build.group(2);
  build.task(group, 30);
  build.task(group, 10);
  const IntervalBound bound = interval_bound(build.get());
  EXPECT_EQ(bound.interval_ns, 30);
  EXPECT_EQ(bound.busiest, group);
}

// Two lanes share 51 ns of work: at least 26 on one of them.
TEST(IntervalBound, LanesOfAGroupShareTheWorkRoundedUp) {
  ProblemBuilder build;
  const GroupId lanes = build.group(2);
  for (int i = 0; i < 3; ++i) build.task(lanes, 17);
  EXPECT_EQ(interval_bound(build.get()).interval_ns, 26);
}

// Launches (5) run on both streams at once, the work (20 each) on one unit only: 40, not
// (25 + 25) / 2 = 25.
TEST(IntervalBound, ASharedUnitTakesOneAtATime) {
  ProblemBuilder build;
  const GroupId streams = build.group(2, {build.resource()});
  build.task(streams, TaskCost{5, 20, {20}});
  build.task(streams, TaskCost{5, 20, {20}});
  EXPECT_EQ(interval_bound(build.get()).interval_ns, 40);
}

//   lane A  [  a 30  ]          a of the next step reads b of this one: 30 + 40 per step, though
//   lane B            [ b 40 ]  no lane is busy for more than 40
TEST(IntervalBound, ARecurrenceOfDistanceOneBindsEveryStep) {
  ProblemBuilder build;
  const TaskId a = build.task(build.group(1), 30);
  const TaskId b = build.task(build.group(1), 40);
  build.edge(a, b);
  build.edge(b, a, 1);
  const IntervalBound bound = interval_bound(build.get());
  EXPECT_EQ(bound.interval_ns, 70);
  EXPECT_FALSE(bound.busiest || bound.resource);
  EXPECT_THAT(bound.recurrence, UnorderedElementsAre(a, b));
}

//   link 0  (switch 30, bus 8)     a copy of each: the switch is taken for 30 + 25, no lane for more
//   link 1  (switch 25)            than 40
TEST(IntervalBound, TheBusiestOfSeveralResourcesBindsAndIsNamed) {
  ProblemBuilder build;
  const SharedResourceId bus = build.resource();
  const SharedResourceId at_switch = build.resource();
  const GroupId first = build.group(1, {bus, at_switch});
  build.task(first, TaskCost{0, 40, {8, 30}});
  build.task(build.group(1, {at_switch}), TaskCost{0, 40, {25}});
  const IntervalBound bound = interval_bound(build.get());
  EXPECT_EQ(bound.interval_ns, 55);
  EXPECT_EQ(bound.resource, at_switch);
  EXPECT_EQ(bound.busiest, first);
  EXPECT_EQ(busy_resources_ns(build.get())[bus], 8);
}

// The same cycle over two steps: two of them overlap, 70 / 2 = 35 a step; the lane of b needs 40.
TEST(IntervalBound, ARecurrenceOfDistanceTwoIsSharedByTwoSteps) {
  ProblemBuilder build;
  const TaskId a = build.task(build.group(1), 30);
  const TaskId b = build.task(build.group(1), 40);
  const TaskId c = build.task(build.group(1), 31);
  build.edge(a, b);
  build.edge(b, a, 2);
  EXPECT_EQ(interval_bound(build.get()).interval_ns, 40);
  // With c inside the cycle it is 101 / 2, rounded up.
  build.edge(b, c);
  build.edge(c, a, 2);
  const IntervalBound bound = interval_bound(build.get());
  EXPECT_EQ(bound.interval_ns, 51);
  EXPECT_THAT(bound.recurrence, UnorderedElementsAre(a, b, c));
}

TEST(IntervalBound, ATaskThatReadsItsOwnLastResultIsARecurrence) {
  ProblemBuilder build;
  const TaskId a = build.task(build.group(2), 30);
  build.edge(a, a, 1);
  EXPECT_EQ(interval_bound(build.get()).interval_ns, 30);  // its group of two lanes needs only 15
}

// What only orders the reuse of memory could go with more memory: it is no bound.
TEST(IntervalBound, StorageEdgesDoNotCount) {
  ProblemBuilder build;
  const TaskId a = build.task(build.group(1), 30);
  const TaskId b = build.task(build.group(1), 40);
  build.edge(a, b);
  build.storage_edge(b, a, 1);
  EXPECT_EQ(interval_bound(build.get()).interval_ns, 40);
}

TEST(IntervalBound, NothingToDoTakesNoTime) {
  EXPECT_EQ(interval_bound(SchedulingProblem{}).interval_ns, 0);
}

}  // namespace
}  // namespace graphc

#include "compiler/solve/schedule/list_scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/compiler/solve/schedule/problems.h"

namespace graphc {
namespace {

using testing::ElementsAre;

Stages no_stages(const SchedulingProblem& problem) { return Stages(problem.tasks.size(), 0); }

//   lane 0   [ a 10 ][ b 5 ]       b behind a by an edge, c beside them
//   lane 1   [ c 7 ]
TEST(ListSchedule, RunsIndependentTasksSideBySide) {
  ProblemBuilder build;
  const GroupId lanes = build.group(2);
  const TaskId a = build.task(lanes, 10);
  const TaskId b = build.task(lanes, 5);
  const TaskId c = build.task(lanes, 7);
  build.edge(a, b);
  const auto solution = list_schedule(build.get(), no_stages(build.get()));
  EXPECT_EQ(defects_of(build.get(), solution), "");
  EXPECT_EQ(solution.tasks[a].start_ns, 0);
  EXPECT_EQ(solution.tasks[c].start_ns, 0);
  EXPECT_EQ(solution.tasks[b].start_ns, 10);
  EXPECT_NE(solution.tasks[a].lane, solution.tasks[c].lane);
}

//   lane     [ b ][ a ]            c hangs on b: the longer path goes first
//   other         [   c   ]
TEST(ListSchedule, TheLongerPathGoesFirst) {
  ProblemBuilder build;
  const GroupId lane = build.group(1);
  const TaskId a = build.task(lane, 10);
  const TaskId b = build.task(lane, 10);
  const TaskId c = build.task(build.group(1), 30);
  build.edge(b, c);
  const auto solution = list_schedule(build.get(), no_stages(build.get()));
  EXPECT_THAT(solution.lanes[LaneId(0)], ElementsAre(b, a));
  EXPECT_EQ(solution.tasks[b].reason, Reason::kLongerPath);
}

//   lane     [ b ][    a    ]      a is on the longer path, but a copy waits for b:
//   link          [copy]           it opens overlap, so it goes first
TEST(ListSchedule, WhatFeedsACopyGoesBeforeALongerPath) {
  ProblemBuilder build;
  const GroupId lane = build.group(1);
  const TaskId a = build.task(lane, 50);
  const TaskId b = build.task(lane, 10);
  const TaskId copy = build.task(build.group(1), 5);
  build.copies(b, copy);
  const auto solution = list_schedule(build.get(), no_stages(build.get()));
  EXPECT_THAT(solution.lanes[LaneId(0)], ElementsAre(b, a));
  EXPECT_EQ(solution.tasks[b].reason, Reason::kStartsCopy);
  EXPECT_EQ(solution.tasks[copy].start_ns, 10);
}

TEST(ListSchedule, AllElseEqualTheNameDecides) {
  ProblemBuilder build;
  const GroupId lane = build.group(1);
  const TaskId a = build.task(lane, 10);
  const TaskId b = build.task(lane, 10);
  const auto solution = list_schedule(build.get(), no_stages(build.get()));
  EXPECT_THAT(solution.lanes[LaneId(0)], ElementsAre(a, b));
  EXPECT_EQ(solution.tasks[a].reason, Reason::kNameOrder);
}

//   stream 0  [launch][ a a a a ]
//   stream 1  [launch]          [ b b b b ]   both launch at once, the unit runs one at a time
//             0       5         25        45
TEST(ListSchedule, LaunchesOverlapWhereTheWorkSharesAUnit) {
  ProblemBuilder build;
  const GroupId streams = build.group(2, {build.resource()});
  const TaskId a = build.task(streams, TaskCost{5, 20, {20}});
  const TaskId b = build.task(streams, TaskCost{5, 20, {20}});
  const auto solution = list_schedule(build.get(), no_stages(build.get()));
  EXPECT_EQ(solution.tasks[a].end_ns, 25);
  EXPECT_EQ(solution.tasks[b].start_ns, 0);
  EXPECT_EQ(solution.tasks[b].end_ns, 45);
}

// A copy begins when all that it goes through is free:
//   link 0  [ b 30: switch 10 ]
//   link 1           [ a 20: switch 5, bus 20 ]
//   link 2             (waits for the bus)      [ c 10: switch, bus ]
//           0        10                   30    40
TEST(ListSchedule, WorkBeginsWhenAllItsResourcesAreFree) {
  ProblemBuilder build;
  const SharedResourceId bus = build.resource();
  const SharedResourceId at_switch = build.resource();
  const TaskId a = build.task(build.group(1, {bus, at_switch}), TaskCost{0, 20, {20, 5}});
  const TaskId b = build.task(build.group(1, {at_switch}), TaskCost{0, 30, {10}});
  const TaskId c = build.task(build.group(1, {at_switch, bus}), TaskCost{0, 10, {10, 10}});
  const auto solution = list_schedule(build.get(), no_stages(build.get()));
  EXPECT_EQ(solution.tasks[b].end_ns, 30);
  EXPECT_EQ(solution.tasks[a].end_ns, 30);
  EXPECT_EQ(solution.tasks[c].end_ns, 40);
}

// An edge of an earlier step does not hold a task back within the interval; with the previous
// interval given, it holds it back until the result arrives: 40 - 1 * 25 = 15 after the start.
TEST(ListSchedule, ResultsOfEarlierIntervalsArriveLate) {
  ProblemBuilder build;
  const TaskId a = build.task(build.group(1), 40);
  const TaskId b = build.task(build.group(1), 10);
  build.edge(a, b, 1);
  const auto alone = list_schedule(build.get(), no_stages(build.get()));
  EXPECT_EQ(alone.tasks[b].start_ns, 0);
  SchedulingSolution previous = alone;
  previous.interval_ns = 25;
  const auto with_previous = list_schedule(build.get(), no_stages(build.get()), &previous);
  EXPECT_EQ(with_previous.tasks[b].start_ns, 15);
}

// With b a stage behind a, they work on different steps of one interval and overlap.
TEST(ListSchedule, StagesTurnAnEdgeIntoOneAcrossIntervals) {
  ProblemBuilder build;
  const TaskId a = build.task(build.group(1), 10);
  const TaskId b = build.task(build.group(1), 10);
  build.edge(a, b);
  Stages stages(2, 0);
  stages[b] = 1;
  EXPECT_EQ(interval_distance(build.get().edges[0], stages), 1);
  EXPECT_EQ(list_schedule(build.get(), stages).tasks[b].start_ns, 0);
}

TEST(LongestPaths, CountTheTaskItselfAndOnlyEdgesWithinTheStep) {
  ProblemBuilder build;
  const GroupId lane = build.group(1);
  const TaskId a = build.task(lane, 1);
  const TaskId b = build.task(lane, 20);
  const TaskId c = build.task(lane, 300);
  build.edge(a, b);
  build.edge(b, c);
  build.edge(c, a, 1);
  const auto paths = longest_paths_ns(build.get());
  EXPECT_EQ(paths[a], 321);
  EXPECT_EQ(paths[b], 320);
  EXPECT_EQ(paths[c], 300);
}

TEST(ListSchedule, RandomProblemsAreScheduledSoundly) {
  for (unsigned seed = 1; seed <= 400; ++seed) {
    const SchedulingProblem problem =
        seed <= 200 ? random_problem(seed) : random_problem_of_resources(seed);
    const auto solution = list_schedule(problem, no_stages(problem));
    EXPECT_EQ(defects_of(problem, solution), "") << "seed " << seed;
    EXPECT_EQ(overbooked_resources(problem, solution), "") << "seed " << seed;
  }
}

}  // namespace
}  // namespace graphc

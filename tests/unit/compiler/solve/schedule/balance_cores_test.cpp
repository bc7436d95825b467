#include "compiler/solve/schedule/balance_cores.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/compiler/solve/schedule/problems.h"

namespace graphc {
namespace {

using testing::ElementsAre;

constexpr int64_t kUnitNs = 50'000;  // the least that is moved
constexpr int64_t kIntervalNs = 20 * kUnitNs;

/// A solution with these tasks, in this order, on the lanes, one after the other from 0 on.
SchedulingSolution packed(const SchedulingProblem& problem,
                          const std::vector<std::vector<TaskId>>& lanes) {
  SchedulingSolution solution;
  solution.interval_ns = kIntervalNs;
  solution.tasks = IdVector<TaskId, ScheduledTask>(problem.tasks.size());
  for (const auto& tasks : lanes) {
    const LaneId lane = solution.lanes.push_back(tasks);
    int64_t free_ns = 0;
    for (const TaskId task : tasks) {
      const int64_t start_ns = free_ns;
      free_ns += problem.tasks[task].cost.duration_ns();
      solution.tasks[task] = {lane, 0, start_ns, free_ns};
    }
  }
  return solution;
}

//   lane 0  |a.........|b....|c..|          lane 0  |a.........|     |c..|
//   lane 1  |d.......|               to     lane 1  |d.......| |b....|
TEST(BalanceCores, TheTaskThatHelpsMostGoesToTheEmptiestCore) {
  ProblemBuilder build;
  const GroupId cores = build.group_of_cores(2);
  const TaskId a = build.task(cores, 10 * kUnitNs);
  const TaskId b = build.task(cores, 5 * kUnitNs);
  const TaskId c = build.task(cores, 3 * kUnitNs);
  const TaskId d = build.task(cores, 8 * kUnitNs);
  const auto even = balance_cores(build.get(), packed(build.get(), {{a, b, c}, {d}}));
  EXPECT_THAT(even.lanes[LaneId(0)], ElementsAre(a, c));
  EXPECT_THAT(even.lanes[LaneId(1)], ElementsAre(d, b));
  EXPECT_EQ(even.tasks[b].lane, LaneId(1));
  EXPECT_EQ(even.tasks[b].reason, Reason::kBalance);
}

TEST(BalanceCores, AMovedTaskKeepsItsPlaceInTime) {
  ProblemBuilder build;
  const GroupId cores = build.group_of_cores(2);
  const TaskId a = build.task(cores, 2 * kUnitNs);
  const TaskId b = build.task(cores, 4 * kUnitNs);
  const TaskId c = build.task(cores, 15 * kUnitNs);
  const TaskId d = build.task(cores, 3 * kUnitNs);
  const TaskId e = build.task(cores, 10 * kUnitNs);
  // b starts at 2: behind d, which starts at 0, before e, which starts at 3.
  const auto even = balance_cores(build.get(), packed(build.get(), {{a, b, c}, {d, e}}));
  EXPECT_THAT(even.lanes[LaneId(0)], ElementsAre(a, c));
  EXPECT_THAT(even.lanes[LaneId(1)], ElementsAre(d, b, e));
}

TEST(BalanceCores, CoresWithRoomStayAsTheyAre) {
  ProblemBuilder build;
  const GroupId cores = build.group_of_cores(2);
  const TaskId a = build.task(cores, kIntervalNs / 2);
  const TaskId b = build.task(cores, kIntervalNs / 4);
  const auto even = balance_cores(build.get(), packed(build.get(), {{a, b}, {}}));
  EXPECT_THAT(even.lanes[LaneId(0)], ElementsAre(a, b));
}

// b waits for a wherever it is: on a core of its own it would wait for that core, too.
TEST(BalanceCores, WhatReadsWhatItsCoreMadeStays) {
  ProblemBuilder build;
  const GroupId cores = build.group_of_cores(2);
  const TaskId a = build.task(cores, 8 * kUnitNs);
  const TaskId b = build.task(cores, 7 * kUnitNs);
  const TaskId c = build.task(cores, 4 * kUnitNs);
  build.edge(a, b);
  const auto even = balance_cores(build.get(), packed(build.get(), {{a, b, c}, {}}));
  EXPECT_THAT(even.lanes[LaneId(0)], ElementsAre(a, b));
  EXPECT_THAT(even.lanes[LaneId(1)], ElementsAre(c));
}

// Lane 0 has 19.45 units more. With b moved it has 17.55 more, with a moved lane 1 has 18.55 more:
// b would be the better one, and is too short.
TEST(BalanceCores, WhatIsNotWorthAnotherCoreStays) {
  ProblemBuilder build;
  const GroupId cores = build.group_of_cores(2);
  const TaskId a = build.task(cores, 19 * kUnitNs);
  const TaskId b = build.task(cores, kUnitNs * 95 / 100);
  const TaskId c = build.task(cores, kUnitNs / 2);
  const auto even = balance_cores(build.get(), packed(build.get(), {{a, b}, {c}}));
  EXPECT_THAT(even.lanes[LaneId(0)], ElementsAre(b));
  EXPECT_THAT(even.lanes[LaneId(1)], testing::UnorderedElementsAre(a, c));
}

TEST(BalanceCores, StreamsStayAsTheyAre) {
  ProblemBuilder build;
  const GroupId streams = build.group(2, {build.resource()});
  const TaskId a = build.task(streams, kIntervalNs / 2);
  const TaskId b = build.task(streams, kIntervalNs / 2);
  const auto even = balance_cores(build.get(), packed(build.get(), {{a, b}, {}}));
  EXPECT_THAT(even.lanes[LaneId(0)], ElementsAre(a, b));
}

}  // namespace
}  // namespace graphc

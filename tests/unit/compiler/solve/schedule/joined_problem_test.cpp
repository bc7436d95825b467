#include "compiler/solve/schedule/joined_problem.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/solve/schedule/lane_order.h"
#include "compiler/solve/schedule/pipeline_search.h"
#include "tests/unit/compiler/solve/schedule/problems.h"

namespace graphc {
namespace {

using testing::ElementsAre;

/// Two gradients on one lane each, their updates, and a copy of what the second one makes.
///
///   lane 0  [g1][g2]                 lane 0  [g1][g2][launch u1 u2]
///   lane 1      [launch u1]          link                          [copy]
///   lane 0          [launch u2]
struct Updates {
  ProblemBuilder build;
  GroupId gpu = build.group(2);
  GroupId link = build.group(1);
  TaskId g1 = build.task(gpu, TaskCost{1, 10, {}});
  TaskId g2 = build.task(gpu, TaskCost{1, 10, {}});
  TaskId u1 = build.task(gpu, TaskCost{4, 2, {}});
  TaskId u2 = build.task(gpu, TaskCost{5, 3, {}});
  TaskId copy = build.task(link, TaskCost{0, 7, {}});

  Updates() {
    build.edge(g1, u1);
    build.edge(g2, u2);
    build.copies(u2, copy);
    build.edge(u1, g1, 1);
  }
  JoinedProblem joined() const { return JoinedProblem(build.get(), {{u1, u2}}); }
};

TEST(JoinedProblem, ALaunchIsOneTaskThatTakesTheWorkOfAll) {
  const Updates given;
  const JoinedProblem joined = given.joined();
  const SchedulingProblem& problem = joined.problem();
  ASSERT_EQ(problem.tasks.size(), 4U);  // g1, g2, the launch, the copy
  const SchedulingTask& launch = problem.tasks[TaskId(2)];
  EXPECT_EQ(launch.cost, (TaskCost{4, 5, {}}));  // launched as the first of it
  EXPECT_TRUE(launch.feeds_copy);
  const auto has_edge = [&](int from, int to, int32_t distance) {
    return std::any_of(problem.edges.begin(), problem.edges.end(), [&](const SchedulingEdge& edge) {
      return edge.from == TaskId(from) && edge.to == TaskId(to) && edge.distance == distance;
    });
  };
  EXPECT_TRUE(has_edge(0, 2, 0));
  EXPECT_TRUE(has_edge(1, 2, 0));
  EXPECT_TRUE(has_edge(2, 3, 0));
  EXPECT_TRUE(has_edge(2, 0, 1));
}

TEST(JoinedProblem, ASolutionComesApartIntoNeighbours) {
  const Updates given;
  const JoinedProblem joined = given.joined();
  const SchedulingSolution together = schedule_pipelined(joined.problem());
  const SchedulingSolution solution = joined.apart(together);
  const ScheduledTask& first = solution.tasks[given.u1];
  const ScheduledTask& second = solution.tasks[given.u2];
  EXPECT_FALSE(first.is_joined);
  EXPECT_TRUE(second.is_joined);
  EXPECT_EQ(second.lane, first.lane);
  EXPECT_EQ(second.stage, first.stage);
  EXPECT_EQ(first.end_ns - first.start_ns, 6);  // launch and work
  EXPECT_EQ(second.start_ns, first.end_ns);
  EXPECT_EQ(second.end_ns - second.start_ns, 3);  // work alone
  EXPECT_THAT(launches_in(solution), ElementsAre(ElementsAre(given.u1, given.u2)));
  // The same steps take the same time, however they are written down.
  EXPECT_EQ(with_interval(given.build.get(), solution).interval_ns, together.interval_ns);
}

TEST(JoinedProblem, TheFirstWaitsForAllAndOthersWaitForTheLast) {
  const Updates given;
  SchedulingSolution solution;
  solution.tasks = IdVector<TaskId, ScheduledTask>(5);
  solution.lanes = IdVector<LaneId, std::vector<TaskId>>(3);
  solution.lanes[LaneId(0)] = {given.g1, given.g2};
  solution.lanes[LaneId(1)] = {given.u1, given.u2};
  solution.lanes[LaneId(2)] = {given.copy};
  for (const LaneId lane : solution.lanes.ids()) {
    for (const TaskId task : solution.lanes[lane]) solution.tasks[task].lane = lane;
  }
  solution.tasks[given.u2].is_joined = true;
  const LaneProgram program = with_all_waits(given.build.get(), solution, given.build.get().edges);
  // Of g1 and g2, which the launch needs, the later one; u1 alone would wait for g1.
  EXPECT_THAT(program.lanes[LaneId(1)][0].waits, ElementsAre(Wait{LaneId(0), 2, 0}));
  EXPECT_TRUE(program.lanes[LaneId(1)][1].waits.empty());
  EXPECT_THAT(program.lanes[LaneId(2)][0].waits, ElementsAre(Wait{LaneId(1), 2, 0}));
  // g1 of the next step needs u1 alone, which is over when the launch is.
  EXPECT_THAT(program.lanes[LaneId(0)][0].waits, ElementsAre(Wait{LaneId(1), 2, 1}));
  EXPECT_EQ(program.lanes[LaneId(1)][1].cost, (TaskCost{0, 3, {}}));
}

}  // namespace
}  // namespace graphc

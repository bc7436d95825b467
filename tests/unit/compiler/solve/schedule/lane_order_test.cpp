#include "compiler/solve/schedule/lane_order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/compiler/solve/schedule/problems.h"

namespace graphc {
namespace {

using testing::ElementsAre;

bool is_among(const std::vector<SchedulingEdge>& edges, TaskId from, TaskId to, int32_t distance) {
  return std::any_of(edges.begin(), edges.end(), [&](const SchedulingEdge& edge) {
    return edge.from == from && edge.to == to && edge.distance == distance && edge.is_storage;
  });
}

/// Writer [0, 10), reader [10, `reader_end_ns`), each on a lane of its own.
struct WriterAndReader {
  ProblemBuilder build;
  TaskId writer = build.task(build.group(1), 10);
  TaskId reader = build.task(build.group(1), 10);
  VersionedId value = build.value(writer, {reader});

  SchedulingSolution solution(int64_t reader_end_ns) const {
    SchedulingSolution solution;
    solution.tasks = IdVector<TaskId, ScheduledTask>(2);
    solution.tasks[writer] = {LaneId(0), 0, 0, 10, Reason::kOnlyReady};
    solution.tasks[reader] = {LaneId(1), 0, 10, reader_end_ns, Reason::kOnlyReady};
    solution.lanes = IdVector<LaneId, std::vector<TaskId>>(2);
    solution.lanes[LaneId(0)] = {writer};
    solution.lanes[LaneId(1)] = {reader};
    return solution;
  }
};

//   interval 20   writer [--]      [--]      [--]     the reader is done when the next one writes
//                 reader     [----]    [----]
TEST(FewestVersions, OneWhereTheLifetimeFitsTheInterval) {
  const WriterAndReader given;
  EXPECT_EQ(fewest_versions(given.build.get(), given.solution(20), 20)[given.value], 1);
}

//   interval 20   writer [v0]      [v1]      [v0]     25 > 20: the next one must write elsewhere
//                 reader     [-- v0 --]
TEST(FewestVersions, TwoWhereTheLifetimeExceedsTheInterval) {
  const WriterAndReader given;
  EXPECT_EQ(fewest_versions(given.build.get(), given.solution(25), 20)[given.value], 2);
  EXPECT_EQ(fewest_versions(given.build.get(), given.solution(40), 20)[given.value], 2);
  EXPECT_EQ(fewest_versions(given.build.get(), given.solution(41), 20)[given.value], 3);
}

// One stage later the reader works an interval after the writer: one version more.
TEST(FewestVersions, AStageBetweenThemCostsOne) {
  const WriterAndReader given;
  SchedulingSolution solution = given.solution(20);
  solution.tasks[given.reader].stage = 1;
  EXPECT_EQ(fewest_versions(given.build.get(), solution, 20)[given.value], 2);
  // Unless the reader is done before the writer of the next step starts.
  solution.tasks[given.writer].start_ns = 10;
  solution.tasks[given.reader].start_ns = 0;
  solution.tasks[given.reader].end_ns = 10;
  EXPECT_EQ(fewest_versions(given.build.get(), solution, 20)[given.value], 1);
}

// What a copy brings is held for 25 of 80 ns, more than a quarter: kernels four times as long would
// hold up the next copy.
TEST(FewestVersions, TwoForACopyThatWouldComeCloseToWaiting) {
  WriterAndReader given;
  given.build.copies(given.build.task(given.build.group(1), 1), given.writer);
  SchedulingSolution solution = given.solution(25);
  solution.tasks.push_back(ScheduledTask{});
  EXPECT_EQ(fewest_versions(given.build.get(), solution, 80)[given.value], 2);
  EXPECT_EQ(fewest_versions(given.build.get(), solution, 100)[given.value], 1);
  EXPECT_EQ(fewest_versions(given.build.get(), solution, 20)[given.value], 2);
}

TEST(EnforcedEdges, AReaderHoldsBackTheWriterThatTakesItsVersionAgain) {
  const WriterAndReader given;
  IdVector<VersionedId, int32_t> versions(1, 2);
  const auto edges = enforced_edges(given.build.get(), versions);
  ASSERT_EQ(edges.size(), 2U);
  EXPECT_TRUE(is_among(edges, given.reader, given.writer, 2));
}

// A value that is read one step later is already one step old when it is read.
TEST(EnforcedEdges, AReadOfTheStepBeforeHoldsBackOneStepEarlier) {
  ProblemBuilder build;
  const TaskId writer = build.task(build.group(1), 10);
  const TaskId reader = build.task(build.group(1), 10);
  SchedulingProblem problem = build.get();
  problem.values.push_back({{{reader, writer, 1}}});
  EXPECT_TRUE(
      is_among(enforced_edges(problem, IdVector<VersionedId, int32_t>(1, 2)), reader, writer, 1));
}

//   lane 0   [a][b]          c needs a and b: one wait, for the later one;
//   lane 1         [c]       b behind a on its own lane needs none
TEST(WithAllWaits, OnlyTheLatestOfALaneAndNoneOnTheOwnLane) {
  ProblemBuilder build;
  const GroupId first = build.group(1);
  const TaskId a = build.task(first, 10);
  const TaskId b = build.task(first, 10);
  const TaskId c = build.task(build.group(1), 10);
  build.edge(a, b);
  build.edge(a, c);
  build.edge(b, c);
  build.edge(c, a, 2);
  SchedulingSolution solution;
  solution.tasks = IdVector<TaskId, ScheduledTask>(3);
  solution.tasks[b].lane = LaneId(0);
  solution.tasks[c].lane = LaneId(1);
  solution.tasks[c].stage = 1;
  solution.lanes = IdVector<LaneId, std::vector<TaskId>>(2);
  solution.lanes[LaneId(0)] = {a, b};
  solution.lanes[LaneId(1)] = {c};
  const LaneProgram program = with_all_waits(build.get(), solution, build.get().edges);
  EXPECT_THAT(program.lanes[LaneId(1)][0].waits, ElementsAre(Wait{LaneId(0), 2, 1}));
  EXPECT_THAT(program.lanes[LaneId(0)][0].waits, ElementsAre(Wait{LaneId(1), 1, 1}));
  EXPECT_TRUE(program.lanes[LaneId(0)][1].waits.empty());
}

}  // namespace
}  // namespace graphc

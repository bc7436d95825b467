#include "compiler/solve/schedule/pair_orders.h"

#include <gtest/gtest.h>

#include <string>

#include "compiler/solve/floor_div.h"
#include "tests/unit/compiler/solve/schedule/problems.h"

namespace graphc {
namespace {

constexpr int64_t kPairWork = 200'000;

struct OrderedLoop {
  explicit OrderedLoop(const SchedulingProblem& problem) : loop(loop_of(problem)) {
    for (const TaskId task : problem.tasks.ids()) ranks.push_back(task.value());
  }
  Loop loop;
  IdVector<TaskId, int32_t> ranks;
};

/// Edges and pairs of one lane that the starts do not keep.
std::string broken_by(const Loop& loop, const PairOrders& pairs,
                      const std::vector<int64_t>& pair_starts_ns, int64_t interval_ns) {
  IdVector<TaskId, std::optional<int64_t>> starts_ns(loop.tasks.size());
  for (size_t i = 0; i < pair_starts_ns.size(); ++i) {
    starts_ns[pairs.tasks()[i]] = pair_starts_ns[i];
  }
  std::string broken;
  for (const SchedulingEdge& edge : loop.edges) {
    if (!starts_ns[edge.from] || !starts_ns[edge.to]) continue;
    const int64_t least_ns =
        *starts_ns[edge.from] + loop.tasks[edge.from].duration_ns - edge.distance * interval_ns;
    if (*starts_ns[edge.to] < least_ns) broken += "edge to " + std::to_string(edge.to.value());
  }
  for (size_t i = 0; i < pairs.tasks().size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      const LoopTask& first = loop.tasks[pairs.tasks()[i]];
      const LoopTask& second = loop.tasks[pairs.tasks()[j]];
      const bool is_pair =
          pairs.is_ordered(i) && pairs.is_ordered(j) && first.lanes == second.lanes;
      if (!is_pair) continue;
      const int64_t apart_ns =
          pair_starts_ns[j] + second.busy_from_ns - pair_starts_ns[i] - first.busy_from_ns;
      const int64_t in_interval_ns = apart_ns - floor_div(apart_ns, interval_ns) * interval_ns;
      const bool overlaps =
          in_interval_ns < first.busy_ns || in_interval_ns + second.busy_ns > interval_ns;
      if (overlaps) broken += "tasks " + std::to_string(i) + " and " + std::to_string(j);
    }
  }
  return broken;
}

/// A chain from lane to lane and back to its start, two steps later, that fills both lanes:
///   lane 0  | a   | c   |
///   lane 1  | d   | b   |     a -> b -> c -> d -> a
struct ChainOfTwoSteps {
  ProblemBuilder build;
  ChainOfTwoSteps() {
    const GroupId lane0 = build.group(1);
    const GroupId lane1 = build.group(1);
    const TaskId a = build.task(lane0, 3);
    const TaskId b = build.task(lane1, 3);
    const TaskId c = build.task(lane0, 3);
    const TaskId d = build.task(lane1, 3);
    build.edge(a, b);
    build.edge(b, c);
    build.edge(c, d);
    build.edge(d, a, 3);
  }
};

TEST(PairOrders, FillLanesToTheLastNanosecond) {
  const ChainOfTwoSteps given;
  const OrderedLoop ordered(given.build.get());
  PairOrders pairs(ordered.loop, ordered.ranks);
  ASSERT_EQ(pairs.tasks().size(), 4U);
  EXPECT_FALSE(pairs.order_at(5, kPairWork));
  ASSERT_TRUE(pairs.order_at(6, kPairWork));
  EXPECT_EQ(broken_by(ordered.loop, pairs, pairs.starts_ns(), 6), "");
  EXPECT_GT(pairs.work(), 0);
}

TEST(PairOrders, WithoutCyclesThereAreNone) {
  ProblemBuilder build;
  const GroupId lane = build.group(1);
  build.edge(build.task(lane, 3), build.task(lane, 3));
  const OrderedLoop ordered(build.get());
  PairOrders pairs(ordered.loop, ordered.ranks);
  EXPECT_TRUE(pairs.tasks().empty());
  EXPECT_FALSE(pairs.order_at(6, kPairWork));
}

// Either core would do for c, so its time on one of them is not in a pair.
TEST(PairOrders, WhatHasSeveralLanesIsInNoPair) {
  ProblemBuilder build;
  const GroupId lane = build.group(1);
  const TaskId a = build.task(lane, 3);
  const TaskId b = build.task(lane, 3);
  const TaskId c = build.task(build.group_of_cores(2), 4);
  build.edge(a, c);
  build.edge(c, b);
  build.edge(b, a, 2);
  const OrderedLoop ordered(build.get());
  PairOrders pairs(ordered.loop, ordered.ranks);
  ASSERT_EQ(pairs.tasks().size(), 3U);
  EXPECT_TRUE(pairs.is_ordered(0));
  EXPECT_TRUE(pairs.is_ordered(1));
  EXPECT_FALSE(pairs.is_ordered(2));
  ASSERT_TRUE(pairs.order_at(6, kPairWork));
  EXPECT_EQ(broken_by(ordered.loop, pairs, pairs.starts_ns(), 6), "");
}

// A few pairs may be left without a way; edges never.
TEST(PairOrders, StartsKeepEdgesAndHardlyEverOverlap) {
  int num_found = 0;
  int num_broken = 0;
  for (unsigned seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const SchedulingProblem problem = random_problem(seed);
    const OrderedLoop ordered(problem);
    const int64_t shortest_ns = min_initiation_interval_ns(problem);
    for (const int64_t interval_ns : {shortest_ns, shortest_ns + shortest_ns / 4}) {
      PairOrders pairs(ordered.loop, ordered.ranks);
      if (!pairs.order_at(interval_ns, kPairWork)) continue;
      ++num_found;
      num_broken += broken_by(ordered.loop, pairs, pairs.starts_ns(), interval_ns).empty() ? 0 : 1;
    }
  }
  EXPECT_GT(num_found, 20);
  EXPECT_LT(num_broken, num_found / 10);
}

}  // namespace
}  // namespace graphc

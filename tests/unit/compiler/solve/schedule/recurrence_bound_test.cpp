#include "compiler/solve/schedule/recurrence_bound.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/unit/compiler/solve/schedule/problems.h"

namespace graphc {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// The same by looking at all closed walks up to a total distance, each of which is made of cycles.
int64_t longest_by_walks(const SchedulingProblem& problem, int64_t least_ns) {
  constexpr int64_t kNone = std::numeric_limits<int64_t>::min() / 2;
  const size_t num_tasks = problem.tasks.size();
  const auto max_distance = static_cast<int64_t>(2 * num_tasks);
  int64_t longest_ns = least_ns;
  for (const TaskId start : problem.tasks.ids()) {
    // walks[d][task]: the longest from `start` to `task`, without the task itself.
    std::vector<IdVector<TaskId, int64_t>> walks(static_cast<size_t>(max_distance) + 1,
                                                 IdVector<TaskId, int64_t>(num_tasks, kNone));
    walks[0][start] = 0;
    for (int64_t distance = 0; distance <= max_distance; ++distance) {
      auto& here = walks[static_cast<size_t>(distance)];
      for (size_t round = 0; round < num_tasks; ++round) {
        for (const SchedulingEdge& edge : problem.edges) {
          if (edge.is_storage || edge.distance > distance) continue;
          const int64_t before_ns = walks[static_cast<size_t>(distance - edge.distance)][edge.from];
          if (before_ns == kNone) continue;
          here[edge.to] =
              std::max(here[edge.to], before_ns + problem.tasks[edge.from].cost.duration_ns());
        }
      }
      if (distance == 0 || here[start] == kNone) continue;
      longest_ns = std::max(longest_ns, (here[start] + distance - 1) / distance);
    }
  }
  return longest_ns;
}

TEST(LongestRecurrence, IsTheOneOfAllClosedWalks) {
  int num_found = 0;
  for (unsigned seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const SchedulingProblem problem = random_problem(seed);
    const Recurrence found = longest_recurrence(problem, 20);
    EXPECT_EQ(found.interval_ns, longest_by_walks(problem, 20));
    EXPECT_EQ(found.cycle.empty(), found.interval_ns == 20);
    num_found += found.cycle.empty() ? 0 : 1;
  }
  EXPECT_GT(num_found, 50);
}

// Two cycles that have nothing in common, each of 70 and 90 a step.
TEST(LongestRecurrence, TakesTheLongerOfTwoComponents) {
  ProblemBuilder build;
  const GroupId lanes = build.group(4);
  const TaskId a = build.task(lanes, 30);
  const TaskId b = build.task(lanes, 40);
  const TaskId c = build.task(lanes, 90);
  build.edge(a, b);
  build.edge(b, a, 1);
  build.edge(c, c, 1);
  build.edge(b, c);
  const Recurrence found = longest_recurrence(build.get(), 0);
  EXPECT_EQ(found.interval_ns, 90);
  EXPECT_THAT(found.cycle, ElementsAre(c));
  EXPECT_THAT(longest_recurrence(build.get(), 90).cycle, IsEmpty());
}

// A ring of updates, each of which hands its result to the next step of the one before it: the
// longest path has as many edges into later steps as there are tasks.
TEST(LongestRecurrence, ALongRingIsFound) {
  ProblemBuilder build;
  const GroupId lanes = build.group(1000);
  constexpr int kNumTasks = 1000;
  std::vector<TaskId> tasks;
  for (int i = 0; i < kNumTasks; ++i) tasks.push_back(build.task(lanes, 1 + i % 7));
  for (size_t i = 0; i < kNumTasks; ++i) build.edge(tasks[(i + 1) % kNumTasks], tasks[i], 1);
  EXPECT_EQ(longest_recurrence(build.get(), 0).interval_ns, 4);
}

}  // namespace
}  // namespace graphc

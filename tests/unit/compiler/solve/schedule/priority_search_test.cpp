#include "compiler/solve/schedule/priority_search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "compiler/solve/schedule/forward_backward.h"
#include "compiler/solve/schedule/pipeline_search.h"
#include "tests/unit/compiler/solve/schedule/demands.h"
#include "tests/unit/compiler/solve/schedule/problems.h"

namespace graphc {
namespace {

constexpr int64_t kPlacements = 10'000;

// Two of three and three of two on two lanes, the next step after all of this one. The longest
// first, forwards or backwards, leaves one lane with 7:
//   lane 0  [ 3 ][ 2][ 2]         [ 3 ][ 3 ]
//   lane 1  [ 3 ][ 2]             [ 2][ 2][ 2]
struct ThreesAndTwos {
  ProblemBuilder build;
  ThreesAndTwos() {
    const GroupId lanes = build.group(2);
    const GroupId ends = build.group(1);
    const TaskId first = build.task(ends, 0);
    const TaskId last = build.task(ends, 0);
    for (const int64_t duration_ns : {3, 3, 2, 2, 2}) {
      const TaskId task = build.task(lanes, duration_ns);
      build.edge(first, task);
      build.edge(task, last);
    }
    build.edge(last, first, 1);
  }
};

SchedulingSolution listed(const SchedulingProblem& problem) {
  return evaluate(problem, list_schedule(problem, Stages(problem.tasks.size(), 0)));
}

TEST(PrioritySearch, FindsWhatNoOrderByPathsDoes) {
  const ThreesAndTwos given;
  const SchedulingProblem& problem = given.build.get();
  const SchedulingSolution known = listed(problem);
  ASSERT_EQ(known.interval_ns, 7);
  const Stages stages(problem.tasks.size(), 0);
  const auto again = forward_backward(problem, stages, known, known);
  ASSERT_EQ(evaluate(problem, again).interval_ns, 7);
  const auto found = priority_search(problem, known, 6, kPlacements);
  ASSERT_TRUE(found);
  EXPECT_EQ(defects_of(problem, *found), "");
  EXPECT_EQ(evaluate(problem, *found).interval_ns, 6);
}

TEST(PrioritySearch, NothingIsShorterThanTheShortest) {
  const ThreesAndTwos given;
  const SchedulingProblem& problem = given.build.get();
  const auto best = evaluate(problem, *priority_search(problem, listed(problem), 6, kPlacements));
  EXPECT_FALSE(priority_search(problem, best, 6, kPlacements));
  EXPECT_FALSE(priority_search(problem, best, 0, kPlacements));
}

TEST(PrioritySearch, LooksAtNoMoreThanItMay) {
  const ThreesAndTwos given;
  EXPECT_FALSE(priority_search(given.build.get(), listed(given.build.get()), 6, 0));
}

/// The start of every task.
std::vector<int64_t> starts_of(const SchedulingSolution& solution) {
  std::vector<int64_t> starts_ns;
  for (const ScheduledTask& task : solution.tasks) starts_ns.push_back(task.start_ns);
  return starts_ns;
}

// In stages, too: those of the schedule that it begins with.
TEST(PrioritySearch, SchedulesAreLegalAndShorter) {
  int num_found = 0;
  for (unsigned seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const SchedulingProblem problem = without_sharing(random_problem(seed));
    for (const int max_stage : {0, 1}) {
      const auto known = schedule_pipelined(
          problem, {.max_stage = max_stage, .modulo_budget = 0, .priority_budget = 0});
      const auto found = priority_search(problem, known, 0, kPlacements);
      if (!found) continue;
      ++num_found;
      EXPECT_EQ(defects_of(problem, *found), "");
      EXPECT_LT(evaluate(problem, *found).interval_ns, known.interval_ns);
      for (const TaskId task : problem.tasks.ids()) {
        EXPECT_EQ(found->tasks[task].stage, known.tasks[task].stage);
      }
    }
  }
  EXPECT_GT(num_found, 4);
}

TEST(PrioritySearch, AScheduleIsTheSameUnderOtherNumbers) {
  int num_found = 0;
  for (unsigned seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const SchedulingProblem problem =
        seed <= 200 ? random_problem(seed) : random_problem_of_resources(seed);
    const SchedulingSolution known = listed(problem);
    const auto found = priority_search(problem, known, 0, kPlacements);
    std::vector<TaskId> renumbered;
    for (size_t i = problem.tasks.size(); i-- > 0;) renumbered.emplace_back(i);
    const SchedulingProblem other = renumbered_problem(problem, renumbered);
    const auto other_found = priority_search(other, listed(other), 0, kPlacements);
    ASSERT_EQ(found.has_value(), other_found.has_value());
    if (!found) continue;
    ++num_found;
    EXPECT_EQ(defects_of(problem, *found), "");
    std::vector<int64_t> other_starts_ns = starts_of(*other_found);
    std::reverse(other_starts_ns.begin(), other_starts_ns.end());
    EXPECT_EQ(starts_of(*found), other_starts_ns);
  }
  EXPECT_GT(num_found, 4);
}

}  // namespace
}  // namespace graphc

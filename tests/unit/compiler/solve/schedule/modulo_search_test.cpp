#include "compiler/solve/schedule/modulo_search.h"

#include <gtest/gtest.h>

#include "compiler/solve/schedule/pipeline_search.h"
#include "tests/unit/compiler/solve/schedule/problems.h"

namespace graphc {
namespace {

constexpr int64_t kBudget = 300'000;

// A chain over two lanes, twice: in one step 12, but both lanes have work for 6 only.
//   lane 0  | a   | c   |
//   lane 1  | d   | b   |     a -> b -> c -> d: b in the interval of a, c and d one on
TEST(ModuloSchedule, AChainFillsItsLanesByStages) {
  ProblemBuilder build;
  const GroupId lane0 = build.group(1);
  const GroupId lane1 = build.group(1);
  const TaskId a = build.task(lane0, 3);
  const TaskId b = build.task(lane1, 3);
  const TaskId c = build.task(lane0, 3);
  const TaskId d = build.task(lane1, 3);
  build.value(a, {b});
  build.value(b, {c});
  build.value(c, {d});
  const auto sequential = schedule_pipelined(build.get(), {.max_stage = 0});
  ASSERT_GT(sequential.interval_ns, 6);
  const auto steady = modulo_schedule(build.get(), sequential, kBudget);
  ASSERT_TRUE(steady);
  EXPECT_EQ(defects_of(build.get(), *steady), "");
  EXPECT_EQ(evaluate(build.get(), *steady).interval_ns, 6);
}

TEST(ModuloSchedule, NothingIsBetterThanTheBound) {
  ProblemBuilder build;
  const GroupId lane = build.group(1);
  build.value(build.task(lane, 3), {build.task(lane, 4)});
  const auto best = schedule_pipelined(build.get(), {.max_stage = 0});
  ASSERT_EQ(best.interval_ns, 7);
  EXPECT_FALSE(modulo_schedule(build.get(), best, kBudget));
}

TEST(ModuloSchedule, AnIntervalIsLegalAndTheSameEveryTime) {
  int num_found = 0;
  for (unsigned seed = 1; seed <= 80; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const SchedulingProblem problem =
        seed <= 40 ? random_problem(seed) : random_problem_of_resources(seed);
    const auto known = schedule_pipelined(problem, {.max_stage = 0});
    const auto steady = modulo_schedule(problem, known, kBudget);
    if (!steady) continue;
    ++num_found;
    EXPECT_EQ(defects_of(problem, *steady), "");
    const auto again = modulo_schedule(problem, known, kBudget);
    ASSERT_TRUE(again);
    EXPECT_EQ(steady->lanes, again->lanes);
  }
  EXPECT_GT(num_found, 4);
}

}  // namespace
}  // namespace graphc

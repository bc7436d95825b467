#include "compiler/solve/schedule/interval_passes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/solve/schedule/pipeline_search.h"
#include "tests/unit/compiler/solve/schedule/problems.h"

namespace graphc {
namespace {

using testing::ElementsAre;

IntervalPasses::Keys keys_of(const std::vector<int64_t>& times_ns) {
  IntervalPasses::Keys keys;
  for (const int64_t time_ns : times_ns) keys.push_back(time_ns);
  return keys;
}

/// Everything in stage 0, and nothing of before that would be late.
struct SingleInterval {
  explicit SingleInterval(const SchedulingProblem& problem)
      : stages(problem.tasks.size(), 0), passes(problem, stages, before(problem)) {}

  static SchedulingSolution before(const SchedulingProblem& problem) {
    SchedulingSolution solution;
    solution.tasks = IdVector<TaskId, ScheduledTask>(problem.tasks.size());
    return solution;
  }

  Stages stages;
  IntervalPasses passes;
  IntervalPasses::Filled filled;
};

// Keys say who comes in line first; c is the last of three and finds a gap:
//   lane 0  [ a ][ c ]
//   lane 1       [  b  ]      b needs a
TEST(IntervalPasses, TasksGetTheirSlotsInTheOrderOfTheirKeys) {
  ProblemBuilder build;
  const GroupId lanes = build.group(2);
  const TaskId a = build.task(lanes, 3);
  const TaskId b = build.task(lanes, 4);
  const TaskId c = build.task(lanes, 3);
  build.edge(a, b);
  SingleInterval interval(build.get());
  interval.passes.fill(keys_of({0, 1, 2}), interval.filled);
  EXPECT_THAT(interval.filled.order, ElementsAre(a, b, c));
  EXPECT_EQ(interval.filled.slots[b].start_ns, 3);
  EXPECT_EQ(interval.filled.slots[c].start_ns, 0);
  EXPECT_EQ(interval.passes.period_ns(interval.filled), 7);
}

// The same again after 6, although all of it takes 9: b of a step runs beside a of the next. Where
// a needs b of the step before, it is 9, and 5, less than the longest lane, of the one before that.
//   lane 0  [   a   ]
//   lane 1           [b]
TEST(IntervalPasses, ThePeriodIsThatOfLanesAndOfEdgesToLaterIntervals) {
  for (const auto& [distance, period_ns] : {std::pair(0, 6), std::pair(1, 9), std::pair(2, 6)}) {
    ProblemBuilder build;
    const TaskId a = build.task(build.group(1), 6);
    const TaskId b = build.task(build.group(1), 3);
    build.edge(a, b);
    if (distance > 0) build.edge(b, a, distance);
    SingleInterval interval(build.get());
    interval.passes.fill(keys_of({0, 1}), interval.filled);
    EXPECT_EQ(interval.passes.period_ns(interval.filled), period_ns) << distance;
  }
}

// b could start with c, but not later than 3 before the end, for d.
//   lane 0  [  a  ][ c   ]
//   lane 1      [ b ][ d ]
TEST(IntervalPasses, LatestStartsCountFromTheEnd) {
  ProblemBuilder build;
  const GroupId lane0 = build.group(1);
  const GroupId lane1 = build.group(1);
  build.task(lane0, 5);
  const TaskId b = build.task(lane1, 3);
  build.task(lane0, 4);
  const TaskId d = build.task(lane1, 3);
  build.edge(b, d);
  SingleInterval interval(build.get());
  IntervalPasses::Keys starts_ns;
  interval.passes.latest_starts(keys_of({5, 3, 9, 6}), starts_ns);
  EXPECT_EQ(starts_ns, keys_of({-9, -6, -4, -3}));
}

TEST(IntervalPasses, LanesThatRunAsTheyCanAreNoSlowerThanThePeriod) {
  for (unsigned seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const SchedulingProblem problem = without_sharing(random_problem(seed));
    const Stages stages(problem.tasks.size(), 0);
    const SchedulingSolution known = evaluate(problem, list_schedule(problem, stages));
    IntervalPasses passes(problem, stages, known);
    IntervalPasses::Keys keys;
    for (const ScheduledTask& task : known.tasks) keys.push_back(task.end_ns);
    IntervalPasses::Keys latest_starts_ns;
    passes.latest_starts(keys, latest_starts_ns);
    IntervalPasses::Filled filled;
    passes.fill(latest_starts_ns, filled);
    const SchedulingSolution solution = passes.solution_of(filled);
    EXPECT_EQ(defects_of(problem, solution), "");
    EXPECT_LE(evaluate(problem, solution).interval_ns, passes.period_ns(filled));
  }
}

}  // namespace
}  // namespace graphc

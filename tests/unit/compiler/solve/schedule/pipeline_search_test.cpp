#include "compiler/solve/schedule/pipeline_search.h"

#include <gtest/gtest.h>

#include "compiler/solve/schedule/lane_order.h"
#include "compiler/solve/schedule/lower_bound.h"
#include "runtime/proof/happens_before.h"
#include "runtime/proof/simulate.h"
#include "tests/unit/compiler/solve/schedule/problems.h"

namespace graphc {
namespace {

LaneProgram program_of(const SchedulingProblem& problem, const SchedulingSolution& solution) {
  return with_all_waits(problem, solution, enforced_edges(problem, solution.versions));
}

/// A batch is read, travels and is used; the state that use updates comes back over the link that
/// the batch takes, too:
///
///   feed    [feed 10]                          [feed]
///   link             [batch 30]         [w 30]       [batch 30]
///   gpu                        [use 40]
///
/// In one interval the link cannot take the next batch before w, because w stands behind the batch
/// in its list: 110 ns a step. With feed and batch a stage ahead, w comes first and the next
/// batch follows it while `use` runs: 30 + 40 = 70, the recurrence of w and use.
struct NextBatch {
  ProblemBuilder build;
  GroupId link_group = build.group(1);
  TaskId batch = build.task(link_group, 30);
  TaskId feed = build.task(build.group(1), 10);
  TaskId use = build.task(build.group(1), 40);
  TaskId w = build.task(link_group, 30);
  NextBatch() {
    build.value(feed, {batch});
    build.value(batch, {use});
    build.edge(use, w);
    build.edge(w, use, 1);
  }
};

TEST(SchedulePipelined, TheNextBatchTravelsWhileThisOneComputes) {
  const NextBatch given;
  const SchedulingProblem& problem = given.build.get();
  EXPECT_EQ(interval_bound(problem).interval_ns, 70);
  const auto sequential = schedule_pipelined(problem, {.max_stage = 0});
  EXPECT_GE(sequential.interval_ns, 100);
  const auto pipelined = schedule_pipelined(problem);
  EXPECT_EQ(pipelined.interval_ns, 70);
  EXPECT_LT(pipelined.tasks[given.feed].stage, pipelined.tasks[given.use].stage);
  EXPECT_LT(pipelined.tasks[given.batch].stage, pipelined.tasks[given.use].stage);
  EXPECT_EQ(pipelined.tasks[given.use].stage, pipelined.tasks[given.w].stage);
}

TEST(SchedulePipelined, InVirtualTimeANextStepStartsBeforeThisOneEnds) {
  const NextBatch given;
  const auto solution = schedule_pipelined(given.build.get());
  const Timeline timeline = simulate(program_of(given.build.get(), solution), 4);
  const auto positions = positions_of(solution);
  const auto span = [&](TaskId task, int64_t step) {
    const Position at = positions[task];
    const auto interval = static_cast<size_t>(step + solution.tasks[task].stage);
    return timeline.intervals[interval][at.lane][static_cast<size_t>(at.index)];
  };
  for (int64_t step = 0; step < 3; ++step) {
    EXPECT_LT(span(given.feed, step + 1).start_ns, span(given.w, step).end_ns) << step;
    EXPECT_LT(span(given.batch, step + 1).start_ns, span(given.use, step).end_ns) << step;
    EXPECT_GE(span(given.use, step + 1).start_ns, span(given.w, step).end_ns) << step;
  }
}

// Where one interval is as short as it can be, no version and no stage is spent.
TEST(SchedulePipelined, NothingIsMovedThatDoesNotPay) {
  ProblemBuilder build;
  const GroupId lane = build.group(1);
  const TaskId a = build.task(lane, 10);
  const TaskId b = build.task(lane, 10);
  build.value(a, {b});
  const auto solution = schedule_pipelined(build.get());
  EXPECT_EQ(solution.interval_ns, 20);
  EXPECT_EQ(solution.tasks[b].stage, 0);
  EXPECT_EQ(solution.versions[VersionedId(0)], 1);
}

TEST(SchedulePipelined, TheIntervalIsWhatTheProgramTakesAndNeverBelowTheBound) {
  for (unsigned seed = 1; seed <= 120; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const SchedulingProblem problem =
        seed <= 60 ? random_problem(seed) : random_problem_of_resources(seed);
    const auto solution = schedule_pipelined(problem);
    const LaneProgram program = program_of(problem, solution);
    ASSERT_TRUE(find_deadlock(program).empty());
    EXPECT_EQ(defects_of(problem, solution), "");
    EXPECT_EQ(solution.interval_ns, steady_interval_ns(program));
    EXPECT_EQ(solution.latency_ns, simulate(program, 1).end_ns);
    EXPECT_GE(solution.interval_ns, interval_bound(problem).interval_ns);
    EXPECT_LE(solution.interval_ns, schedule_pipelined(problem, {.max_stage = 0}).interval_ns);
  }
}

TEST(TimedAsWritten, GivesTheTimesOfAnOrderThatIsFixed) {
  ProblemBuilder build;
  const GroupId lane = build.group(1);
  const TaskId a = build.task(lane, 10);
  const TaskId b = build.task(lane, 20);
  const TaskId c = build.task(build.group(1), 5);
  build.value(b, {c});
  SchedulingSolution solution;
  solution.tasks = IdVector<TaskId, ScheduledTask>(3);
  solution.tasks[c].lane = LaneId(1);
  solution.lanes = IdVector<LaneId, std::vector<TaskId>>(2);
  solution.lanes[LaneId(0)] = {b, a};
  solution.lanes[LaneId(1)] = {c};
  solution = timed_as_written(build.get(), solution);
  EXPECT_EQ(solution.tasks[b].start_ns, 0);
  EXPECT_EQ(solution.tasks[a].start_ns, 20);
  EXPECT_EQ(solution.tasks[c].start_ns, 20);
  EXPECT_EQ(solution.interval_ns, 30);
  EXPECT_EQ(solution.latency_ns, 30);
}

}  // namespace
}  // namespace graphc

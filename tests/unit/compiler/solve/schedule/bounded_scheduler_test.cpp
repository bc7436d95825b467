#include "compiler/solve/schedule/bounded_scheduler.h"

#include <gtest/gtest.h>

#include "compiler/solve/schedule/lane_order.h"
#include "compiler/solve/schedule/list_scheduler.h"
#include "compiler/solve/schedule/pipeline_search.h"
#include "runtime/proof/happens_before.h"
#include "runtime/proof/simulate.h"
#include "tests/unit/compiler/solve/schedule/demands.h"

namespace graphc {
namespace {

Budgets budget_of(int64_t size_bytes) { return Budgets(1, size_bytes); }

int64_t peak_bytes(const DemandBuilder& build, const SchedulingSolution& solution) {
  return memory_peaks(build.get(), build.demand(), solution)[MemoryId(0)].size_bytes;
}

/// Two branches that each hold 10 until they are joined by what is small:
///
///   a1 [ 10 ] -> b1 [ 1 ] \          wide (budget 22)           narrow (budget 12)
///                          join      lane 0 [a1][b1][join]      [a1][b1]        [join]
///   a2 [ 10 ] -> b2 [ 1 ] /          lane 1 [a2][b2]                    [a2][b2]
struct Diamond {
  DemandBuilder build;
  MemoryId memory = build.memory();
  GroupId lanes = build.group(2);
  TaskId a1 = build.task(lanes, 10);
  TaskId a2 = build.task(lanes, 10);
  TaskId b1 = build.task(lanes, 10);
  TaskId b2 = build.task(lanes, 10);
  TaskId join = build.task(lanes, 10);
  Diamond() {
    build.holds(memory, 10, {a1}, {b1});
    build.holds(memory, 10, {a2}, {b2});
    build.holds(memory, 1, {b1}, {join});
    build.holds(memory, 1, {b2}, {join});
  }
};

TEST(ScheduleWithin, BranchesRunSideBySideWhereTheyFit) {
  const Diamond given;
  const auto solution = schedule_within(given.build.get(), given.build.demand(), budget_of(22));
  EXPECT_EQ(defects_of(given.build.get(), solution), "");
  EXPECT_EQ(solution.tasks[given.join].start_ns, 20);
  EXPECT_EQ(peak_bytes(given.build, solution), 22);
}

TEST(ScheduleWithin, TheBudgetPutsBranchesOneAfterTheOther) {
  const Diamond given;
  const auto solution = schedule_within(given.build.get(), given.build.demand(), budget_of(12));
  EXPECT_EQ(defects_of(given.build.get(), solution), "");
  EXPECT_EQ(solution.tasks[given.b1].end_ns, 20);
  EXPECT_EQ(solution.tasks[given.a2].start_ns, 20);
  EXPECT_EQ(solution.tasks[given.a2].reason, Reason::kWaitsForMemory);
  EXPECT_EQ(solution.tasks[given.join].start_ns, 40);
  EXPECT_EQ(peak_bytes(given.build, solution), 12);
}

// No order of the diamond needs less than 12: the schedule is there, and its peak says by how much
// it misses.
TEST(ScheduleWithin, ABudgetThatIsTooSmallGivesTheLowestPeakThatIsKnown) {
  const Diamond given;
  const auto solution = schedule_within(given.build.get(), given.build.demand(), budget_of(5));
  EXPECT_EQ(defects_of(given.build.get(), solution), "");
  EXPECT_EQ(peak_bytes(given.build, solution), 12);
}

//   link  [copy1][copy2]               the second copy is ready at once, but with use1's result
//   gpu          [ use1 ][ use2 ]      there is no room for it (8 + 8 + 5): it waits for use1
//
//   link  [copy1]        [copy2]
//   gpu          [ use1 ]       [ use2 ]
TEST(ScheduleWithin, AnEarlyCopyIsHeldBack) {
  DemandBuilder build;
  const MemoryId memory = build.memory();
  const GroupId link = build.group(1);
  const GroupId gpu = build.group(1);
  const TaskId copy1 = build.task(link, 10);
  const TaskId copy2 = build.task(link, 10);
  const TaskId use1 = build.task(gpu, 20);
  const TaskId use2 = build.task(gpu, 20);
  build.holds(memory, 8, {copy1}, {use1});
  build.holds(memory, 8, {copy2}, {use2});
  build.holds(memory, 5, {use1}, {use2});
  const auto roomy = schedule_within(build.get(), build.demand(), budget_of(21));
  EXPECT_EQ(roomy.tasks[copy2].start_ns, 10);
  const auto tight = schedule_within(build.get(), build.demand(), budget_of(20));
  EXPECT_EQ(defects_of(build.get(), tight), "");
  EXPECT_EQ(tight.tasks[copy2].start_ns, 30);
  EXPECT_EQ(tight.tasks[copy2].reason, Reason::kWaitsForMemory);
  EXPECT_EQ(peak_bytes(build, tight), 13);
}

// Both loads fit in memory together, but then neither result does: without a look ahead nothing
// could go on.
//
//   load1 4 -> work1 4 (temporary)    budget 11: 4 + 4 + 4 is too much
//   load2 4 -> work2 4 (temporary)
TEST(ScheduleWithin, DoesNotFillMemoryWithWhatCannotGoOn) {
  DemandBuilder build;
  const MemoryId memory = build.memory();
  const GroupId links = build.group(2);
  const GroupId gpu = build.group(1);
  const TaskId load1 = build.task(links, 10);
  const TaskId load2 = build.task(links, 10);
  const TaskId work1 = build.task(gpu, 20);
  const TaskId work2 = build.task(gpu, 20);
  build.holds(memory, 4, {load1}, {work1});
  build.holds(memory, 4, {load2}, {work2});
  build.holds(memory, 4, {work1}, {});
  build.holds(memory, 4, {work2}, {});
  const auto solution = schedule_within(build.get(), build.demand(), budget_of(11));
  EXPECT_EQ(defects_of(build.get(), solution), "");
  EXPECT_LE(peak_bytes(build, solution), 11);
  EXPECT_EQ(solution.tasks[load2].start_ns, 30);
}

//   lane  [small][ big ]    big is on the longer path, but does not fit beside what `other` holds
//   other [ other ]
TEST(ScheduleWithin, WhatFitsGoesBeforeWhatDoesNot) {
  DemandBuilder build;
  const MemoryId memory = build.memory();
  const GroupId lane = build.group(1);
  const TaskId big = build.task(lane, 30);
  const TaskId other = build.task(build.group(1), 40);
  const TaskId small = build.task(lane, 10);
  build.holds(memory, 8, {big}, {});
  build.holds(memory, 8, {other}, {});
  build.holds(memory, 2, {small}, {});
  const auto solution = schedule_within(build.get(), build.demand(), budget_of(10));
  EXPECT_EQ(defects_of(build.get(), solution), "");
  EXPECT_EQ(solution.tasks[other].start_ns, 0);
  EXPECT_EQ(solution.tasks[small].start_ns, 0);
  EXPECT_EQ(to_string(solution.tasks[small].reason), "fits_memory");
  EXPECT_EQ(solution.tasks[big].start_ns, 40);
}

TEST(ScheduleWithin, AnUnlimitedBudgetGivesTheListSchedule) {
  for (unsigned seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const SchedulingProblem problem = random_problem(seed);
    const MemoryDemand demand = random_demand(problem, seed);
    const auto solution = schedule_within(problem, demand, unlimited(demand));
    const auto plain = list_schedule(problem, Stages(problem.tasks.size(), 0));
    EXPECT_EQ(solution.lanes, plain.lanes);
    for (const TaskId task : problem.tasks.ids()) {
      EXPECT_EQ(solution.tasks[task].start_ns, plain.tasks[task].start_ns);
    }
  }
}

// Budgets from none to all that the list schedule takes; the min-peak order is asked what it needs.
TEST(ScheduleWithin, KeepsWithinTheBudgetWhereverTheMinPeakOrderDoes) {
  int num_tight = 0;
  for (unsigned seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const SchedulingProblem problem = random_problem(seed);
    const MemoryDemand demand = random_demand(problem, seed);
    const auto plain = list_schedule(problem, Stages(problem.tasks.size(), 0));
    const Budgets plain_peaks = sampled_peaks(demand, plain);
    for (const int64_t percent : {0, 50, 70, 80, 90, 95}) {
      Budgets budgets = plain_peaks;
      for (int64_t& budget : budgets) budget = budget * percent / 100;
      const auto lean = one_by_one(min_peak_order(problem, demand, budgets));
      const Budgets lean_peaks = sampled_peaks(demand, lean);
      const auto solution = schedule_within(problem, demand, budgets);
      EXPECT_EQ(defects_of(problem, solution), "");
      const Budgets peaks = sampled_peaks(demand, solution);
      for (const MemoryId memory : budgets.ids()) {
        EXPECT_LE(peaks[memory], std::max(budgets[memory], lean_peaks[memory]));
        if (lean_peaks[memory] <= budgets[memory]) ++num_tight;
      }
    }
  }
  EXPECT_GT(num_tight, 500);
}

TEST(ScheduleWithin, TheIntervalIsWhatTheProgramTakesWithOneVersionOfEverything) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const SchedulingProblem problem = random_problem(seed);
    const MemoryDemand demand = random_demand(problem, seed);
    const auto solution = schedule_within(problem, demand, Budgets(2, 0));
    for (const int32_t versions : solution.versions) EXPECT_EQ(versions, 1);
    for (const ScheduledTask& task : solution.tasks) EXPECT_EQ(task.stage, 0);
    const LaneProgram program =
        with_all_waits(problem, solution, enforced_edges(problem, solution.versions));
    ASSERT_TRUE(find_deadlock(program).empty());
    EXPECT_EQ(solution.versions.size(), problem.values.size());
    EXPECT_EQ(solution.interval_ns, steady_interval_ns(program));
    EXPECT_EQ(solution.latency_ns, simulate(program, 1).end_ns);
  }
}

TEST(ScheduleWithin, DoesNotDependOnHowTasksAreNumbered) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const SchedulingProblem problem = random_problem(seed);
    const MemoryDemand demand = random_demand(problem, seed);
    const auto solution = schedule_within(problem, demand, Budgets(2, 30));
    const auto renumbered = shuffled_tasks(problem.tasks.size(), seed);
    const auto other = schedule_within(renumbered_problem(problem, renumbered),
                                       renumbered_demand(demand, renumbered), Budgets(2, 30));
    EXPECT_EQ(other.interval_ns, solution.interval_ns);
    for (const TaskId task : problem.tasks.ids()) {
      const TaskId moved = renumbered[task.index()];
      EXPECT_EQ(other.tasks[moved].start_ns, solution.tasks[task].start_ns);
      EXPECT_EQ(other.tasks[moved].lane, solution.tasks[task].lane);
    }
  }
}

// More tasks than are looked at in full: chains of two that hold 5 between them, over four lanes.
TEST(ScheduleWithin, LargeProblemsAreScheduledAlongTheMinPeakOrder) {
  DemandBuilder build;
  const MemoryId memory = build.memory();
  const GroupId lanes = build.group(4);
  for (int i = 0; i < 1'200; ++i) {
    const TaskId first = build.task(lanes, 10 + i % 3);
    const TaskId second = build.task(lanes, 10 + i % 5);
    build.holds(memory, 5, {first}, {second});
  }
  const auto solution = schedule_within(build.get(), build.demand(), budget_of(21));
  EXPECT_EQ(defects_of(build.get(), solution), "");
  EXPECT_LE(peak_bytes(build, solution), 21);
  const auto plain = list_schedule(build.get(), Stages(build.get().tasks.size(), 0));
  EXPECT_GT(peak_bytes(build, plain), 21);
  EXPECT_LE(solution.interval_ns, evaluate(build.get(), plain).interval_ns * 11 / 10);
}

}  // namespace
}  // namespace graphc

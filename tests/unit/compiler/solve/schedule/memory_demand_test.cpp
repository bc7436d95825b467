#include "compiler/solve/schedule/memory_demand.h"

#include <gtest/gtest.h>

#include "compiler/solve/schedule/list_scheduler.h"
#include "tests/unit/compiler/solve/schedule/demands.h"

namespace graphc {
namespace {

//   lane   [ a ][ b ][ c ]
//   x (4)  [---------)         a writes, b reads
//   y (2)       [---------)    b writes, c reads: 6 while b runs
//   always 10
TEST(MemoryPeaks, AreWhereValuesOverlapInTime) {
  DemandBuilder build;
  const MemoryId memory = build.memory(10);
  const GroupId lane = build.group(1);
  const TaskId a = build.task(lane, 5);
  const TaskId b = build.task(lane, 5);
  const TaskId c = build.task(lane, 5);
  build.holds(memory, 4, {a}, {b});
  build.holds(memory, 2, {b}, {c});
  const auto solution = list_schedule(build.get(), Stages(3, 0));
  const auto peaks = memory_peaks(build.get(), build.demand(), solution);
  EXPECT_EQ(peaks[memory].size_bytes, 16);
  EXPECT_EQ(peaks[memory].task, b);
}

// a ends when b starts: what a frees is free for b.
TEST(MemoryPeaks, EndsFreeBeforeStartsAllocate) {
  DemandBuilder build;
  const MemoryId memory = build.memory();
  const GroupId lane = build.group(1);
  const TaskId a = build.task(lane, 5);
  const TaskId b = build.task(lane, 5);
  build.holds(memory, 7, {a}, {});
  build.holds(memory, 6, {b}, {});
  const auto solution = list_schedule(build.get(), Stages(2, 0));
  const auto peaks = memory_peaks(build.get(), build.demand(), solution);
  EXPECT_EQ(peaks[memory].size_bytes, 7);
  EXPECT_EQ(peaks[memory].task, a);
}

TEST(MemoryPeaks, TasksOfNoTimeComeOneAfterTheOther) {
  DemandBuilder build;
  const MemoryId memory = build.memory();
  const GroupId lane = build.group(1);
  const TaskId b = build.task(lane, 0);
  const TaskId a = build.task(lane, 0);
  const TaskId c = build.task(lane, 5);
  build.holds(memory, 7, {a}, {});
  build.holds(memory, 5, {b}, {});
  build.holds(memory, 1, {a}, {c});
  build.edge(a, b);
  build.edge(b, c);
  const auto solution = list_schedule(build.get(), Stages(3, 0));
  const auto peaks = memory_peaks(build.get(), build.demand(), solution);
  EXPECT_EQ(peaks[memory].size_bytes, 8);
  EXPECT_EQ(peaks[memory].task, a);
}

TEST(MemoryPeaks, OfWhatIsAlwaysInUseNoTaskIsToBlame) {
  DemandBuilder build;
  const MemoryId memory = build.memory(12);
  build.task(build.group(1), 5);
  const auto solution = list_schedule(build.get(), Stages(1, 0));
  const auto peaks = memory_peaks(build.get(), build.demand(), solution);
  EXPECT_EQ(peaks[memory].size_bytes, 12);
  EXPECT_FALSE(peaks[memory].task);
}

TEST(MemoryPeaks, AgreeWithSamples) {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const SchedulingProblem problem = random_problem(seed);
    const MemoryDemand demand = random_demand(problem, seed);
    const auto solution = list_schedule(problem, Stages(problem.tasks.size(), 0));
    const auto peaks = memory_peaks(problem, demand, solution);
    const Budgets sampled = sampled_peaks(demand, solution);
    for (const MemoryId memory : sampled.ids()) {
      EXPECT_EQ(peaks[memory].size_bytes, sampled[memory]);
    }
  }
}

}  // namespace
}  // namespace graphc

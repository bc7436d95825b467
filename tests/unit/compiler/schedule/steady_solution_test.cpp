#include "compiler/schedule/steady_solution.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/compiler/schedule/problems.h"

namespace graphc {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr int64_t kLaunchNs = 1;
constexpr int64_t kWorkNs = 10;
constexpr int64_t kIntervalNs = 40;

/// `num_tasks` kernels that a GPU does one after the other, each launched while the one before
/// runs.
SchedulingSolution spread(ProblemBuilder& build, const std::vector<int64_t>& starts_ns,
                          int64_t work_ns, int64_t shared_ns) {
  const GroupId streams = build.group(4, build.shared());
  SteadyState state;
  state.interval_ns = kIntervalNs;
  for (const int64_t start_ns : starts_ns) {
    build.task(streams, TaskCost{kLaunchNs, work_ns, shared_ns});
    state.lanes.push_back(LaneId(0));
    state.start_ns.push_back(start_ns);
  }
  return with_fewest_stages(build.get(), state);
}

// lane 0  |ra.........|   |rc.........|      r: launched; the work itself takes turns
// lane 1            |rb.........|   |rd..
TEST(SteadySolution, NoMoreLanesThanKernelsAtOnce) {
  ProblemBuilder build;
  const auto solution = spread(build, {0, 10, 19, 29}, kWorkNs, kWorkNs);
  EXPECT_THAT(solution.lanes[LaneId(0)], ElementsAre(TaskId(0), TaskId(2)));
  EXPECT_THAT(solution.lanes[LaneId(1)], ElementsAre(TaskId(1), TaskId(3)));
  EXPECT_THAT(solution.lanes[LaneId(2)], IsEmpty());
  EXPECT_EQ(solution.tasks[TaskId(3)].start_ns, 29);
}

// The last of one interval would meet the first of the next.
TEST(SteadySolution, ALaneIsFreeAgainWhenTheNextIntervalBegins) {
  ProblemBuilder build;
  const auto solution = spread(build, {0, kIntervalNs - kWorkNs}, kWorkNs, kWorkNs);
  EXPECT_THAT(solution.lanes[LaneId(0)], ElementsAre(TaskId(0)));
  EXPECT_THAT(solution.lanes[LaneId(1)], ElementsAre(TaskId(1)));
}

// The lane that became free last, lane 1 at 15, would leave no room for the last task, which meets
// the first of the next interval on lane 0: two lanes are enough if the third goes to lane 0.
TEST(SteadySolution, TheLaneThatIsFreeFirstWhereTheOtherCostsTime) {
  ProblemBuilder build;
  const GroupId streams = build.group(2, build.shared());
  SteadyState state;
  state.interval_ns = kIntervalNs;
  const std::vector<std::pair<int64_t, int64_t>> tasks = {{0, 10}, {5, 10}, {20, 15}, {30, 14}};
  for (const auto& [start_ns, duration_ns] : tasks) {
    build.task(streams, TaskCost{kLaunchNs, duration_ns - kLaunchNs, 1});
    state.lanes.push_back(LaneId(0));
    state.start_ns.push_back(start_ns);
  }
  const auto solution = with_fewest_stages(build.get(), state);
  EXPECT_THAT(solution.lanes[LaneId(0)], ElementsAre(TaskId(0), TaskId(2)));
  EXPECT_THAT(solution.lanes[LaneId(1)], ElementsAre(TaskId(1), TaskId(3)));
}

// Kernels that leave room for others, all at once: the fifth waits for the lane that is free first.
TEST(SteadySolution, AllLanesWhereKernelsRunBesideEachOther) {
  ProblemBuilder build;
  const auto solution = spread(build, {0, 1, 2, 3, 4}, kWorkNs, 1);
  for (int lane = 0; lane < 4; ++lane) EXPECT_FALSE(solution.lanes[LaneId(lane)].empty());
  EXPECT_THAT(solution.lanes[LaneId(0)], ElementsAre(TaskId(0), TaskId(4)));
}

}  // namespace
}  // namespace graphc

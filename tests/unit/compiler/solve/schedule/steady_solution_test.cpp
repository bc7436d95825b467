#include "compiler/solve/schedule/steady_solution.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/compiler/solve/schedule/problems.h"

namespace graphc {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr int64_t kLaunchNs = 1;
constexpr int64_t kWorkNs = 10;
constexpr int64_t kSteadyIntervalNs = 40;

struct Kernel {
  int64_t start_ns = 0;
  int64_t duration_ns = kLaunchNs + kWorkNs;
  int64_t shared_ns = kWorkNs;  ///< of the GPU alone; the launch is beside other kernels' work
};

/// Kernels that are repeated every interval, on a GPU's streams.
SchedulingSolution on_streams(int num_streams, const std::vector<Kernel>& kernels) {
  ProblemBuilder build;
  const GroupId streams = build.group(num_streams, {build.resource()});
  SteadyState state;
  state.interval_ns = kSteadyIntervalNs;
  for (const Kernel& kernel : kernels) {
    build.task(streams, TaskCost{kLaunchNs, kernel.duration_ns - kLaunchNs, {kernel.shared_ns}});
    state.lanes.push_back(LaneId(0));
    state.start_ns.push_back(kernel.start_ns);
  }
  return with_fewest_stages(build.get(), state);
}

// lane 0  |ra.........|   |rc.........|      r: launched; the work itself takes turns
// lane 1            |rb.........|   |rd..
TEST(SteadySolution, NoMoreLanesThanKernelsAtOnce) {
  const auto solution = on_streams(4, {{0}, {10}, {19}, {29}});
  EXPECT_THAT(solution.lanes[LaneId(0)], ElementsAre(TaskId(0), TaskId(2)));
  EXPECT_THAT(solution.lanes[LaneId(1)], ElementsAre(TaskId(1), TaskId(3)));
  EXPECT_THAT(solution.lanes[LaneId(2)], IsEmpty());
  EXPECT_EQ(solution.tasks[TaskId(3)].start_ns, 29);
}

// The last of one interval would meet the first of the next.
TEST(SteadySolution, ALaneIsFreeAgainWhenTheNextIntervalBegins) {
  const auto solution = on_streams(4, {{0}, {kSteadyIntervalNs - kWorkNs}});
  EXPECT_THAT(solution.lanes[LaneId(0)], ElementsAre(TaskId(0)));
  EXPECT_THAT(solution.lanes[LaneId(1)], ElementsAre(TaskId(1)));
}

// The lane that became free last, lane 1 at 15, would leave no room for the last task, which meets
// the first of the next interval on lane 0: two lanes are enough if the third goes to lane 0.
TEST(SteadySolution, TheLaneThatIsFreeFirstWhereTheOtherCostsTime) {
  const auto solution = on_streams(2, {{0, 10, 1}, {5, 10, 1}, {20, 15, 1}, {30, 14, 1}});
  EXPECT_THAT(solution.lanes[LaneId(0)], ElementsAre(TaskId(0), TaskId(2)));
  EXPECT_THAT(solution.lanes[LaneId(1)], ElementsAre(TaskId(1), TaskId(3)));
}

// Kernels that leave room for others, all at once: the fifth waits for the lane that is free first.
TEST(SteadySolution, AllLanesWhereKernelsRunBesideEachOther) {
  constexpr int64_t kDurationNs = kLaunchNs + kWorkNs;
  const auto solution = on_streams(4, {{0, kDurationNs, 1},
                                       {1, kDurationNs, 1},
                                       {2, kDurationNs, 1},
                                       {3, kDurationNs, 1},
                                       {4, kDurationNs, 1}});
  for (int lane = 0; lane < 4; ++lane) EXPECT_FALSE(solution.lanes[LaneId(lane)].empty());
  EXPECT_THAT(solution.lanes[LaneId(0)], ElementsAre(TaskId(0), TaskId(4)));
}

}  // namespace
}  // namespace graphc

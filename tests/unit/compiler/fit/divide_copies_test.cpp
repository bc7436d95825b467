#include "compiler/fit/divide_copies.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "compiler/placement/split_rows.h"
#include "tests/unit/compiler/schedule/levels.h"

namespace graphc {
namespace {

constexpr int64_t kPlenty = int64_t{1} << 30;

/// Blocks of 1000 rows of one byte a nanosecond, four of them.
constexpr BlockSizes kSizes{.least_bytes = 8000, .most_blocks = 4, .least_bytes_of_copy = 4000};

class DividedCopies : public testing::Test {
 protected:
  Schedule whole(const std::string& text) const {
    return schedule_tasks(find_dependencies(
        split_rows(placed_of(graph_of("graph g\n" + text), machine_), machine_, kSizes), machine_,
        costs_));
  }
  Schedule divided(const Schedule& schedule, int64_t limit_bytes = kPlenty) const {
    Schedule result = with_divided_copies(schedule, machine_, costs_,
                                          MemoryLimits(machine_.devices.size(), limit_bytes));
    EXPECT_EQ(verify_placed_graph(result.tasks.placed, machine_), std::nullopt);
    EXPECT_EQ(verify_task_graph(result.tasks), std::nullopt);
    EXPECT_EQ(verify_schedule(result), std::nullopt);
    return result;
  }

  Machine machine_ = star_machine();
  CostModel costs_{machine_, kSizes};
};

/// Made on the CPU, read on gpu0, and the next step waits for that.
constexpr const char* kThereAndBack =
    "state %x : f32[4000] init zeros\n"
    "%a = relu(%x) device cpu\n"
    "%b = relu(%a) device gpu0 updates %x\n"
    "output %b on gpu0\n";

//   cpu          [a.0][a.1][a.2][a.3]                         [a.0][a.1][a.2][a.3]
//   cpu->gpu0                         [a       ]      to           [.0][.1][.2][.3]
//   gpu0                                        [b]                                 [b]
TEST_F(DividedCopies, BlocksTravelWhileOthersAreMade) {
  const Schedule before = whole(kThereAndBack);
  const Schedule after = divided(before);
  EXPECT_GT(after.tasks.tasks.size(), before.tasks.tasks.size());
  EXPECT_LT(after.solution.interval_ns, before.solution.interval_ns);
  EXPECT_LT(after.solution.latency_ns, before.solution.latency_ns);
  EXPECT_LE(after.bound.interval_ns, after.solution.interval_ns);
}

TEST_F(DividedCopies, WithoutRoomTheyStayWhole) {
  const Schedule before = whole(kThereAndBack);
  // x, a and b in 16384 bytes each would need more.
  EXPECT_EQ(divided(before, 20000).tasks.tasks.size(), before.tasks.tasks.size());
}

// The CPU is busy with %c for longer than the copy and all that comes of it take.
TEST_F(DividedCopies, WhatGainsNothingStaysWhole) {
  const Schedule before = whole(
      "state %x : f32[4000] init zeros\n"
      "state %y : f32[1000, 1000] init zeros\n"
      "%a = relu(%x) device cpu\n"
      "%b = relu(%a) device gpu0 updates %x\n"
      "%c = softmax(%y) {axis = 0} device cpu updates %y\n"
      "output %b on gpu0\n");
  EXPECT_EQ(print_schedule(divided(before)), print_schedule(before));
}

// Launches that are shared count once in the bound, too.
TEST(DividedCopiesOfLaunches, KeepThemAndTheirBound) {
  const Machine machine = machine_of(
      "machine: slow-launches\n"
      "devices:\n"
      "  cpu:  {kind: cpu, workers: 2, memory: 1GiB, launch: 10ns,\n"
      "         rates: {matmul_f32: 1GFLOP/s, bytes: 1GB/s}}\n"
      "  gpu0: {kind: cuda, streams: 1, memory: 1GiB, launch: 10us,\n"
      "         rates: {matmul_f32: 10GFLOP/s, bytes: 10GB/s}}\n"
      "links:\n"
      "  - {between: [cpu, gpu0], to: 1GB/s, back: 1GB/s, latency: 100ns}\n");
  std::string text = "graph g\n" + std::string(kThereAndBack);
  for (const std::string n : {"0", "1", "2", "3", "4", "5"}) {
    text += "state %w" + n + " : f32[8] init zeros\n";
    text += "%w_new" + n + " = sgd_update(%w" + n + ", %w" + n +
            ") {learning_rate = 0.5} device gpu0 updates %w" + n + "\n";
  }
  const CostModel costs(machine, kSizes);
  const Schedule before = schedule_tasks(find_dependencies(
      split_rows(placed_of(graph_of(text), machine), machine, kSizes), machine, costs));
  const Schedule after = with_divided_copies(before, machine, costs, MemoryLimits(2, kPlenty));
  ASSERT_GT(after.tasks.tasks.size(), before.tasks.tasks.size());
  const auto& placed = after.solution.tasks;
  ASSERT_TRUE(std::any_of(placed.begin(), placed.end(),
                          [](const ScheduledTask& task) { return task.is_joined; }));
  EXPECT_LE(after.bound.interval_ns, after.solution.interval_ns);
}

TEST_F(DividedCopies, SmallOnesStayAsTheyAre) {
  const Schedule before = whole(
      "state %x : f32[100] init zeros\n"
      "%a = relu(%x) device cpu\n"
      "%b = relu(%a) device gpu0 updates %x\n"
      "output %b on gpu0\n");
  EXPECT_EQ(print_schedule(divided(before)), print_schedule(before));
}

}  // namespace
}  // namespace graphc

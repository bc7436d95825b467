#include "compiler/fit/divide_copies.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

// The output is delivered beside what else there is to do: no step waits for it.
TEST_F(DividedCopies, WhatGainsNothingStaysWhole) {
  const Schedule before = whole(
      "state %x : f32[4000] init zeros\n"
      "%a = relu(%x) device cpu updates %x\n"
      "%b = relu(%a) device gpu0\n"
      "%c = relu(%b) device gpu0 keep\n"
      "output %c on gpu0\n");
  const Schedule after = divided(before);
  EXPECT_LE(after.solution.interval_ns, before.solution.interval_ns);
  EXPECT_LE(after.solution.latency_ns, before.solution.latency_ns);
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

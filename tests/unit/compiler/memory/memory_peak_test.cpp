#include "compiler/memory/memory_peak.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "compiler/memory/live_ranges.h"
#include "tests/unit/compiler/memory/memory_plans.h"

namespace graphc {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

//   bytes          0    10   20   30   40
//   100            |----)    .    .    |
//   200            |    [---------)    |
//    50            |         [----)    |
//   sum            100  200  250  0
TEST(FindPeak, TheLargestSumAndWhenItIsReached) {
  EXPECT_EQ(find_peak({{0, 10, 100}, {10, 30, 200}, {20, 30, 50}}, 40), (Peak{250, 20}));
}

//   100            |----)[---)    .    |     ends where the other begins: never both
TEST(FindPeak, HalfOpen) {
  EXPECT_EQ(find_peak({{0, 10, 100}, {10, 20, 100}}, 40), (Peak{100, 0}));
}

//   100            |----)    .  [------|     one lifetime around the border
//   sum            100  0       100          reached at 30: at 0 it only goes on
TEST(FindPeak, WhatGoesOnAcrossTheBorderIsNoRise) {
  EXPECT_EQ(find_peak({{0, 10, 100}, {30, 40, 100}}, 40), (Peak{100, 30}));
}

//   100            |----)    .  [------|
//    10            [--)                |     at 0 it rises from 100 to 110
TEST(FindPeak, ARiseAtTheBorderCounts) {
  EXPECT_EQ(find_peak({{0, 10, 100}, {0, 5, 10}, {30, 40, 100}}, 40), (Peak{110, 0}));
}

TEST(FindPeak, TheEarliestOfEqualRises) {
  EXPECT_EQ(find_peak({{5, 10, 70}, {20, 30, 70}}, 40), (Peak{70, 5}));
}

TEST(FindPeak, NothingAndAlwaysTheSame) {
  EXPECT_EQ(find_peak({}, 40), Peak());
  EXPECT_EQ(find_peak({{7, 7, 100}}, 40), Peak());
  EXPECT_EQ(find_peak({{0, 40, 100}}, 40), (Peak{100, 0}));
}

std::vector<std::string> names_alive(const MemoryPlan& plan, const ArenaPeak& peak) {
  std::vector<std::string> names;
  for (const AliveValue& alive : peak.alive) {
    names.push_back(plan.schedule->tasks->placed->values[alive.value].name);
  }
  return names;
}

//   interval    0                          6400    1600 ns a task, 512 bytes a value
//   worker0     [a]    [b]    [c]    [d]    [a]
//   output      [d-1]                       [d]
//   alive       a, d   a, b   b, c   c, d           and w; a, b and c lie in the same bytes
TEST(ArenaPeak, CountsWhatIsWrittenOverInPlaceOnce) {
  const Machine machine = two_workers();
  const MemoryPlan plan =
      plan_of(written_schedule(graph_of(kChain), machine, kChainOnOneLane), machine);
  ASSERT_EQ(plan.schedule->solution.interval_ns, 6400);
  const ArenaPeak peak = arena_peak(plan, ArenaId(0));
  EXPECT_EQ(peak.num_bytes, 3 * 512);
  EXPECT_EQ(peak.at_ns, 4800);
  EXPECT_EQ(peak.task, task_named(plan.schedule->tasks, "d"));
  EXPECT_THAT(names_alive(plan, peak), ElementsAre("c@cpu", "d@cpu", "w@cpu"));
}

//   worker0     [large][small]           large: 4096 bytes, small: 256, both until small is made
//   output                    [small]
TEST(ArenaPeak, IsReachedWhenTheLastOfItStartsAndNamesTheLargestFirst) {
  const Machine machine = two_workers();
  const MemoryPlan plan =
      plan_of(written_schedule(graph_of("graph g\n"
                                        "state %w : f32[4] init zeros\n"
                                        "state %v : f32[1024] init zeros\n"
                                        "%large = relu(%v)\n"
                                        "%small = sum(%large)\n"
                                        "output %small\n"
                                        "%w_new = relu(%w) updates %w\n"),
                               machine,
                               "cpu.worker0  large  stage=0\ncpu.worker0  small  stage=0\n"
                               "cpu.worker1  w_new  stage=0\noutput  output small  stage=0\n"),
              machine);
  const TaskId small = task_named(plan.schedule->tasks, "small");
  const ArenaPeak peak = arena_peak(plan, ArenaId(0));
  EXPECT_EQ(peak.num_bytes, 2 * 4096 + 2 * 256);
  EXPECT_EQ(peak.at_ns, plan.schedule->solution.tasks[small].start_ns);
  EXPECT_EQ(peak.task, small);
  EXPECT_THAT(names_alive(plan, peak), ElementsAre("large@cpu", "v@cpu", "small@cpu", "w@cpu"));
  EXPECT_THAT(print_memory_plan(plan, machine),
              HasSubstr(" (while small): large@cpu 4096, v@cpu 4096, small@cpu 256, w@cpu 256\n"));
}

// b reads a one interval later, when a of the next step is there already: two versions, and both
// are kept for a whether they are in use or not.
TEST(ArenaPeak, CountsAllVersionsTheWholeTime) {
  const Machine machine = two_workers();
  const MemoryPlan plan =
      plan_of(written_schedule(graph_of(kChain), machine,
                               "cpu.worker0  a  stage=0\ncpu.worker0  b  stage=1\n"
                               "cpu.worker0  c  stage=1\ncpu.worker0  d  stage=1\n"
                               "output  output d  stage=1\n"),
              machine);
  const ArenaPeak peak = arena_peak(plan, ArenaId(0));
  ASSERT_FALSE(peak.alive.empty());
  EXPECT_EQ(names_alive(plan, peak).front(), "a@cpu");
  EXPECT_EQ(peak.alive.front().num_bytes, 2 * 512);
}

TEST(ArenaPeak, OfStatesAloneIsAllTheTime) {
  const Machine machine = two_workers();
  const MemoryPlan plan = plan_of(schedule_of(graph_of("graph g\n"
                                                       "state %w : f32[100] init zeros\n"
                                                       "%w_new = relu(%w) updates %w\n"),
                                              machine),
                                  machine);
  const ArenaPeak peak = arena_peak(plan, ArenaId(0));
  EXPECT_EQ(peak.num_bytes, 512);
  EXPECT_EQ(peak.task, std::nullopt);
  EXPECT_THAT(print_memory_plan(plan, machine), HasSubstr("  peak 512 bytes all the time: w@cpu"));
}

// Dumber: the sum at every time at which a value may begin.
TEST(ArenaPeak, IsTheLargestSumThatAnyTimeShows) {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Machine machine = random_machine(seed);
    const MemoryPlan plan = plan_of(random_schedule(seed), machine);
    const auto ranges = live_ranges(plan.schedule);
    const int64_t interval_ns = std::max<int64_t>(plan.schedule->solution.interval_ns, 1);
    const auto is_alive = [&](PlacedValueId value, int64_t time_ns) {
      if (!ranges[value] || plan.buffers[value].versions > 1) return true;
      for (int64_t step = -8; step <= 0; ++step) {
        const int64_t begin_ns = ranges[value]->begin_ns + step * interval_ns;
        const int64_t end_ns = ranges[value]->end_ns + step * interval_ns;
        if (begin_ns <= time_ns && time_ns < end_ns) return true;
      }
      return false;
    };
    for (const ArenaId arena : plan.arenas.ids()) {
      int64_t largest = 0;
      for (const TaskId task : plan.schedule->tasks->tasks.ids()) {
        std::map<int64_t, int64_t> bytes_at;  // what is written over in place counts once
        for (const PlacedValueId value : values_in(plan, arena)) {
          const int64_t time_ns = plan.schedule->solution.tasks[task].start_ns % interval_ns;
          const PlannedBuffer& buffer = plan.buffers[value];
          if (is_alive(value, time_ns)) bytes_at[buffer.offset_bytes] = buffer.extent_bytes();
        }
        int64_t sum = 0;
        for (const auto& [offset_bytes, extent_bytes] : bytes_at) sum += extent_bytes;
        largest = std::max(largest, sum);
      }
      const ArenaPeak peak = arena_peak(plan, arena);
      EXPECT_EQ(peak.num_bytes, largest);
      int64_t listed = 0;
      for (const AliveValue& alive : peak.alive) listed += alive.num_bytes;
      EXPECT_GE(listed, peak.num_bytes);
    }
  }
}

}  // namespace
}  // namespace graphc

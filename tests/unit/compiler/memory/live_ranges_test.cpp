#include "compiler/memory/live_ranges.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "compiler/placement/split_rows.h"
#include "tests/unit/compiler/memory/written_schedules.h"

namespace graphc {
namespace {

using testing::ElementsAre;

std::optional<LiveRange> range_of(const Schedule& schedule, const std::string& name) {
  const auto ranges = live_ranges(schedule);
  const PlacedGraph& placed = schedule.tasks->placed;
  for (const PlacedValueId value : placed.values.ids()) {
    if (placed.values[value].name == name) return ranges[value];
  }
  CHECK(false, "no value " + name);
  return std::nullopt;
}

const ScheduledTask& at(const Schedule& schedule, const std::string& task) {
  return schedule.solution.tasks[task_named(schedule.tasks, task)];
}

//   worker0   [a][b][c][d]          a: from its start to b's end; d: until it is delivered
//   output              [d]
TEST(LiveRanges, FromTheStartOfTheWriterToTheEndOfTheLastReader) {
  const Schedule schedule = written_schedule(graph_of(kChain), two_workers(), kChainOnOneLane);
  EXPECT_EQ(range_of(schedule, "a@cpu"),
            (LiveRange{at(schedule, "a").start_ns, at(schedule, "b").end_ns}));
  EXPECT_EQ(range_of(schedule, "c@cpu"),
            (LiveRange{at(schedule, "c").start_ns, at(schedule, "d").end_ns}));
  EXPECT_EQ(range_of(schedule, "d@cpu"),
            (LiveRange{at(schedule, "d").start_ns, at(schedule, "output d").end_ns}));
  // 400 bytes in and out at 1 GB/s and one of two workers: the times are not all the same.
  EXPECT_LT(at(schedule, "a").start_ns, at(schedule, "b").start_ns);
}

TEST(LiveRanges, StatesConstantsAndResidentOutputsLiveForTheWholeRun) {
  const Schedule schedule = schedule_of(graph_of("graph g\n"
                                                 "state %w : f32[4] init zeros\n"
                                                 "constant %one : f32[4] = [1, 1, 1, 1]\n"
                                                 "%a = add(%w, %one)\n"
                                                 "%b = relu(%a)\n"
                                                 "%n = tanh(%b) updates %w\n"
                                                 "output %b on cpu\n"),
                                        two_workers());
  for (const auto* name : {"w@cpu", "one@cpu", "b@cpu"}) {
    EXPECT_EQ(range_of(schedule, name), std::nullopt) << name;
  }
  EXPECT_NE(range_of(schedule, "a@cpu"), std::nullopt);
}

//   interval      0        1        2
//   worker0    [a  b c] [a  b c] [a  b c]    a of stage 0, the others of stages 1 and 2: b of
//                                            interval 1 reads what a wrote in interval 0
//   a, step 0  |------------|
//   b, step 0              |-----------|
TEST(LiveRanges, StagesCountWholeIntervals) {
  const Schedule schedule = written_schedule(graph_of(kChain), two_workers(),
                                             "cpu.worker0  a  stage=0\ncpu.worker0  b  stage=1\n"
                                             "cpu.worker0  c  stage=2\ncpu.worker0  d  stage=2\n"
                                             "output  output d  stage=2\n");
  const int64_t interval_ns = schedule.solution.interval_ns;
  ASSERT_GT(interval_ns, 0);
  EXPECT_EQ(range_of(schedule, "a@cpu"),
            (LiveRange{at(schedule, "a").start_ns, interval_ns + at(schedule, "b").end_ns}));
  EXPECT_EQ(range_of(schedule, "b@cpu"), (LiveRange{interval_ns + at(schedule, "b").start_ns,
                                                    2 * interval_ns + at(schedule, "c").end_ns}));
}

// Rows of x go to two workers: x is in use from the first of them to the last.
TEST(LiveRanges, TheWritersAndReadersOfRowsCountTogether) {
  const Machine machine = two_workers();
  const Graph graph = graph_of(
      "graph g\n"
      "state %w : f32[1000, 100] init zeros\n"
      "%a = relu(%w)\n"
      "%b = tanh(%a)\n"
      "output %b\n");
  const CostModel costs(machine);
  const PlacedGraph split =
      split_rows(placed_of(graph, machine), machine, BlockSizes{.least_bytes = 1});
  const Schedule schedule = schedule_tasks(find_dependencies(split, machine, costs));
  const auto range = range_of(schedule, "a@cpu");
  ASSERT_TRUE(range);
  size_t num_writers = 0;
  std::optional<int64_t> first_ns;
  int64_t last_ns = 0;
  for (const TaskId task : schedule.tasks->tasks.ids()) {
    const PlacedOp& op = split.ops[schedule.tasks->tasks[task].op];
    const ScheduledTask& run = schedule.solution.tasks[task];
    const int64_t shift_ns = run.stage * schedule.solution.interval_ns;
    const auto is_a = [&](PlacedValueId value) { return split.values[value].name == "a@cpu"; };
    if (!op.writes.empty() && is_a(op.writes.front())) {
      ++num_writers;
      first_ns = std::min(first_ns.value_or(shift_ns + run.start_ns), shift_ns + run.start_ns);
    }
    for (const PlacedOperand& read : op.reads) {
      if (is_a(read.value)) last_ns = std::max(last_ns, shift_ns + run.end_ns);
    }
  }
  EXPECT_GT(num_writers, 1U);
  EXPECT_EQ(range, (LiveRange{first_ns.value_or(-1), last_ns}));
}

//   0         100        in one interval of 100
//   |  [----)  |
TEST(LivePieces, ARangeWithinAnInterval) {
  EXPECT_THAT(live_pieces({20, 60}, 100, 1), ElementsAre(LivePiece{0, 20, 60}));
  // The same one of a later stage.
  EXPECT_THAT(live_pieces({320, 360}, 100, 1), ElementsAre(LivePiece{0, 20, 60}));
  EXPECT_THAT(live_pieces({-180, -140}, 100, 1), ElementsAre(LivePiece{0, 20, 60}));
}

//   0         100
//   |       [--|-------)    step 0
//   |-------)  |            the rest of step -1
TEST(LivePieces, ARangeAcrossTheBorderIsTwoPieces) {
  EXPECT_THAT(live_pieces({70, 150}, 100, 1),
              ElementsAre(LivePiece{0, 0, 50}, LivePiece{0, 70, 100}));
  EXPECT_THAT(live_pieces({0, 100}, 100, 1), ElementsAre(LivePiece{0, 0, 100}));
  EXPECT_THAT(live_pieces({70, 170}, 100, 1), ElementsAre(LivePiece{0, 0, 100}));
  EXPECT_THAT(live_pieces({70, 100}, 100, 1), ElementsAre(LivePiece{0, 70, 100}));
}

//   0         100        version 0 holds step 0 (of the interval's own number), version 1 step -1
//   |   [------|         version 0
//   |-------)  |         version 1
TEST(LivePieces, StepsTakeVersionsInTurn) {
  EXPECT_THAT(live_pieces({40, 170}, 100, 2),
              ElementsAre(LivePiece{0, 40, 100}, LivePiece{1, 0, 70}));
  // Over two intervals and a half, in three versions: steps 0, -1 and -2.
  EXPECT_THAT(live_pieces({40, 290}, 100, 3),
              ElementsAre(LivePiece{0, 40, 100}, LivePiece{1, 0, 90}, LivePiece{2, 0, 100}));
}

// Predicted times promise nothing: a range may be longer than its versions carry.
TEST(LivePieces, OneVersionIsNeverInUseTwice) {
  EXPECT_THAT(live_pieces({40, 160}, 100, 1), ElementsAre(LivePiece{0, 0, 100}));
  EXPECT_THAT(live_pieces({40, 400}, 100, 2),
              ElementsAre(LivePiece{0, 0, 100}, LivePiece{1, 0, 100}));
}

TEST(LivePieces, AnEmptyRangeIsNowhere) {
  EXPECT_THAT(live_pieces({40, 40}, 100, 1), testing::IsEmpty());
}

// Against an unrolled run: at every time of a late interval, the versions in use are those of the
// steps whose range holds that time.
TEST(LivePieces, AreWhatAnUnrolledRunShows) {
  for (int64_t begin_ns = 0; begin_ns < 24; ++begin_ns) {
    for (int64_t length_ns = 0; length_ns < 30; ++length_ns) {
      for (const int32_t versions : {1, 2, 3}) {
        constexpr int64_t kIntervalNs = 10;
        const LiveRange range{begin_ns, begin_ns + length_ns};
        const auto pieces = live_pieces(range, kIntervalNs, versions);
        const int64_t late =
            int64_t{6} * versions;  // a multiple: step s uses version s mod versions
        for (int64_t time_ns = 0; time_ns < kIntervalNs; ++time_ns) {
          std::set<int32_t> expected;
          for (int64_t step = 0; step <= late; ++step) {
            const int64_t now_ns = late * kIntervalNs + time_ns - step * kIntervalNs;
            if (now_ns < range.begin_ns || now_ns >= range.end_ns) continue;
            expected.insert(static_cast<int32_t>(step % versions));
          }
          std::set<int32_t> found;
          for (const LivePiece& piece : pieces) {
            if (time_ns >= piece.begin_ns && time_ns < piece.end_ns) found.insert(piece.version);
          }
          ASSERT_EQ(found, expected) << begin_ns << " + " << length_ns << " at " << time_ns;
        }
      }
    }
  }
}

}  // namespace
}  // namespace graphc

#include "compiler/search/choose_copies.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/unit/compiler/schedule/levels.h"

namespace graphc {
namespace {

constexpr int64_t kPlenty = int64_t{1} << 30;

/// Blocks of 1000 rows of one byte a nanosecond, four of them.
constexpr BlockSizes kSizes{.least_bytes = 8000, .most_blocks = 4, .least_bytes_of_copy = 4000};

/// A graph on a machine with its copies whole, and in blocks where that is worth it.
class Copies {
 public:
  Copies(const std::string& text, const Machine& machine)
      : machine_(machine), evaluator_(graph_of("graph g\n" + text), machine_, costs_) {
    whole_.assignment = as_pinned(evaluator_.graph(), machine_, machine_.host());
  }

  const Schedule& whole() { return *keep(whole_); }

  /// Lowered with all gates.
  const Schedule& in_blocks(int64_t limit_bytes = kPlenty) {
    const MemoryLimits limits(machine_.devices.size(), limit_bytes);
    const Decisions decisions = with_copy_blocks(evaluator_, whole_, limits);
    DiagnosticSink sink;
    CHECK(lower({machine_, costs_, limits}, evaluator_.graph(), decisions, sink),
          sink.render_all());
    return *keep(decisions);
  }

 private:
  Shared<Schedule> keep(const Decisions& decisions) {
    kept_.push_back(*evaluator_.schedule(decisions));
    return kept_.back();
  }

  Machine machine_;
  CostModel costs_{machine_, kSizes};
  Evaluator evaluator_;
  Decisions whole_;
  std::vector<Shared<Schedule>> kept_;
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
TEST(CopyBlocks, BlocksTravelWhileOthersAreMade) {
  Copies copies(kThereAndBack, star_machine());
  const Schedule& before = copies.whole();
  const Schedule& after = copies.in_blocks();
  EXPECT_GT(after.tasks->tasks.size(), before.tasks->tasks.size());
  EXPECT_LT(after.solution.interval_ns, before.solution.interval_ns);
  EXPECT_LT(after.solution.latency_ns, before.solution.latency_ns);
  EXPECT_LE(after.bound.interval_ns, after.solution.interval_ns);
}

TEST(CopyBlocks, WithoutRoomTheyStayWhole) {
  Copies copies(kThereAndBack, star_machine());
  // x, a and b in 16384 bytes each would need more.
  EXPECT_EQ(copies.in_blocks(20000).tasks->tasks.size(), copies.whole().tasks->tasks.size());
}

// The CPU is busy with %c for longer than the copy and all that comes of it take.
TEST(CopyBlocks, WhatGainsNothingStaysWhole) {
  Copies copies(
      "state %x : f32[4000] init zeros\n"
      "state %y : f32[1000, 1000] init zeros\n"
      "%a = relu(%x) device cpu\n"
      "%b = relu(%a) device gpu0 updates %x\n"
      "%c = softmax(%y) {axis = 0} device cpu updates %y\n"
      "output %b on gpu0\n",
      star_machine());
  EXPECT_EQ(print_schedule(copies.in_blocks()), print_schedule(copies.whole()));
}

// Launches that are shared count once in the bound, too.
TEST(CopyBlocks, LaunchesKeepTheirBound) {
  const Machine machine = machine_of(
      "machine: slow-launches\n"
      "devices:\n"
      "  cpu:  {kind: cpu, workers: 2, memory: 1GiB, launch: 10ns,\n"
      "         rates: {matmul_f32: 1GFLOP/s, bytes: 1GB/s}}\n"
      "  gpu0: {kind: cuda, streams: 1, memory: 1GiB, launch: 10us,\n"
      "         rates: {matmul_f32: 10GFLOP/s, bytes: 10GB/s}}\n"
      "links:\n"
      "  - {between: [cpu, gpu0], to: 1GB/s, back: 1GB/s, latency: 100ns}\n");
  std::string text = kThereAndBack;
  for (const std::string n : {"0", "1", "2", "3", "4", "5"}) {
    text += "state %w" + n + " : f32[8] init zeros\n";
    text += "%w_new" + n + " = sgd_update(%w" + n + ", %w" + n +
            ") {learning_rate = 0.5} device gpu0 updates %w" + n + "\n";
  }
  Copies copies(text, machine);
  const Schedule& before = copies.whole();
  const Schedule& after = copies.in_blocks();
  ASSERT_GT(after.tasks->tasks.size(), before.tasks->tasks.size());
  const auto& placed = after.solution.tasks;
  ASSERT_TRUE(std::any_of(placed.begin(), placed.end(),
                          [](const ScheduledTask& task) { return task.is_joined; }));
  EXPECT_LE(after.bound.interval_ns, after.solution.interval_ns);
}

TEST(CopyBlocks, SmallOnesStayAsTheyAre) {
  Copies copies(
      "state %x : f32[100] init zeros\n"
      "%a = relu(%x) device cpu\n"
      "%b = relu(%a) device gpu0 updates %x\n"
      "output %b on gpu0\n",
      star_machine());
  EXPECT_EQ(print_schedule(copies.in_blocks()), print_schedule(copies.whole()));
}

}  // namespace
}  // namespace graphc

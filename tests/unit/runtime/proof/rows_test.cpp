#include <gtest/gtest.h>

#include "runtime/plan/plan_file.h"
#include "runtime/plan/print_plan.h"
#include "runtime/proof/verify_plan.h"
#include "tests/unit/runtime/plan/plan_builder.h"

namespace graphrt {
namespace {

/// s = x + x in two blocks of rows on two workers; y = relu(s) reads both; w is updated in place by
/// blocks that are cut elsewhere:
///
///   feed      x
///   worker0   s[0:40] | w[0:16]
///   worker1   s[40:64] | w[16:64]
///   worker2   y
struct BlocksPlan {
  PlanBuilder build;
  InstructionId low, high, w_low, w_high, y;
  LaneId worker0, worker1;

  BlocksPlan() {
    const BufferId x = build.buffer("x");
    const BufferId s = build.buffer("s");
    const BufferId w = build.buffer("w");
    const BufferId result = build.buffer("y");
    build.state("w", {w});
    const LaneId feed = build.lane("feed", LaneKind::kFeed);
    worker0 = build.lane("worker0");
    worker1 = build.lane("worker1");
    const LaneId worker2 = build.lane("worker2");
    const InstructionId feed_x = build.feed(feed, "x", x);
    low = block(worker0, "s[0:40]", {x, 0}, {x, 0}, s, {0, 40});
    high = block(worker1, "s[40:64]", {x, 0}, {x, 0}, s, {40, 64});
    w_low = block(worker0, "w[0:16]", {w, 1}, {s, 0}, w, {0, 16});
    w_high = block(worker1, "w[16:64]", {w, 1}, {s, 0}, w, {16, 64});
    y = build.kernel(worker2, "y", "relu", {{s, 0}}, result);
    for (const LaneId worker : {worker0, worker1}) build.wait(feed_x, worker, 1, 1);
    build.wait(low, feed, 1);
    build.wait(high, feed, 1);
    build.wait(low, worker2, 1, 1);
    build.wait(high, worker2, 1, 1);
    build.wait(low, worker1, 2, 1);  // w[16:64] of the step before has read rows 16 to 40
    build.wait(w_high, worker0, 1);
    build.wait(y, worker0, 1);
    build.wait(y, worker1, 1);
  }

  InstructionId block(LaneId lane, const std::string& name, ReadOf a, ReadOf b, BufferId to,
                      RowRange rows) {
    a.rows = b.rows = rows;
    const InstructionId id = build.kernel(lane, name, "add", {a, b}, to);
    build.writes_rows(id, rows);
    return id;
  }

  static std::string verdict(const Plan& plan) {
    const auto violation = verify_plan(plan);
    return violation ? violation->message : "accepted";
  }
};

/// Without wait number `index` of an instruction.
std::string without(InstructionId BlocksPlan::* which, std::ptrdiff_t index) {
  const BlocksPlan given;
  Plan plan = given.build.build();
  auto& waits = plan.instructions[given.*which].waits;
  waits.erase(waits.begin() + index);
  return BlocksPlan::verdict(plan);
}

TEST(Rows, BlocksOfOneBufferRunSideBySide) {
  EXPECT_EQ(BlocksPlan::verdict(BlocksPlan().build.build()), "accepted");
}

// A batch of 64 rows is read by two feeds; what a feed writes is as many rows of the input.
TEST(Rows, FeedsOfOneBatchRunSideBySide) {
  PlanBuilder build;
  const BufferId x = build.buffer("x");
  const BufferId y = build.buffer("y");
  const LaneId feed0 = build.lane("feed0", LaneKind::kFeed);
  const LaneId feed1 = build.lane("feed1", LaneKind::kFeed);
  const LaneId worker = build.lane("worker");
  const InstructionId low = build.feed(feed0, "x[0:40]", x);
  const InstructionId high = build.feed(feed1, "x[40:64]", x);
  build.writes_rows(low, {0, 40});
  build.writes_rows(high, {40, 64});
  const InstructionId relu = build.kernel(worker, "y", "relu", {{x, 0}}, y);
  build.wait(low, worker, 1, 1);
  build.wait(high, worker, 1, 1);
  build.wait(relu, feed0, 1);
  build.wait(relu, feed1, 1);
  Plan plan = build.build();
  plan.instructions[high].input = plan.instructions[low].input;
  EXPECT_EQ(BlocksPlan::verdict(plan), "accepted");
  Plan short_batch = plan;
  short_batch.inputs[*plan.instructions[low].input].type.shape[0] = 7;
  EXPECT_EQ(BlocksPlan::verdict(short_batch),
            "structure: 'x[0:40]' (feed0) moves f32[7] into a buffer of type f32[64]");
  plan.instructions[relu].waits.pop_back();
  EXPECT_EQ(BlocksPlan::verdict(plan),
            "race: 'x[40:64]' (feed1) writes and 'y' (worker) reads bytes [160, 256) of buffer 'x' "
            "with no order at distance 0");
}

TEST(Rows, AReaderNamesTheBlocksItReads) {
  const BlocksPlan given;
  const Plan plan = given.build.build();
  EXPECT_EQ(plan.instructions[given.y].reads[0].producers, (std::vector{given.low, given.high}));
  EXPECT_EQ(plan.instructions[given.w_low].reads[1].producers, std::vector{given.low});
  EXPECT_EQ(plan.instructions[given.w_high].reads[1].producers,
            (std::vector{given.low, given.high}));
  EXPECT_EQ(plan.required_features, (std::vector<std::string>{"rows", "state"}));
}

TEST(Rows, EveryWaitThatABlockNeedsIsNeeded) {
  EXPECT_EQ(without(&BlocksPlan::y, 1),
            "race: 's[40:64]' (worker1) writes and 'y' (worker2) reads bytes [160, 256) of buffer "
            "'s' with no order at distance 0");
  EXPECT_EQ(without(&BlocksPlan::w_high, 0),
            "race: 's[0:40]' (worker0) writes and 'w[16:64]' (worker1) reads bytes [64, 160) of "
            "buffer 's' with no order at distance 0");
  EXPECT_EQ(without(&BlocksPlan::low, 2),
            "race: 'w[16:64]' (worker1) reads and 's[0:40]' (worker0) writes bytes [64, 160) of "
            "buffer 's' with no order at distance 1");
}

TEST(Rows, EveryRowHasOneWriter) {
  const BlocksPlan given;
  Plan plan = given.build.build();
  plan.instructions[given.high].rows = RowRange{39, 63};
  EXPECT_EQ(BlocksPlan::verdict(plan),
            "structure: 's[40:64]' (worker1) writes row 39 of buffer 's', as does 's[0:40]' "
            "(worker0); a row has one writer");
  plan.instructions[given.high].rows = RowRange{40, 63};
  EXPECT_EQ(BlocksPlan::verdict(plan),
            "structure: nothing writes row 63 of buffer 's', but others of its rows have writers");
  plan.instructions[given.high].rows = RowRange{40, 65};
  EXPECT_EQ(BlocksPlan::verdict(plan),
            "structure: 's[40:64]' uses rows 40 to 65 of 's', which is f32[64]");
}

// A host may read some rows of a batch: nobody reads others then.
TEST(Rows, WhatIsFedMayLackRowsThatNobodyReads) {
  PlanBuilder build;
  const BufferId x = build.buffer("x");
  const BufferId y = build.buffer("y");
  const LaneId feed = build.lane("feed", LaneKind::kFeed);
  const LaneId worker = build.lane("worker");
  const InstructionId fed = build.feed(feed, "x", x);
  build.writes_rows(fed, {8, 40});
  const InstructionId low = build.kernel(worker, "y[0:32]", "relu", {{x, 0}}, y);
  const InstructionId high = build.kernel(worker, "y[32:64]", "relu", {{x, 0}}, y);
  build.writes_rows(low, {0, 32});
  build.writes_rows(high, {32, 64});
  build.wait(low, feed, 1);
  build.wait(fed, worker, 2, 1);
  Plan plan = build.build();
  const auto read_rows = [&](RowRange rows) {
    for (const InstructionId id : {low, high}) plan.instructions[id].reads[0].rows = rows;
    return BlocksPlan::verdict(plan);
  };
  EXPECT_EQ(read_rows({8, 40}), "accepted");
  const std::string unfed =
      "structure: 'y[0:32]' (worker) reads rows of buffer 'x' that nobody feeds";
  EXPECT_EQ(read_rows({7, 39}), unfed);
  EXPECT_EQ(read_rows({9, 41}), unfed);
}

TEST(Rows, AnOperandNamesAllWhoWriteItsRows) {
  const BlocksPlan given;
  Plan plan = given.build.build();
  plan.instructions[given.y].reads[0].producers.pop_back();
  EXPECT_EQ(
      BlocksPlan::verdict(plan),
      "structure: 'y' (worker2) reads from buffer 's' what 's[0:40]' (worker0) wrote, but its "
      "writer is 's[0:40]' (worker0), 's[40:64]' (worker1)");
}

TEST(Rows, ThePartsMustFitTheOperator) {
  const BlocksPlan given;
  Plan plan = given.build.build();
  plan.instructions[given.low].reads[0].rows = RowRange{0, 39};
  EXPECT_EQ(BlocksPlan::verdict(plan).substr(0, 77),
            "structure: 's[0:40]' (worker0) has operands that do not fit: add cannot broad");
}

// A block may replace the rows it reads, and no others.
TEST(Rows, InPlaceMeansTheSameRows) {
  PlanBuilder build;
  const BufferId w = build.buffer("w");
  build.state("w", {w});
  const LaneId lane = build.lane("worker");
  const InstructionId low = build.kernel(lane, "low", "relu", {{w, 1, RowRange{32, 64}}}, w);
  const InstructionId high = build.kernel(lane, "high", "relu", {{w, 1, RowRange{32, 64}}}, w);
  build.writes_rows(low, {0, 32});
  build.writes_rows(high, {32, 64});
  EXPECT_EQ(BlocksPlan::verdict(build.build()), "accepted");
  Plan plan = build.build();
  std::swap(plan.lanes[lane].instructions[0], plan.lanes[lane].instructions[1]);
  EXPECT_EQ(BlocksPlan::verdict(plan),
            "stale read: 'high' (worker) writes bytes [128, 256) of buffer 'w' after 'high' "
            "(worker) has and before 'low' (worker) reads it, 0 intervals later");
}

TEST(Rows, AnOutputIsAllOfItsBuffer) {
  BlocksPlan given;
  given.build.resident_output("low", {BufferId(1), 0, RowRange{0, 40}});
  EXPECT_EQ(BlocksPlan::verdict(given.build.build()),
            "structure: output 'low' is some rows of buffer 's'; it must be all of it");
}

TEST(Rows, AnOutputHasTheShapeOfItsBuffer) {
  BlocksPlan given;
  given.build.resident_output("low", {BufferId(1)});
  Plan plan = given.build.build();
  plan.outputs.back().value.shape = Shape{8, 8};
  EXPECT_EQ(BlocksPlan::verdict(plan), "structure: output 'low' is buffer 's' in another shape");
}

// To the operator, an operand is what the instruction says it is; its bytes and their order are
// those of the rows.
TEST(Rows, AnOperandMayHaveAShapeOfItsOwn) {
  PlanBuilder build;
  const BufferId x = build.buffer("x");
  const BufferId y = build.buffer("y");
  build.shape(y, {2, 16});
  const LaneId feed = build.lane("feed", LaneKind::kFeed);
  const LaneId worker = build.lane("worker");
  const InstructionId fed = build.feed(feed, "x", x);
  const InstructionId relu =
      build.kernel(worker, "y", "relu", {{x, 0, RowRange{32, 64}, Shape{2, 16}}}, y);
  build.wait(fed, worker, 1, 1);
  build.wait(relu, feed, 1);
  Plan plan = build.build();
  EXPECT_EQ(BlocksPlan::verdict(plan), "accepted");
  EXPECT_EQ(plan.required_features, (std::vector<std::string>{"rows", "shapes"}));
  plan.instructions[relu].reads[0].shape = Shape{16, 2};
  EXPECT_EQ(BlocksPlan::verdict(plan),
            "structure: 'y' (worker) gives f32[16, 2], but its buffer 'y' is of type f32[2, 16]");
  plan.instructions[relu].reads[0].shape = Shape{2, 16};
  plan.instructions[relu].waits.clear();
  EXPECT_EQ(BlocksPlan::verdict(plan),
            "race: 'x' (feed) writes and 'y' (worker) reads bytes [128, 256) of buffer 'x' with no "
            "order at distance 0");
}

TEST(Rows, SurviveTheFile) {
  const Plan plan = BlocksPlan().build.build();
  const auto decoded = decode_plan(encode_plan(plan));
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(*decoded, plan);
}

TEST(Rows, ArePrintedAsSlices) {
  const std::string text = print_plan(BlocksPlan().build.build());
  EXPECT_NE(text.find("s[40:64]: add(x[40:64], x[40:64]) -> s[40:64] stage 0"), std::string::npos)
      << text;
  EXPECT_NE(text.find("w[0:16]: add(w[0:16]@-1, s[0:16]) -> w[0:16]"), std::string::npos);
}

}  // namespace
}  // namespace graphrt

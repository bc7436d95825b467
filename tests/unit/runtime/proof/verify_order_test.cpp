#include <gtest/gtest.h>

#include "runtime/proof/verify_plan.h"
#include "tests/unit/runtime/plan/small_plans.h"

namespace graphrt {
namespace {

void expect_violation(const Plan& plan, PlanViolationKind kind, InstructionId first,
                      InstructionId second, std::string_view message) {
  const auto violation = verify_plan(plan);
  ASSERT_TRUE(violation);
  EXPECT_EQ(violation->kind, kind);
  EXPECT_EQ(violation->message, message);
  EXPECT_EQ(violation->first, first);
  EXPECT_EQ(violation->second, second);
}

TEST(VerifyOrder, AcceptsAPipelinedPlan) {
  const auto violation = verify_plan(training_plan().plan);
  EXPECT_FALSE(violation) << violation->message;
}

TEST(VerifyOrder, NamesTheRaceWhenAWaitIsMissing) {
  TrainingPlan p = training_plan();
  remove_wait(p.plan, p.send_w, 0);
  expect_violation(p.plan, PlanViolationKind::kRace, p.update, p.send_w,
                   "race: 'u' (cpu.worker) writes and 'w -> gpu0' (cpu->gpu0) reads bytes [0, 256) "
                   "of buffer 'w@cpu' with no order at distance 0");
}

TEST(VerifyOrder, NamesTheRaceAcrossIntervals) {
  TrainingPlan p = training_plan();
  remove_wait(p.plan, p.h, 0);
  expect_violation(
      p.plan, PlanViolationKind::kRace, p.send_x, p.h,
      "race: 'x -> gpu0' (cpu->gpu0) writes and 'h' (gpu0.compute) reads bytes [0, 256) "
      "of buffer 'x@gpu0' with no order at distance 1");
}

// x@cpu has two versions: without the wait the feed may be two steps ahead, and overwrite what is
// still being sent.
TEST(VerifyOrder, CountsVersions) {
  TrainingPlan p = training_plan();
  remove_wait(p.plan, p.feed, 0);
  expect_violation(p.plan, PlanViolationKind::kRace, p.send_x, p.feed,
                   "race: 'x -> gpu0' (cpu->gpu0) reads and 'x' (feeds) writes bytes [0, 256) of "
                   "buffer 'x@cpu' with no order at distance 2");
}

// One version less, and the copy of x overwrites in interval t what h reads in interval t.
TEST(VerifyOrder, RefusesOneVersionTooFew) {
  TrainingPlan p = training_plan();
  for (PlanBuffer& buffer : p.plan.buffers) {
    if (buffer.name == "x@gpu0") buffer.versions = 1;
  }
  p.plan.required_features = features_of(p.plan);
  expect_violation(
      p.plan, PlanViolationKind::kRace, p.h, p.send_x,
      "race: 'h' (gpu0.compute) reads and 'x -> gpu0' (cpu->gpu0) writes bytes [0, 256) "
      "of buffer 'x@gpu0' with no order at distance 0");
}

TEST(VerifyOrder, ExchangedNeighboursReadBeforeTheWrite) {
  TrainingPlan p = training_plan();
  std::swap(p.plan.lanes[LaneId(2)].instructions[0], p.plan.lanes[LaneId(2)].instructions[1]);
  expect_violation(p.plan, PlanViolationKind::kStaleRead, p.h, p.g,
                   "stale read: 'g' (gpu0.compute) reads bytes [0, 256) of buffer 'h@gpu0' before "
                   "'h' (gpu0.compute) has written what it names, at distance 0");
}

TEST(VerifyOrder, NamesTheLanesOfADeadlock) {
  TrainingPlan p = training_plan();
  p.plan.instructions[p.g].waits = {{LaneId(1), 2, 0}};
  const auto violation = verify_plan(p.plan);
  ASSERT_TRUE(violation);
  EXPECT_EQ(violation->kind, PlanViolationKind::kDeadlock);
  EXPECT_EQ(
      violation->message,
      "deadlock: 'w -> gpu0' (cpu->gpu0) waits for 'u' (cpu.worker) waits for 'g -> cpu' "
      "(gpu0->cpu) waits for 'g' (gpu0.compute) waits for 'w -> gpu0' (cpu->gpu0), all in the "
      "same interval");
  EXPECT_TRUE(violation->first && violation->second);
}

//  lane0   a    c        a writes [0, 256), b reads it; c writes the same bytes under another name.
//  lane1     b           c is behind a, but may run before b has read.
TEST(VerifyOrder, BuffersThatShareBytesNeedOrder) {
  PlanBuilder b;
  const LaneId lane0 = b.lane("lane0");
  const LaneId lane1 = b.lane("lane1");
  const BufferId zero = b.buffer("zero");
  b.constant("zero", zero);
  const BufferId first = b.buffer("first");
  const BufferId result = b.buffer("result");
  const BufferId second = b.buffer_at("second", 256);
  const InstructionId write = b.kernel(lane0, "a", "relu", {{zero}}, first);
  const InstructionId read = b.kernel(lane1, "b", "relu", {{first}}, result);
  const InstructionId reuse = b.kernel(lane0, "c", "relu", {{zero}}, second);
  b.wait(read, lane0, 1, 0);
  PlanBuilder ordered = b;
  expect_violation(
      b.build(), PlanViolationKind::kRace, read, write,
      "race: 'b' (lane1) reads and 'a' (lane0) writes bytes [0, 256) of buffer 'first' "
      "with no order at distance 1");
  ordered.wait(reuse, lane1, 1, 0);
  EXPECT_FALSE(verify_plan(ordered.build()));
  b.wait(write, lane1, 1, 1);
  expect_violation(b.build(), PlanViolationKind::kRace, read, reuse,
                   "race: 'b' (lane1) reads and 'c' (lane0) writes bytes [256, 512) of arena 0 "
                   "(cpu), shared by buffers 'first' and 'second', with no order at distance 0");
}

//  lane   a c b         all on one lane, so nothing races: but b reads what c wrote
TEST(VerifyOrder, AWriteBetweenAWriteAndItsReadIsStale) {
  PlanBuilder b;
  const LaneId lane = b.lane("lane");
  const BufferId zero = b.buffer("zero");
  b.constant("zero", zero);
  const BufferId first = b.buffer("first");
  const BufferId second = b.buffer_at("second", 256);
  const BufferId result = b.buffer("result");
  b.kernel(lane, "a", "relu", {{zero}}, first);
  const InstructionId spoil = b.kernel(lane, "c", "relu", {{zero}}, second);
  const InstructionId read = b.kernel(lane, "b", "relu", {{first}}, result);
  expect_violation(b.build(), PlanViolationKind::kStaleRead, read, spoil,
                   "stale read: 'c' (lane) writes bytes [256, 512) of arena 0 (cpu), shared by "
                   "buffers 'first' and 'second', after 'a' (lane) has and before 'b' (lane) reads "
                   "it, 0 intervals later");
}

// The reader is a stage behind: it reads what the next step's write has replaced, in perfect order.
//  lane   a(t) b(t-1)
TEST(VerifyOrder, AReaderOfALaterStageNeedsASecondVersion) {
  const auto plan = [](int32_t versions) {
    PlanBuilder b;
    const LaneId lane = b.lane("lane");
    const BufferId zero = b.buffer("zero");
    b.constant("zero", zero);
    const BufferId value = b.buffer("value", DeviceId(0), versions);
    const BufferId result = b.buffer("result");
    b.kernel(lane, "a", "relu", {{zero}}, value);
    b.kernel(lane, "b", "relu", {{value}}, result, 1);
    return b.build();
  };
  EXPECT_FALSE(verify_plan(plan(2)));
  expect_violation(
      plan(1), PlanViolationKind::kStaleRead, InstructionId(1), InstructionId(0),
      "stale read: 'a' (lane) writes bytes [0, 256) of buffer 'value' after 'a' (lane) "
      "has and before 'b' (lane) reads it, 0 intervals later");
}

// Versions that share bytes only in part: slot 1 of `two` is where `one` lies.
//  slot   0     1
//  two    [----|----)
//  one         [----)
TEST(VerifyOrder, ComparesVersionByVersion) {
  PlanBuilder b;
  const LaneId lane0 = b.lane("lane0");
  const LaneId lane1 = b.lane("lane1");
  const BufferId zero = b.buffer_at("zero", 1024);
  b.constant("zero", zero);
  const BufferId two = b.buffer_at("two", 0, DeviceId(0), 2);
  const BufferId one = b.buffer_at("one", 256);
  const InstructionId x = b.kernel(lane0, "x", "relu", {{zero}}, two);
  const InstructionId y = b.kernel(lane1, "y", "relu", {{zero}}, one);
  b.wait(y, lane0, 1, 0);
  expect_violation(b.build(), PlanViolationKind::kRace, y, x,
                   "race: 'y' (lane1) writes and 'x' (lane0) writes bytes [256, 512) of arena 0 "
                   "(cpu), shared by buffers 'one' and 'two', with no order at distance 1");
  b.wait(x, lane1, 1, 1);
  EXPECT_FALSE(verify_plan(b.build()));
}

Plan in_place_plan(const std::string& op, int64_t result_offset_bytes) {
  PlanBuilder b;
  const LaneId lane = b.lane("lane");
  const BufferId zero = b.buffer_at("zero", 4096, DeviceId(0), 1, 128);
  b.constant("zero", zero);
  const BufferId value = b.buffer_at("value", 0, DeviceId(0), 1, 128);
  const BufferId result = b.buffer_at("result", result_offset_bytes, DeviceId(0), 1, 128);
  b.kernel(lane, "a", "relu", {{zero}}, value);
  b.kernel(lane, "b", op, {{value}}, result);
  return b.build();
}

TEST(VerifyOrder, AllowsElementwiseOperatorsInPlace) {
  EXPECT_FALSE(verify_plan(in_place_plan("relu", 0)));
}

TEST(VerifyOrder, RefusesOtherOperatorsInPlace) {
  expect_violation(in_place_plan("softmax", 0), PlanViolationKind::kRace, InstructionId(1),
                   InstructionId(1),
                   "race: 'b' (lane) reads and writes bytes [0, 512) of arena 0 (cpu), shared by "
                   "buffers 'value' and 'result', at once, which 'softmax' cannot do in place");
}

TEST(VerifyOrder, RefusesInPlaceOnAPartOfTheBytes) {
  expect_violation(in_place_plan("relu", 256), PlanViolationKind::kRace, InstructionId(1),
                   InstructionId(1),
                   "race: 'b' (lane) reads and writes bytes [256, 512) of arena 0 (cpu), shared by "
                   "buffers 'value' and 'result', at once, which 'relu' cannot do in place");
}

// w at 0, x at 256: the result of w - x x may lie where w does, but not where x does.
TEST(VerifyOrder, AllowsTheUpdateByAProductInPlaceOfItsFirstOperandAlone) {
  const auto plan = [](int64_t result_offset_bytes) {
    PlanBuilder b;
    const LaneId lane = b.lane("lane");
    const BufferId w = b.buffer_at("w", 0);
    const BufferId x = b.buffer_at("x", 256);
    const BufferId result = b.buffer_at("result", result_offset_bytes);
    const BufferId zero = b.buffer_at("zero", 512);
    b.constant("zero", zero);
    b.kernel(lane, "a", "relu", {{zero}}, w);
    b.kernel(lane, "b", "relu", {{zero}}, x);
    Attributes rate;
    rate.set("learning_rate", 1.0);
    b.kernel(lane, "c", "matmul_sgd_update", {{w}, {x}, {x}}, result, 0, rate);
    Plan built = b.build();
    for (PlanBuffer& buffer : built.buffers) buffer.type.shape = {8, 8};
    return built;
  };
  EXPECT_FALSE(verify_plan(plan(0)));
  expect_violation(plan(256), PlanViolationKind::kRace, InstructionId(2), InstructionId(2),
                   "race: 'c' (lane) reads and writes bytes [256, 512) of arena 0 (cpu), shared by "
                   "buffers 'x' and 'result', at once, which 'matmul_sgd_update' cannot do in "
                   "place");
}

TEST(VerifyOrder, AcceptsTwoResultsAndScratchMemory) {
  const auto violation = verify_plan(attention_plan().plan);
  EXPECT_FALSE(violation) << violation->message;
}

TEST(VerifyOrder, ResultsOfOneInstructionLieApart) {
  const AttentionPlan p = attention_plan();
  expect_violation(moved(p, p.log_sum, 256), PlanViolationKind::kRace, p.attention, p.attention,
                   "race: 'a' (lane) writes and 'a' (lane) writes bytes [256, 288) of arena 0 "
                   "(cpu), shared by buffers 'result' and 'log_sum', with no order at distance 0");
}

TEST(VerifyOrder, ScratchMemoryLiesApartFromResultsAndOperands) {
  const AttentionPlan p = attention_plan();
  const Plan over_result = moved(p, p.scratch, 512);  // log_sum, and behind it e
  expect_violation(over_result, PlanViolationKind::kRace, p.attention, p.attention,
                   "race: 'a' (lane) writes and 'a' (lane) writes bytes [512, 544) of arena 0 "
                   "(cpu), shared by buffers 'log_sum' and 'a (scratch)', with no order at "
                   "distance 0");
  const Plan over_operand = moved(p, p.scratch, 0);
  expect_violation(over_operand, PlanViolationKind::kRace, p.attention, p.attention,
                   "race: 'a' (lane) reads and writes bytes [0, 224) of arena 0 (cpu), shared by "
                   "buffers 'q' and 'a (scratch)', at once, which 'attention' cannot do in place");
}

// What is written before and read after, it would spoil; what comes behind it may have its bytes.
TEST(VerifyOrder, ScratchMemoryMayBeThatOfALaterValue) {
  const AttentionPlan p = attention_plan();
  EXPECT_FALSE(verify_plan(moved(p, p.e, p.plan.buffers[p.scratch].offset_bytes)));
  AttentionPlan kept = attention_plan();
  kept.plan.outputs.push_back({"e", {kept.e, {kept.exponential}, 0}, {}});
  EXPECT_FALSE(verify_plan(moved(kept, kept.e, kept.plan.buffers[kept.scratch].offset_bytes)));
  // The other way round: a has its scratch memory while e is kept.
  std::swap(kept.plan.lanes[LaneId(1)].instructions[0], kept.plan.lanes[LaneId(1)].instructions[1]);
  EXPECT_TRUE(verify_plan(moved(kept, kept.e, kept.plan.buffers[kept.scratch].offset_bytes)));
}

// On a lane of its own, e computes with a constant: nothing but the bytes makes them meet.
TEST(VerifyOrder, ScratchMemoryNeedsOrderLikeAnyWrite) {
  AttentionPlan p = attention_plan();
  const LaneId other = p.plan.lanes.push_back(p.plan.lanes[LaneId(1)]);
  p.plan.lanes[other].name = "other";
  p.plan.lanes[other].instructions = {p.exponential};
  std::erase(p.plan.lanes[LaneId(1)].instructions, p.exponential);
  PlanBuffer ones = p.plan.buffers[p.e];
  ones.offset_bytes = p.plan.arenas[ArenaId(0)].size_bytes;
  p.plan.arenas[ArenaId(0)].size_bytes += 256;
  const BufferId constant = p.plan.buffers.push_back(ones);
  p.plan.constants.push_back({"ones", std::vector<std::byte>(32), {constant}});
  p.plan.instructions[p.exponential].reads[0] = {constant, {}, 0};
  EXPECT_FALSE(verify_plan(p.plan));
  p.plan.buffers[p.e].offset_bytes = p.plan.buffers[p.scratch].offset_bytes;
  expect_violation(p.plan, PlanViolationKind::kRace, p.attention, p.exponential,
                   "race: 'a' (lane) writes and 'e' (other) writes bytes [1024, 1056) of arena 0 "
                   "(cpu), shared by buffers 'a (scratch)' and 'e', with no order at distance 1");
  p.plan.instructions[p.exponential].waits = {{LaneId(1), 1, 0}};
  p.plan.instructions[p.attention].waits.push_back({other, 1, 1});
  EXPECT_FALSE(verify_plan(p.plan));
}

// An output that stays in its buffer is read after the run: nothing of the last step may follow.
TEST(VerifyOrder, ProtectsOutputsThatStayOnTheirDevice) {
  const auto plan = [](bool keeps_first) {
    PlanBuilder b;
    const LaneId lane = b.lane("lane");
    const BufferId zero = b.buffer("zero");
    b.constant("zero", zero);
    const BufferId first = b.buffer("first");
    const BufferId second = b.buffer_at("second", 256);
    b.kernel(lane, "a", "relu", {{zero}}, first);
    b.kernel(lane, "b", "relu", {{zero}}, second);
    b.resident_output("kept", {keeps_first ? first : second, 0});
    return b.build();
  };
  EXPECT_FALSE(verify_plan(plan(false)));
  expect_violation(
      plan(true), PlanViolationKind::kStaleRead, InstructionId(0), InstructionId(1),
      "stale read: 'b' (lane) can write bytes [256, 512) of arena 0 (cpu), shared by "
      "buffers 'first' and 'second', after 'a' (lane) has written output 'kept' of the "
      "last step");
}

}  // namespace
}  // namespace graphrt

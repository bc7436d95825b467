#include "runtime/attack/adversary.h"

#include <gmock/gmock.h>

#include "runtime/proof/verify_plan.h"
#include "tests/unit/runtime/plan/skipped_messages_plan.h"
#include "tests/unit/runtime/plan/small_plans.h"

namespace graphrt {
namespace {

using ::testing::HasSubstr;

std::optional<ExecutionFault> find_fault(const Plan& plan) {
  return execute_adversely(plan, adversary_steps(plan), 20).fault;
}

void expect_fault(const Plan& plan, AccessFaultKind kind, std::string_view message) {
  ASSERT_TRUE(verify_plan(plan));
  const auto fault = find_fault(plan);
  ASSERT_TRUE(fault);
  ASSERT_TRUE(fault->access) << fault->message;
  EXPECT_EQ(fault->access->kind, kind);
  EXPECT_EQ(fault->message, message);
  // The interleaving alone brings the fault back.
  const auto again = Adversary(plan, adversary_steps(plan)).run(fault->interleaving);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->message, message);
}

TEST(Adversary, FindsNothingInAPipelinedPlan) {
  const Plan plan = training_plan().plan;
  // Two versions, distance 1, stage 1 reach 4 intervals to either side; no buffers share bytes.
  EXPECT_EQ(adversary_steps(plan), 9);
  const AdversaryReport report = execute_adversely(plan, adversary_steps(plan), 20);
  EXPECT_FALSE(report.fault) << report.fault->message;
  EXPECT_EQ(report.num_holds, 8 * 2);
  EXPECT_EQ(report.num_random, 40);
}

TEST(Adversary, FindsTheReadOfAnEarlierValueWhenAWaitIsMissing) {
  TrainingPlan p = training_plan();
  remove_wait(p.plan, p.send_w, 0);
  expect_fault(p.plan, AccessFaultKind::kWrongValue,
               "end of 'x' in interval 4 held, 9 steps: 'w -> gpu0' (cpu->gpu0) of step 0 reads "
               "bytes [0, 256) of buffer 'w@cpu': it names what 'u' (cpu.worker) of step 0 wrote, "
               "and finds their first content");
}

// The two versions of x@cpu are filled two steps ahead, and a third time before the first is sent.
TEST(Adversary, FindsTheWriteOverWhatIsStillRead) {
  TrainingPlan p = training_plan();
  remove_wait(p.plan, p.feed, 0);
  const Adversary adversary(p.plan, 9);
  const auto fault = adversary.run({AdversaryPolicy::kHoldEnd, 0, p.send_x, 4});
  ASSERT_TRUE(fault && fault->access);
  EXPECT_EQ(fault->access->kind, AccessFaultKind::kOverwritesRead);
  EXPECT_EQ(fault->access->execution, (Execution{p.feed, 6}));
  EXPECT_EQ(fault->access->other, (Execution{p.send_x, 4}));
  EXPECT_EQ(fault->message,
            "end of 'x -> gpu0' in interval 4 held, 9 steps: 'x' (feeds) of step 6 writes bytes "
            "[0, 256) of buffer 'x@cpu', which 'x -> gpu0' (cpu->gpu0) of step 4 still reads");
}

/// Two lanes write buffers that share bytes; nobody reads either.
Plan two_writers() {
  PlanBuilder b;
  const BufferId source = b.buffer("source");
  b.constant("source", source);
  const BufferId first = b.buffer("first");
  const BufferId second = b.buffer_at("second", 256);
  b.kernel(b.lane("lane0"), "one", "relu", {{source}}, first);
  b.kernel(b.lane("lane1"), "two", "relu", {{source}}, second);
  return b.build();
}

TEST(Adversary, FindsTwoWritesAtOnce) {
  expect_fault(two_writers(), AccessFaultKind::kTwoWrites,
               "end of 'one' in interval 1 held, 3 steps: 'two' (lane1) of step 0 writes bytes "
               "[0, 256) of buffer 'second', which 'one' (lane0) of step 1 still writes");
}

TEST(Adversary, FindsWhatCannotRunInPlace) {
  PlanBuilder b;
  const BufferId source = b.buffer("source");
  b.constant("source", source);
  const LaneId lane = b.lane("lane");
  const BufferId first = b.buffer("first");
  b.kernel(lane, "one", "relu", {{source}}, first);
  b.kernel(lane, "two", "softmax", {{first}}, b.buffer_at("second", 256));
  expect_fault(b.build(), AccessFaultKind::kNotInPlace,
               "end of 'one' in interval 1 held, 3 steps: 'two' (lane) of step 0 writes bytes "
               "[0, 256) of buffer 'second', which it reads otherwise than in place");
}

TEST(Adversary, FindsNothingInAPlanWithTwoResultsAndScratchMemory) {
  const AttentionPlan p = attention_plan();
  for (const Plan& plan : {p.plan, moved(p, p.e, p.plan.buffers[p.scratch].offset_bytes)}) {
    const auto fault = find_fault(plan);
    EXPECT_FALSE(fault) << fault->message;
  }
}

TEST(Adversary, FindsResultsAndScratchMemoryOnTheSameBytes) {
  const AttentionPlan p = attention_plan();
  const std::string held = "end of 'q' in interval 1 held, 3 steps: 'a' (lane) of step 0 writes ";
  expect_fault(moved(p, p.log_sum, 256), AccessFaultKind::kTwoWrites,
               held + "bytes [0, 32) of buffer 'log_sum', which 'a' (lane) of step 0 still writes");
  expect_fault(moved(p, p.scratch, 512), AccessFaultKind::kTwoWrites,
               held +
                   "bytes [0, 32) of buffer 'a (scratch)', which 'a' (lane) of step 0 still "
                   "writes");
  expect_fault(moved(p, p.scratch, 0), AccessFaultKind::kNotInPlace,
               held +
                   "bytes [0, 224) of buffer 'a (scratch)', which it reads otherwise than in "
                   "place");
}

// What a keeps on its way, the one before it must not need any more: e stays in its buffer.
TEST(Adversary, FindsScratchMemoryOnWhatStays) {
  AttentionPlan p = attention_plan();
  p.plan.outputs.push_back({"e", {p.e, {p.exponential}, 0}, {}});
  std::swap(p.plan.lanes[LaneId(1)].instructions[0], p.plan.lanes[LaneId(1)].instructions[1]);
  p.plan.instructions[p.exponential].reads[0] = {p.q, {p.feed}, 0};
  p.plan.buffers[p.e].type = p.plan.buffers[p.q].type;
  std::swap(p.plan.instructions[p.exponential].waits, p.plan.instructions[p.attention].waits);
  p.plan.instructions[p.feed].waits = {{LaneId(1), 2, 1}};
  p.plan.instructions[p.output].waits = {{LaneId(1), 2, 0}};
  ASSERT_FALSE(verify_plan(p.plan)) << verify_plan(p.plan)->message;
  expect_fault(moved(p, p.scratch, p.plan.buffers[p.e].offset_bytes), AccessFaultKind::kLostOutput,
               "end of 'q' in interval 1 held, 3 steps: 'a' (lane) of step 0 writes bytes [0, 224) "
               "of buffer 'a (scratch)', which a run of 1 steps leaves in them");
}

// An output that stays is written first, and then overwritten by a value of the same step.
TEST(Adversary, FindsTheLossOfAnOutputThatStays) {
  PlanBuilder b;
  const BufferId source = b.buffer("source");
  b.constant("source", source);
  const LaneId lane = b.lane("lane");
  const BufferId first = b.buffer("first");
  b.kernel(lane, "one", "relu", {{source}}, first);
  b.kernel(lane, "two", "relu", {{source}}, b.buffer_at("second", 256));
  b.resident_output("kept", {first});
  expect_fault(b.build(), AccessFaultKind::kLostOutput,
               "end of 'one' in interval 1 held, 3 steps: 'two' (lane) of step 0 writes bytes "
               "[0, 256) of buffer 'second', which a run of 1 steps leaves in them");
}

TEST(Adversary, FindsThatNothingCanGoOn) {
  Plan plan = two_writers();
  plan.instructions[InstructionId(0)].waits = {{LaneId(1), 1, 0}};
  plan.instructions[InstructionId(1)].waits = {{LaneId(0), 1, 0}};
  const auto fault = find_fault(plan);
  ASSERT_TRUE(fault);
  EXPECT_FALSE(fault->access);
  EXPECT_THAT(fault->message, HasSubstr("nothing can start or end any more: 'one' (lane0) in "
                                        "interval 0 waits for the first 1 of lane 'lane1' in "
                                        "interval 0"));
}

// Held before its start, an instruction comes last of all that does not need it: here the reader of
// the value that it overwrites, and before its end it meets the same one.
TEST(Adversary, HoldsAnInstructionBeforeItsStartOrBeforeItsEnd) {
  PlanBuilder b;
  const BufferId source = b.buffer("source");
  b.constant("source", source);
  const BufferId first = b.buffer("first");
  const BufferId second = b.buffer("second");
  const LaneId writes = b.lane("writes");
  const LaneId reads = b.lane("reads");
  const InstructionId one = b.kernel(writes, "one", "relu", {{source}}, first);
  const InstructionId two = b.kernel(reads, "two", "relu", {{first}}, second);
  b.wait(one, reads, 1, 1);
  const Plan plan = b.build();
  const Adversary adversary(plan, 3);
  for (const auto policy : {AdversaryPolicy::kHoldStart, AdversaryPolicy::kHoldEnd}) {
    const auto fault = adversary.run({policy, 0, one, 0});
    ASSERT_TRUE(fault && fault->access);
    EXPECT_EQ(fault->access->execution, (Execution{two, 0}));
    const bool has_started = policy == AdversaryPolicy::kHoldEnd;
    EXPECT_THAT(fault->message,
                HasSubstr(has_started ? "finds 'one' (writes) of step 0 still writing them"
                                      : "finds their first content"));
  }
}

TEST(Adversary, FindsNothingInAPlanOverHosts) {
  const TwoHostPlan p = two_host_plan();
  const AdversaryReport report = execute_adversely(p.plan, adversary_steps(p.plan), 20);
  EXPECT_FALSE(report.fault) << report.fault->message;
}

// What has arrived may still be about to be sent, as far as its sender knows.
TEST(Adversary, FindsTheWriteOverWhatIsStillSent) {
  TwoHostPlan p = two_host_plan();
  remove_wait(p.plan, p.a, 0);
  expect_fault(p.plan, AccessFaultKind::kOverwritesRead,
               "end of 'a' in interval 1 held, sends do not wait, 3 steps: 'a' (h0/cpu.worker0) of "
               "step 1 writes bytes [0, 256) of buffer 'a', which 'a -> h1/cpu' (h0->h1) of step 0 "
               "still reads");
}

// The messages are skipped in the first interval, and what is behind them comes after what is before
// them all the same: they meet, without bytes.
TEST(Adversary, KeepsTheOrderOfSkippedMessages) {
  const Plan plan = plan_ordered_by_skipped_messages();
  const auto violation = verify_plan(plan);
  EXPECT_FALSE(violation) << violation->message;
  for (const int64_t num_steps : {int64_t{1}, int64_t{2}, adversary_steps(plan)}) {
    const AdversaryReport report = execute_adversely(plan, num_steps, 50);
    EXPECT_FALSE(report.fault) << report.fault->message;
  }
}

// Two hosts that send before they receive: where something has room for a message, all ends.
TEST(Adversary, FindsWhatHangsForLackOfRoom) {
  PlanBuilder b;
  const DeviceId second = b.host();
  const LanePair there = b.message_lanes(kHostDevice, second);
  const LanePair back = b.message_lanes(second, kHostDevice);
  const BufferId from_first = b.buffer("u");
  const BufferId from_second = b.buffer("v", second);
  b.state("u", {from_first});
  b.state("v", {from_second});
  const auto one = b.message(there, "u -> h1/cpu", {from_first}, b.buffer("u@h1", second));
  const auto other = b.message(back, "v -> h0/cpu", {from_second}, b.buffer("v@h0"));
  b.wait(one.receive, back.send, 1);
  b.wait(other.receive, there.send, 1);
  const Plan plan = b.build();
  const Adversary adversary(plan, 3);
  EXPECT_FALSE(adversary.run({AdversaryPolicy::kRandom, 0, InstructionId(), 0, true}));
  const auto fault = find_fault(plan);
  ASSERT_TRUE(fault);
  EXPECT_FALSE(fault->access);
  EXPECT_THAT(fault->message, HasSubstr("nothing can start or end any more"));
  EXPECT_EQ(verify_plan(plan)->kind, PlanViolationKind::kDeadlock);
}

// A change point is needed to stop the writer in the middle; some seeds have one at the right
// event.
TEST(Adversary, RandomPoliciesDependOnTheSeedAlone) {
  const Plan plan = two_writers();
  const Adversary adversary(plan, 3);
  for (const auto policy : {AdversaryPolicy::kRandom, AdversaryPolicy::kPriorities}) {
    int num_faults = 0;
    for (uint64_t seed = 0; seed < 50; ++seed) {
      const auto fault = adversary.run({policy, seed, InstructionId(), 0});
      const auto again = adversary.run({policy, seed, InstructionId(), 0});
      ASSERT_EQ(fault.has_value(), again.has_value());
      if (!fault) continue;
      ++num_faults;
      EXPECT_EQ(fault->message, again->message);
    }
    EXPECT_GT(num_faults, 0);
  }
}

}  // namespace
}  // namespace graphrt

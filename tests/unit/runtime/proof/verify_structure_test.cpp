#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "runtime/proof/verify_plan.h"
#include "tests/unit/runtime/plan/small_plans.h"

namespace graphrt {
namespace {

/// The message for the training plan with one thing wrong.
std::string structure_fault(const std::function<void(TrainingPlan&)>& damage) {
  TrainingPlan p = training_plan();
  damage(p);
  const auto violation = verify_plan(p.plan);
  if (!violation) return "accepted";
  EXPECT_EQ(violation->kind, PlanViolationKind::kStructure);
  return violation->message;
}

std::string instruction_fault(InstructionId TrainingPlan::* which,
                              const std::function<void(Instruction&)>& damage) {
  return structure_fault([&](TrainingPlan& p) { damage(p.plan.instructions[p.*which]); });
}

std::string buffer_fault(const std::function<void(PlanBuffer&)>& damage) {
  return structure_fault([&](TrainingPlan& p) { damage(p.plan.buffers[BufferId(0)]); });  // x@cpu
}

/// The message for the plan of attention with one thing wrong.
std::string attention_fault(const std::function<void(AttentionPlan&)>& damage) {
  AttentionPlan p = attention_plan();
  damage(p);
  const auto violation = verify_plan(p.plan);
  if (!violation) return "accepted";
  EXPECT_EQ(violation->kind, PlanViolationKind::kStructure);
  return violation->message;
}

Instruction& attention_of(AttentionPlan& p) { return p.plan.instructions[p.attention]; }

TEST(VerifyStructure, ChecksIds) {
  EXPECT_EQ(instruction_fault(&TrainingPlan::h, [](auto& i) { i.reads[0].buffer = BufferId(99); }),
            "structure: a buffer of 'h' is 99, outside 0..6");
  EXPECT_EQ(instruction_fault(&TrainingPlan::h, [](auto& i) { i.writes = {BufferId(-2)}; }),
            "structure: the result's buffer of 'h' is -2, outside 0..6");
  EXPECT_EQ(
      structure_fault([](auto& p) { p.plan.lanes[LaneId(0)].instructions[0] = InstructionId(8); }),
      "structure: an instruction of 'feeds' is 8, outside 0..7");
  EXPECT_EQ(structure_fault([](auto& p) { p.plan.states[0].buffers[1] = BufferId(7); }),
            "structure: a buffer of 'w' is 7, outside 0..6");
}

TEST(VerifyStructure, ChecksDevices) {
  EXPECT_EQ(structure_fault([](auto& p) { p.plan.devices[DeviceId(1)].index = -5; }),
            "structure: the index of 'gpu0' is -5");
  EXPECT_EQ(structure_fault([](auto& p) { p.plan.devices[DeviceId(1)].memory_bytes = -1; }),
            "structure: the memory of 'gpu0' is -1 bytes");
}

TEST(VerifyStructure, ChecksWaits) {
  EXPECT_EQ(instruction_fault(&TrainingPlan::h, [](auto& i) { i.waits[0].lane = LaneId(6); }),
            "structure: the lane of a wait of 'h' is 6, outside 0..5");
  EXPECT_EQ(instruction_fault(&TrainingPlan::h, [](auto& i) { i.waits[0].count = 3; }),
            "structure: 'h' waits for 3 instructions of 'cpu->gpu0', which has 2");
  EXPECT_EQ(instruction_fault(&TrainingPlan::h, [](auto& i) { i.waits[0].count = 0; }),
            "structure: 'h' waits for 0 instructions of 'cpu->gpu0', which has 2");
  EXPECT_EQ(instruction_fault(&TrainingPlan::h, [](auto& i) { i.waits[0].distance = -1; }),
            "structure: the distance of a wait of 'h' is -1, outside 0..256");
}

TEST(VerifyStructure, ChecksHosts) {
  const auto fault_with_hosts = [](auto damage) {
    return structure_fault([&](auto& p) {
      for (const char* name : {"h0", "h1"}) p.plan.hosts.push_back(name);
      damage(p.plan);
    });
  };
  EXPECT_EQ(fault_with_hosts([](Plan&) {}), "structure: host 'h1' has no device");
  EXPECT_EQ(fault_with_hosts([](Plan& p) { p.devices[DeviceId(1)].host = HostId(1); }),
            "structure: the first device must be of kind 'cpu', the host");
  EXPECT_EQ(fault_with_hosts([](Plan& p) { p.devices[DeviceId(0)].host = HostId(1); }),
            "structure: device 'cpu' is of host 1, where host 0 is next");
  EXPECT_EQ(fault_with_hosts([](Plan& p) { p.hosts[HostId(1)] = "h0"; }),
            "structure: there are two hosts of name 'h0'");
}

TEST(VerifyStructure, ChecksLanes) {
  EXPECT_EQ(structure_fault([](auto& p) { p.plan.lanes[LaneId(0)].instructions.push_back(p.h); }),
            "structure: 'h' stands 2 times in the lanes; it must stand there once");
  EXPECT_EQ(structure_fault([](auto& p) { p.plan.lanes[LaneId(2)].device = DeviceId(0); }),
            "structure: lane 'gpu0.compute' is no link, but leads from 'cpu' to 'gpu0'");
  EXPECT_EQ(structure_fault([](auto& p) { p.plan.lanes[LaneId(2)].kind = LaneKind::kFeed; }),
            "structure: lane 'gpu0.compute' feeds or hands out on 'gpu0'; only 'cpu' can");
  EXPECT_EQ(structure_fault([](auto& p) { p.plan.lanes[LaneId(4)].kind = LaneKind::kLink; }),
            "structure: 'u' (cpu.worker) is of kind 'kernel', but its lane is of kind 'link'");
  EXPECT_EQ(structure_fault([](auto& p) { p.plan.devices[DeviceId(0)].kind = "cuda"; }),
            "structure: the first device must be of kind 'cpu', the host");
  EXPECT_EQ(structure_fault([](auto& p) { p.plan.devices[DeviceId(1)].kind = "cpu"; }),
            "structure: device 'gpu0' is of kind 'cpu', and 'cpu' is the host already");
  EXPECT_EQ(structure_fault([](auto& p) { p.plan.devices[DeviceId(1)].host = HostId(1); }),
            "structure: the host of 'gpu0' is 1, outside 0..0");
}

TEST(VerifyStructure, ChecksBytes) {
  EXPECT_EQ(buffer_fault([](auto& b) { b.offset_bytes = 128; }),
            "structure: buffer 'x@cpu' at 128 with stride 256 is not aligned to 256 bytes");
  EXPECT_EQ(buffer_fault([](auto& b) { b.stride_bytes = 0; }),
            "structure: versions of buffer 'x@cpu' are 0 bytes apart and 256 bytes long");
  EXPECT_EQ(
      buffer_fault([](auto& b) { b.offset_bytes = 1024; }),
      "structure: buffer 'x@cpu' at 1024, 2 versions of 256 bytes, does not fit into its arena "
      "of 1024 bytes");
  EXPECT_EQ(buffer_fault([](auto& b) { b.offset_bytes = std::numeric_limits<int64_t>::min(); }),
            "structure: buffer 'x@cpu' at -9223372036854775808, 2 versions of 256 bytes, does not "
            "fit into its arena of 1024 bytes");
  EXPECT_EQ(
      buffer_fault([](auto& b) { b.stride_bytes = int64_t{1} << 62; }),
      "structure: buffer 'x@cpu' at 0, 2 versions of 256 bytes, does not fit into its arena of "
      "1024 bytes");
  EXPECT_EQ(buffer_fault([](auto& b) { b.versions = 0; }),
            "structure: 'x@cpu' has 0 versions; 1 to 256 are possible");
  EXPECT_EQ(buffer_fault([](auto& b) { b.type.shape = {-1}; }),
            "structure: the type of 'x@cpu' is f32[-1], which is not a type of a tensor");
}

TEST(VerifyStructure, ChecksDevicesOfOperands) {
  EXPECT_EQ(
      instruction_fault(&TrainingPlan::send_g,
                        [](auto& i) { std::swap(i.reads[0].buffer, i.writes.front()); }),
      "structure: 'g -> cpu' (gpu0->cpu) writes buffer 'g@gpu0', as does 'g' (gpu0.compute); a "
      "buffer has one writer");
  EXPECT_EQ(
      structure_fault([](auto& p) {
        std::swap(p.plan.lanes[LaneId(3)].device, p.plan.lanes[LaneId(3)].destination);
      }),
      "structure: 'g -> cpu' (gpu0->cpu) reads buffer 'g@gpu0' on 'gpu0'; its lane reads from "
      "'cpu'");
  EXPECT_EQ(structure_fault([](auto& p) { p.plan.lanes[LaneId(3)].destination = DeviceId(1); }),
            "structure: 'g -> cpu' (gpu0->cpu) writes buffer 'g@cpu' on 'cpu'; its lane writes to "
            "'gpu0'");
}

TEST(VerifyStructure, ChecksOperators) {
  EXPECT_EQ(instruction_fault(&TrainingPlan::h, [](auto& i) { i.op = "rleu"; }),
            "structure: 'h' (gpu0.compute) is of unknown operator 'rleu'");
  EXPECT_EQ(instruction_fault(&TrainingPlan::h, [](auto& i) { i.op = "silu"; }),
            "structure: 'h' (gpu0.compute) is of operator 'silu', a formula of others that has no "
            "kernel");
  EXPECT_EQ(
      instruction_fault(&TrainingPlan::h, [](auto& i) { i.op = "add"; }),
      "structure: 'h' (gpu0.compute) has operands that do not fit: add takes 2 inputs; got 1");
  EXPECT_EQ(
      instruction_fault(&TrainingPlan::h, [](auto& i) { i.op = "argmax"; }),
      "structure: 'h' (gpu0.compute) gives i32[], but its buffer 'h@gpu0' is of type f32[64]");
  EXPECT_EQ(structure_fault([](auto& p) { p.plan.inputs[InputId(0)].type.shape = {32}; }),
            "structure: 'x' (feeds) moves f32[32] into a buffer of type f32[64]");
}

TEST(VerifyStructure, ChecksArity) {
  EXPECT_EQ(instruction_fault(&TrainingPlan::output, [](auto& i) { i.writes = {BufferId(0)}; }),
            "structure: 'g' (outputs) writes buffer 'x@cpu', as does 'x' (feeds); a buffer has one "
            "writer");
  EXPECT_EQ(instruction_fault(&TrainingPlan::h, [](auto& i) { i.input = InputId(0); }),
            "structure: 'h' (gpu0.compute) names an input, and is no feed");
  EXPECT_EQ(instruction_fault(&TrainingPlan::feed, [](auto& i) { i.input.reset(); }),
            "structure: 'x' (feeds) is a feed of no input");
  EXPECT_EQ(
      instruction_fault(&TrainingPlan::send_w, [](auto& i) { i.reads.push_back(i.reads[0]); }),
      "structure: 'w -> gpu0' (cpu->gpu0) is of kind 'copy' and reads 2 buffers; it must read "
      "1");
}

TEST(VerifyStructure, AcceptsTwoResultsAndScratchMemory) {
  EXPECT_EQ(attention_fault([](auto&) {}), "accepted");
}

TEST(VerifyStructure, ChecksSeveralResults) {
  EXPECT_EQ(attention_fault([](auto& p) { attention_of(p).writes = {p.result, BufferId(9)}; }),
            "structure: the result's buffer of 'a' is 9, outside 0..4");
  EXPECT_EQ(attention_fault([](auto& p) {
              attention_of(p).writes.pop_back();
              p.plan.instructions[p.exponential].reads[0] = {p.q, {p.feed}, 0};
            }),
            "structure: 'a' (lane) writes 1 buffers; 'attention' has 2 results");
  EXPECT_EQ(attention_fault([](auto& p) {
              attention_of(p).writes.push_back(p.plan.buffers.push_back(p.plan.buffers[p.e]));
            }),
            "structure: 'a' (lane) writes 3 buffers; 'attention' has 2 results");
  EXPECT_EQ(attention_fault([](auto& p) { attention_of(p).writes = {p.log_sum, p.result}; }),
            "structure: 'a' (lane) gives f32[1, 4, 2, 8], but its buffer 'log_sum' is of type "
            "f32[1, 2, 4]");
  EXPECT_EQ(attention_fault([](auto& p) { attention_of(p).writes = {p.result, p.result}; }),
            "structure: 'a' (lane) writes buffer 'result', as does 'a' (lane); a buffer has one "
            "writer");
  EXPECT_EQ(attention_fault([](auto& p) { attention_of(p).writes = {p.result, p.e}; }),
            "structure: 'e' (lane) writes buffer 'e', as does 'a' (lane); a buffer has one writer");
  EXPECT_EQ(attention_fault([](auto& p) {
              p.plan.buffers[p.log_sum].type.shape = {1, 8};
              p.plan.buffers[p.e].type.shape = {1, 8};
            }),
            "structure: 'a' (lane) gives f32[1, 2, 4], but its buffer 'log_sum' is of type "
            "f32[1, 8]");
  EXPECT_EQ(attention_fault([](auto& p) {
              const PlanBuffer second = p.plan.buffers[p.q];
              p.plan.instructions[p.feed].writes.push_back(p.plan.buffers.push_back(second));
            }),
            "structure: 'q' (feeds) is of kind 'feed' and writes 2 buffers");
}

TEST(VerifyStructure, ChecksScratchMemory) {
  const std::string needed =
      std::to_string(attention_plan().plan.buffers[attention_plan().scratch].type.size_bytes());
  EXPECT_EQ(attention_fault([](auto& p) { attention_of(p).scratch.reset(); }),
            "structure: 'a' (lane) has no scratch memory; 'attention' needs " + needed + " bytes");
  EXPECT_EQ(attention_fault([](auto& p) { attention_of(p).scratch = BufferId(9); }),
            "structure: the result's buffer of 'a' is 9, outside 0..4");
  EXPECT_EQ(attention_fault([](auto& p) { p.plan.buffers[p.scratch].type.shape = {8}; }),
            "structure: 'a' (lane) has scratch memory 'a (scratch)' of type u8[8]; 'attention' "
            "needs u8[" +
                needed + "]");
  EXPECT_EQ(
      attention_fault([](auto& p) { p.plan.buffers[p.scratch].type.element = ElementType::kBool; }),
      "structure: 'a' (lane) has scratch memory 'a (scratch)' of type bool[" + needed +
          "]; 'attention' needs u8[" + needed + "]");
  EXPECT_EQ(attention_fault([](auto& p) {
              p.plan.instructions[p.exponential].scratch =
                  p.plan.buffers.push_back(p.plan.buffers[p.scratch]);
            }),
            "structure: 'e' (lane) has scratch memory 'a (scratch)' of type u8[" + needed +
                "]; 'exp' needs u8[0]");
  EXPECT_EQ(attention_fault([](auto& p) {
              p.plan.instructions[p.output].scratch =
                  p.plan.buffers.push_back(p.plan.buffers[p.scratch]);
            }),
            "structure: 'result' (outputs) has scratch memory, but no operator");
}

// It holds nothing for others, before and after.
TEST(VerifyStructure, ScratchMemoryIsOfOneInstructionAlone) {
  EXPECT_EQ(
      attention_fault([](auto& p) { p.plan.instructions[p.exponential].scratch = p.scratch; }),
      "structure: 'e' (lane) writes buffer 'a (scratch)', as does 'a' (lane); a buffer has one "
      "writer");
  EXPECT_EQ(attention_fault([](auto& p) { attention_of(p).scratch = p.log_sum; }),
            "structure: 'a' (lane) writes buffer 'log_sum', as does 'a' (lane); a buffer has one "
            "writer");
  EXPECT_EQ(attention_fault([](auto& p) {
              p.plan.instructions[p.exponential].reads[0] = {p.scratch, {p.attention}, 0};
            }),
            "structure: 'e' (lane) reads buffer 'a (scratch)', which is scratch memory");
  EXPECT_EQ(attention_fault([](auto& p) {
              p.plan.outputs.push_back({"kept", {p.scratch, {p.attention}, 0}, {}});
            }),
            "structure: output 'kept' names buffer 'a (scratch)', which is scratch memory");
  EXPECT_EQ(attention_fault([](auto& p) {
              const auto num_bytes = p.plan.buffers[p.scratch].type.size_bytes();
              p.plan.constants.push_back(
                  {"c", std::vector<std::byte>(static_cast<size_t>(num_bytes)), {p.scratch}});
            }),
            "structure: 'a' (lane) has buffer 'a (scratch)' of a first value as scratch memory");
  EXPECT_EQ(
      attention_fault([](auto& p) {
        p.plan.states.push_back({"s", p.plan.buffers[p.scratch].type, Initializer(), {p.scratch}});
        p.plan.required_features = features_of(p.plan);
      }),
      "structure: 'a' (lane) has buffer 'a (scratch)' of a first value as scratch memory");
}

TEST(VerifyStructure, ChecksOperands) {
  EXPECT_EQ(instruction_fault(&TrainingPlan::g, [](auto& i) { i.reads[0].producers.clear(); }),
            "structure: 'g' (gpu0.compute) reads from buffer 'h@gpu0' what nobody wrote, but its "
            "writer is 'h' (gpu0.compute)");
  EXPECT_EQ(instruction_fault(&TrainingPlan::g, [](auto& i) { i.reads[0].distance = 1; }),
            "structure: 'g' (gpu0.compute) reads buffer 'h@gpu0' of an earlier step, which has no "
            "first value: it is no state");
  EXPECT_EQ(instruction_fault(&TrainingPlan::g, [](auto& i) { i.reads[1].distance = 2; }),
            "structure: 'g' (gpu0.compute) reads buffer 'w@gpu0' of 2 steps before, which has 1 "
            "versions");
  EXPECT_EQ(instruction_fault(&TrainingPlan::update, [](auto& i) { i.reads[0].distance = 0; }),
            "structure: 'u' (cpu.worker) reads what it writes to buffer 'w@cpu' in the same step");
}

TEST(VerifyStructure, ChecksFirstContents) {
  EXPECT_EQ(
      structure_fault([](auto& p) { p.plan.states[0].buffers[1] = p.plan.states[0].buffers[0]; }),
      "structure: buffer 'w@cpu' is filled at load twice");
  EXPECT_EQ(structure_fault([](auto& p) { p.plan.states[0].type.shape = {32}; }),
            "structure: buffer 'w@cpu' of type f32[64] is filled at load from 'w', which has "
            "f32[32]");
  EXPECT_EQ(
      structure_fault([](auto& p) { p.plan.states[0].initializer.kind = InitializerKind::kData; }),
      "structure: state 'w' of 256 bytes starts from 0 bytes of data");
  EXPECT_EQ(structure_fault([](auto& p) { p.plan.states[0].buffers.clear(); }),
            "structure: state 'w' has no buffer");
  EXPECT_EQ(structure_fault([](auto& p) {
              p.plan.constants.push_back({"c", std::vector<std::byte>(256), {BufferId(2)}});
            }),
            "structure: 'g -> cpu' (gpu0->cpu) writes buffer 'g@cpu' of a constant");
  EXPECT_EQ(structure_fault([](auto& p) { p.plan.buffers[BufferId(2)].offset_bytes = 512; }),
            "structure: buffer 'w@cpu' is filled at load and shares bytes with 'g@cpu'");
}

TEST(VerifyStructure, ChecksOutputs) {
  EXPECT_EQ(structure_fault([](auto& p) { p.plan.outputs[0].value.buffer = BufferId(0); }),
            "structure: 'g' (outputs) does not read what output 'g' names");
  EXPECT_EQ(structure_fault([](auto& p) { p.plan.outputs.clear(); }),
            "structure: 'g' (outputs) hands out 0 outputs; it must hand out one");
  EXPECT_EQ(
      structure_fault(
          [](auto& p) { p.plan.outputs.push_back({"old", {BufferId(1), {p.update}, 1}, {}}); }),
      "structure: output 'old' names a value of 1 steps before the last, which buffer 'w@cpu' "
      "no longer holds");
  EXPECT_EQ(
      structure_fault([](auto& p) { p.plan.outputs.push_back({"w", {BufferId(1), {}, 0}, {}}); }),
      "structure: output 'w' does not name the writer of buffer 'w@cpu'");
  EXPECT_EQ(structure_fault(
                [](auto& p) { p.plan.outputs.push_back({"g", {BufferId(1), {p.update}, 0}, {}}); }),
            "structure: there are two outputs of name 'g'");
  EXPECT_EQ(structure_fault(
                [](auto& p) { p.plan.outputs.push_back({"w", {BufferId(1), {p.update}, 0}, {}}); }),
            "accepted");
}

TEST(VerifyStructure, OnlyOperatorsHaveAlgorithms) {
  EXPECT_EQ(instruction_fault(&TrainingPlan::h, [](auto& i) { i.algorithm = "id=1"; }),
            "structure: the plan says it needs the features [stages, state, versions], but it "
            "needs [algorithms, stages, state, versions]");
  EXPECT_EQ(structure_fault([](auto& p) {
              for (Instruction& instruction : p.plan.instructions) {
                if (instruction.kind == InstructionKind::kCopy) instruction.algorithm = "id=1";
              }
              p.plan.required_features = features_of(p.plan);
            }).substr(0, 11),
            "structure: ");
}

TEST(VerifyStructure, ChecksFeatures) {
  EXPECT_EQ(structure_fault([](auto& p) { p.plan.required_features = {"stages", "versions"}; }),
            "structure: the plan says it needs the features [stages, versions], but it needs "
            "[stages, state, versions]");
}

TEST(VerifyStructure, ChecksTimes) {
  EXPECT_EQ(instruction_fault(&TrainingPlan::h, [](auto& i) { i.cost.work_ns = -5; }),
            "structure: a predicted time of 'h' is -5 ns");
  EXPECT_EQ(instruction_fault(&TrainingPlan::h, [](auto& i) { i.predicted_start_ns = 7; }),
            "structure: 'h' (gpu0.compute) is predicted to end before it starts");
  EXPECT_EQ(instruction_fault(&TrainingPlan::h, [](auto& i) { i.stage = 300; }),
            "structure: the stage of 'h' is 300, outside 0..256");
}

// 25 000 instructions on as many lanes: a table of all of them against all lanes has 6e8 entries
// for each interval, more than a file should be able to make its reader allocate.
TEST(VerifyStructure, RefusesWhatIsTooLargeToVerify) {
  PlanBuilder b;
  const BufferId zero = b.buffer("zero");
  b.constant("zero", zero);
  for (int i = 0; i < 25000; ++i) {
    const std::string name = std::to_string(i);
    b.kernel(b.lane(name), name, "relu", {{zero}}, b.buffer(name));
  }
  const auto violation = verify_plan(b.build());
  ASSERT_TRUE(violation);
  EXPECT_EQ(
      violation->message,
      "structure: 25000 instructions on 25000 lanes with up to 1 steps in flight are too many "
      "to verify");
}

}  // namespace
}  // namespace graphrt

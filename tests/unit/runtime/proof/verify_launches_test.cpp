#include "runtime/proof/verify_launches.h"

#include <gtest/gtest.h>

#include <functional>

#include "runtime/op/op_table.h"
#include "runtime/proof/verify_plan.h"
#include "tests/unit/runtime/plan/small_plans.h"

namespace graphrt {
namespace {

/// Two states that one launch updates from a constant, and a reader on another lane.
///
///   worker   [a.new|b.new][c]
///   other                 [reader of a]
struct JointPlan {
  PlanBuilder build;
  LaneId worker = build.lane("worker");
  LaneId other = build.lane("other");
  BufferId g = build.buffer("g");
  BufferId a = build.buffer("a");
  BufferId b = build.buffer("b");
  BufferId c = build.buffer("c");
  BufferId read = build.buffer("read");
  InstructionId a_new = build.kernel(worker, "a.new", "add", {{a, 1}, {g}}, a);
  InstructionId b_new = build.kernel(worker, "b.new", "add", {{b, 1}, {g}}, b);
  InstructionId c_new = build.kernel(worker, "c.new", "relu", {{g}}, c);
  InstructionId reader = build.kernel(other, "reader", "relu", {{a}}, read);
  Plan plan;

  JointPlan() {
    build.constant("g", g);
    build.state("a", {a});
    build.state("b", {b});
    build.wait(reader, worker, 2);
    build.wait(a_new, other, 1, 1);
    plan = build.build();
    instruction(b_new).is_joined = true;
    plan.required_features = features_of(plan);
  }
  Instruction& instruction(InstructionId id) { return plan.instructions[id]; }
};

std::string joint_fault(const std::function<void(JointPlan&)>& damage) {
  JointPlan p;
  damage(p);
  p.plan.required_features = features_of(p.plan);
  const auto violation = verify_plan(p.plan);
  return violation ? violation->message : "accepted";
}

TEST(VerifyLaunches, AcceptsUpdatesSideBySide) {
  const JointPlan p;
  const auto violation = verify_plan(p.plan);
  EXPECT_FALSE(violation) << violation->message;
  EXPECT_EQ(p.plan.required_features, (std::vector<std::string>{"joined", "state"}));
}

TEST(VerifyLaunches, TheFirstOfALaneIsJoinedToNothing) {
  EXPECT_EQ(joint_fault([](JointPlan& p) { p.instruction(p.a_new).is_joined = true; }),
            "structure: 'a.new' (worker) is joined to nothing: its lane begins here");
}

TEST(VerifyLaunches, WaitsStandBeforeAllOfALaunch) {
  EXPECT_EQ(joint_fault([](JointPlan& p) { p.instruction(p.b_new).waits = {{p.other, 1, 1}}; }),
            "structure: 'b.new' (worker) is joined and waits; the first of a launch waits for all");
}

/// Attention and exp(q), joined.
AttentionPlan joined_attention() {
  AttentionPlan p = attention_plan();
  Instruction& exponential = p.plan.instructions[p.exponential];
  exponential.reads[0] = {p.q, {p.feed}, 0};
  exponential.is_joined = true;
  p.plan.buffers[p.e].type = p.plan.buffers[p.q].type;
  p.plan.instructions[p.feed].waits = {{LaneId(1), 2, 1}};
  p.plan.instructions[p.output].waits = {{LaneId(1), 2, 0}};
  p.plan.required_features = features_of(p.plan);
  return p;
}

TEST(VerifyLaunches, AllResultsAndScratchMemoryLieApart) {
  const AttentionPlan p = joined_attention();
  const auto fault_of = [](const Plan& plan) {
    const auto violation = verify_plan(plan);
    return violation ? violation->message : "accepted";
  };
  const std::string touches =
      "structure: 'e' (lane) touches bytes that 'a' (lane) writes in the same launch";
  EXPECT_EQ(fault_of(p.plan), "accepted");
  EXPECT_EQ(fault_of(moved(p, p.e, p.plan.buffers[p.log_sum].offset_bytes)), touches);
  EXPECT_EQ(fault_of(moved(p, p.e, p.plan.buffers[p.scratch].offset_bytes)), touches);
}

TEST(VerifyLaunches, NobodyWaitsForAPart) {
  EXPECT_EQ(joint_fault([](JointPlan& p) { p.instruction(p.reader).waits[0].count = 1; }),
            "structure: 'reader' (other) waits for 'a.new', but not for all of its launch");
}

TEST(VerifyLaunches, OneStage) {
  EXPECT_EQ(joint_fault([](JointPlan& p) { p.instruction(p.b_new).stage = 1; }),
            "structure: 'b.new' (worker) is joined to 'a.new', which is of another stage");
}

// b.new reads what a.new is just writing: of this step, or, in place, of the one before.
TEST(VerifyLaunches, NoneReadsWhatAnotherWrites) {
  for (const int32_t distance : {0, 1}) {
    EXPECT_EQ(joint_fault([&](JointPlan& p) {
                Operand& operand = p.instruction(p.b_new).reads[1];
                operand = {p.a, {p.a_new}, distance, {}};
              }),
              "structure: 'b.new' (worker) touches bytes that 'a.new' (worker) writes in the same "
              "launch");
  }
}

// c.new writes where the two before it read.
TEST(VerifyLaunches, NoneWritesWhatAnotherReads) {
  EXPECT_EQ(joint_fault([](JointPlan& p) {
              p.instruction(p.c_new).is_joined = true;
              p.instruction(p.reader).waits[0].count = 3;
            }),
            "accepted");
  EXPECT_EQ(joint_fault([](JointPlan& p) {
              p.instruction(p.c_new).is_joined = true;
              p.instruction(p.reader).waits[0].count = 3;
              p.plan.buffers[p.c].offset_bytes = p.plan.buffers[p.g].offset_bytes;
            }),
            "structure: 'a.new' (worker) touches bytes that 'c.new' (worker) writes in the same "
            "launch");
}

TEST(VerifyLaunches, KernelsOnly) {
  PlanBuilder build;
  const LaneId link = build.link("link", kHostDevice, build.device("gpu0", "cuda"));
  const BufferId from = build.buffer("from");
  const BufferId to = build.buffer("to", DeviceId(1));
  const BufferId more = build.buffer("more", DeviceId(1));
  build.constant("from", from);
  build.copy(link, "first", {from}, to);
  const InstructionId second = build.copy(link, "second", {from}, more);
  Plan plan = build.build();
  EXPECT_FALSE(verify_plan(plan));
  plan.instructions[second].is_joined = true;
  plan.required_features = features_of(plan);
  EXPECT_EQ(verify_plan(plan)->message,
            "structure: 'second' (link) is joined, and not a kernel behind a kernel");
}

TEST(VerifyLaunches, NoMoreThanALaunchCanTake) {
  const auto message = [](int count) {
    PlanBuilder build;
    const LaneId worker = build.lane("worker");
    const BufferId g = build.buffer("g");
    build.constant("g", g);
    for (int i = 0; i < count; ++i) {
      const std::string name = "r" + std::to_string(i);
      build.kernel(worker, name, "relu", {{g}}, build.buffer(name));
    }
    Plan plan = build.build();
    for (Instruction& instruction : plan.instructions) {
      instruction.is_joined = instruction.name != "r0";
    }
    plan.required_features = features_of(plan);
    const auto violation = verify_plan(plan);
    return violation ? violation->message : "accepted";
  };
  EXPECT_EQ(message(kMaxOpsInLaunch), "accepted");
  EXPECT_EQ(message(kMaxOpsInLaunch + 1),
            "structure: 'r0' (worker) starts a launch of 41 instructions; 40 are possible");
}

}  // namespace
}  // namespace graphrt

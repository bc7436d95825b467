#include "runtime/proof/verify_hosts.h"

#include <gtest/gtest.h>

#include <functional>

#include "tests/unit/runtime/plan/small_plans.h"

namespace graphrt {
namespace {

/// What the verifier says of the plan over two hosts with one thing wrong.
std::string fault_over_hosts(const std::function<void(TwoHostPlan&)>& damage) {
  TwoHostPlan p = two_host_plan();
  damage(p);
  p.plan.required_features = features_of(p.plan);
  const auto violation = verify_plan(p.plan);
  return violation ? violation->message : "accepted";
}

TEST(VerifyHosts, AcceptsAPlanOverTwoHosts) {
  EXPECT_EQ(fault_over_hosts([](auto&) {}), "accepted");
  EXPECT_EQ(two_host_plan().plan.required_features, std::vector<std::string>({"hosts", "state"}));
}

TEST(VerifyHosts, ChecksThatLanesOfAPairFit) {
  EXPECT_EQ(fault_over_hosts([](auto& p) { p.plan.lanes[p.there.send].peer.reset(); }),
            "structure: lane 'h0->h1' is of kind 'send' and names no other end");
  EXPECT_EQ(fault_over_hosts([](auto& p) { p.plan.lanes[p.worker0].peer = p.there.send; }),
            "structure: lane 'h0/cpu.worker0' is of kind 'compute' and names 'h0->h1' as its other "
            "end");
  EXPECT_EQ(fault_over_hosts([](auto& p) { p.plan.lanes[p.there.send].peer = p.back.receive; }),
            "structure: lane 'h0->h1' of kind 'send' names 'h0 from h1' of kind 'receive' as its "
            "other end; a lane that sends and one that receives must name each other");
  EXPECT_EQ(fault_over_hosts([](auto& p) {
              p.plan.lanes[p.there.send].peer = p.back.send;
              p.plan.lanes[p.back.send].peer = p.there.send;
            }),
            "structure: lane 'h0->h1' of kind 'send' names 'h1->h0' of kind 'send' as its other "
            "end; a lane that sends and one that receives must name each other");
  EXPECT_EQ(fault_over_hosts([](auto& p) {
              p.plan.lanes[p.there.send].peer = p.back.receive;
              p.plan.lanes[p.back.receive].peer = p.there.send;
            }),
            "structure: lane 'h0->h1' and its other end 'h0 from h1' are on the same host");
  EXPECT_EQ(fault_over_hosts([](auto& p) {
              const InstructionId id = p.plan.lanes[p.there.receive].instructions.back();
              p.plan.lanes[p.there.receive].instructions.pop_back();
              p.plan.lanes[p.back.receive].instructions.push_back(id);
              p.plan.instructions[p.b].waits.erase(p.plan.instructions[p.b].waits.begin());
            }),
            "structure: lane 'h0->h1' sends 1 times, and its other end 'h1 from h0' receives 0 "
            "times");
}

TEST(VerifyHosts, ChecksThePlacesOfLanes) {
  EXPECT_EQ(fault_over_hosts([](auto& p) {
              const DeviceId gpu =
                  p.plan.devices.push_back({"h1/gpu0", "cuda", 1 << 20, 0, HostId(1)});
              p.plan.lanes[p.back.send].device = gpu;
              p.plan.lanes[p.back.send].destination = gpu;
            }),
            "structure: lane 'h1->h0' sends on 'h1/gpu0'; only 'h1/cpu' can");
  EXPECT_EQ(
      fault_over_hosts([](auto& p) {
        p.plan.lanes.push_back({"link", LaneKind::kLink, DeviceId(0), DeviceId(1), {}, {}});
      }),
      "structure: lane 'link' is a link from 'h0/cpu' to 'h1/cpu'; only messages cross hosts");
  EXPECT_EQ(
      fault_over_hosts([](auto& p) {
        p.plan.lanes.push_back({"outputs", LaneKind::kOutput, DeviceId(1), DeviceId(1), {}, {}});
      }),
      "structure: lane 'outputs' feeds or hands out on 'h1/cpu'; only 'h0/cpu' can");
  EXPECT_EQ(fault_over_hosts([](auto& p) {
              p.plan.lanes.push_back({"feeds", LaneKind::kFeed, DeviceId(1), DeviceId(1), {}, {}});
            }),
            "accepted");
}

TEST(VerifyHosts, ChecksThatBothEndsOfAMessageFit) {
  EXPECT_EQ(fault_over_hosts([](auto& p) {
              p.plan.buffers[p.a1].type.shape = {8, 8};
              p.plan.buffers[p.b1].type.shape = {8, 8};
            }),
            "structure: 'a -> h1/cpu' (h0->h1) is sent as f32[64], and 'a -> h1/cpu' (h1 from h0) "
            "receives f32[8, 8]");
  EXPECT_EQ(fault_over_hosts([](auto& p) { p.plan.instructions[p.ask.receive].stage = 1; }),
            "structure: 'a -> h1/cpu' (h0->h1) is sent in stage 0, and 'a -> h1/cpu' (h1 from h0) "
            "receives it in stage 1");
  EXPECT_EQ(fault_over_hosts([](auto& p) {
              const PlanBuffer copy = p.plan.buffers[p.a0];
              p.plan.instructions[p.ask.send].writes = {p.plan.buffers.push_back(copy)};
            }),
            "structure: 'a -> h1/cpu' (h0->h1) is of kind 'send' and writes a buffer");
  EXPECT_EQ(fault_over_hosts([](auto& p) {
              Instruction& receive = p.plan.instructions[p.ask.receive];
              receive.reads = p.plan.instructions[p.answer.send].reads;
            }),
            "structure: 'a -> h1/cpu' (h1 from h0) is of kind 'receive' and reads 1 buffers; it "
            "must read 0");
  EXPECT_EQ(fault_over_hosts([](auto& p) { p.plan.instructions[p.ask.receive].writes.clear(); }),
            "structure: 'a -> h1/cpu' (h1 from h0) writes no buffer");
}

TEST(VerifyHosts, LetsOnlyMessagesCross) {
  EXPECT_EQ(fault_over_hosts(
                [](auto& p) { p.plan.instructions[p.b].waits.push_back({p.worker0, 1, 0}); }),
            "structure: 'b' (h1/cpu.worker0) of host 'h1' waits for lane 'h0/cpu.worker0' of host "
            "'h0'; only messages cross hosts");
  EXPECT_EQ(fault_over_hosts([](auto& p) {
              Operand& operand = p.plan.instructions[p.b].reads[0];
              operand.buffer = p.a0;
              operand.producers = {p.a};
            }),
            "structure: 'b' (h1/cpu.worker0) of host 'h1' reads buffer 'a' of host 'h0'; only "
            "messages cross hosts");
  EXPECT_EQ(fault_over_hosts([](auto& p) {
              p.plan.instructions[p.ask.receive].writes = {p.b0};
              p.plan.instructions[p.answer.receive].writes = {p.a1};
            }),
            "structure: 'a -> h1/cpu' (h1 from h0) of host 'h1' writes buffer 'b' of host 'h0'; "
            "only messages cross hosts");
}

TEST(VerifyHosts, HasMessagesPinned) {
  const auto with_pageable = [](BufferId TwoHostPlan::* buffer) {
    return fault_over_hosts([&](TwoHostPlan& p) {
      const PlanBuffer& moved = p.plan.buffers[p.*buffer];
      const DeviceId device = p.plan.arenas[moved.arena].device;
      p.plan.buffers[p.*buffer].arena =
          p.plan.arenas.push_back({device, MemoryKind::kPageable, 4096});
    });
  };
  EXPECT_EQ(with_pageable(&TwoHostPlan::a0),
            "structure: 'a -> h1/cpu' (h0->h1) reads buffer 'a' in pageable memory; messages need "
            "the host's memory pinned");
  EXPECT_EQ(with_pageable(&TwoHostPlan::a1),
            "structure: 'a -> h1/cpu' (h1 from h0) writes buffer 'a@h1' in pageable memory; "
            "messages need the host's memory pinned");
}

TEST(VerifyHosts, KeepsWhatIsSavedAndHandedOutOnTheFirstHost) {
  const auto state_in = [](const std::vector<const char*>& arenas_of) {
    return fault_over_hosts([&](TwoHostPlan& p) {
      p.plan.states[0].buffers.clear();
      for (const char* host : arenas_of) {
        PlanBuffer copy = p.plan.buffers[p.a0];
        copy.name = "w@" + std::string(host);
        const DeviceId device(host == std::string("h0") ? 0 : 1);
        copy.arena = p.plan.arenas.push_back({device, MemoryKind::kPinned, 4096});
        p.plan.states[0].buffers.push_back(p.plan.buffers.push_back(copy));
      }
      Operand& operand = p.plan.instructions[p.a].reads[0];
      for (const BufferId buffer : p.plan.states[0].buffers) {
        if (host_of(p.plan, buffer) == HostId(0)) operand.buffer = buffer;
      }
    });
  };
  EXPECT_EQ(state_in({"h0", "h1"}), "accepted");
  EXPECT_EQ(state_in({"h1", "h0"}),
            "structure: state 'w' is saved from a buffer of host 'h1', and has one on host 'h0'");
  EXPECT_EQ(fault_over_hosts([](auto& p) {
              p.plan.outputs[0].value.buffer = p.b1;
              p.plan.outputs[0].value.producers = {p.b};
            }),
            "structure: output 'c' stays on host 'h1'; host 'h0' hands out");
}

// Without its wait, a overwrites what may still be on its way, although the answer is back.
TEST(VerifyHosts, SaysThatAnArrivalDoesNotFreeWhatWasSent) {
  EXPECT_EQ(fault_over_hosts([](auto& p) { remove_wait(p.plan, p.a, 0); }),
            "race: 'a -> h1/cpu' (h0->h1) reads and 'a' (h0/cpu.worker0) writes bytes [0, 256) of "
            "buffer 'a' with no order at distance 1; the message's arrival on host 'h1' does not "
            "say that its buffer on host 'h0' is free: wait for lane 'h0->h1'");
}

TEST(VerifyHosts, NeedsEveryWait) {
  const TwoHostPlan p = two_host_plan();
  for (const InstructionId id : p.plan.instructions.ids()) {
    for (size_t i = 0; i < p.plan.instructions[id].waits.size(); ++i) {
      Plan plan = p.plan;
      remove_wait(plan, id, i);
      const auto violation = verify_plan(plan);
      ASSERT_TRUE(violation) << plan.instructions[id].name;
      EXPECT_NE(violation->kind, PlanViolationKind::kStructure) << violation->message;
    }
  }
}

TEST(VerifyHosts, NamesBothEndsOfAPairInADeadlock) {
  EXPECT_EQ(fault_over_hosts([](auto& p) {
              p.plan.instructions[p.ask.send].waits.push_back({p.back.receive, 1, 0});
            }),
            "deadlock: 'b -> h0/cpu' (h1->h0) waits for 'b' (h1/cpu.worker0) waits for 'a -> "
            "h1/cpu' (h1 from h0), whose other end 'a -> h1/cpu' (h0->h1) waits for 'b -> h0/cpu' "
            "(h0 from h1), whose other end is 'b -> h0/cpu' (h1->h0), all in the same interval");
}

}  // namespace
}  // namespace graphrt

#include "runtime/engine/relays.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "tests/unit/runtime/engine/queued_plans.h"
#include "tests/unit/runtime/engine/training_plan.h"

namespace graphrt {
namespace {

using ::testing::ElementsAre;

/// "lane count distance" of every wait.
std::vector<std::string> waits_in(const Plan& plan, InstructionId id) {
  std::vector<std::string> texts;
  for (const Wait& wait : plan.instructions[id].waits) {
    texts.push_back(plan.lanes[wait.lane].name + " " + std::to_string(wait.count) + " " +
                    std::to_string(wait.distance));
  }
  return texts;
}

TEST(Relays, AreNotThereWhereNoQueueWaitsForAnother) {
  const Plan plan = TrainingPlan::make(Overlap::kPipelined);
  EXPECT_FALSE(plan_with_relays(plan, all_accelerators(plan)));
  EXPECT_FALSE(plan_with_relays(plan, QueueOfDevice(plan.devices.size(), std::nullopt)));
  const Plan two = over_two_kinds();
  EXPECT_FALSE(plan_with_relays(two, all_accelerators(two)));
}

TEST(Relays, StandBetweenQueuesThatWaitForEachOther) {
  const Plan plan = over_two_kinds();
  const std::optional<Plan> relayed = plan_with_relays(plan, queues_by_kind(plan));
  ASSERT_TRUE(relayed);
  ASSERT_EQ(relayed->lanes.size(), plan.lanes.size() + 2);
  ASSERT_EQ(relayed->instructions.size(), plan.instructions.size() + 2);
  const InstructionId from_gpu = relayed->lanes[LaneId(8)].instructions.front();
  const InstructionId to_npu = relayed->lanes[LaneId(9)].instructions.front();
  EXPECT_EQ(relayed->lanes[LaneId(8)].name, "gpu0->cpu (passed on)");
  EXPECT_THAT(waits_in(*relayed, from_gpu), ElementsAre("gpu0->cpu 1 0"));
  EXPECT_THAT(waits_in(*relayed, to_npu), ElementsAre("cpu->npu0 1 0"));
  const InstructionId d_back = plan.lanes[LaneId(3)].instructions.front();
  const InstructionId d_sent = plan.lanes[LaneId(4)].instructions.front();
  EXPECT_THAT(waits_in(*relayed, d_back), ElementsAre("gpu0.0 1 0", "cpu->npu0 (passed on) 1 1"));
  EXPECT_THAT(waits_in(*relayed, d_sent), ElementsAre("gpu0->cpu (passed on) 1 0", "npu0.0 1 1"));
}

// A relay a lane, in the order of the lane, whoever waits and how often.
TEST(Relays, PassOnEachInstructionOnce) {
  PlanBuilder p;
  const DeviceId gpu = p.device("gpu0", "cuda");
  const DeviceId npu = p.device("npu0", "npu");
  const LaneId on_gpu = p.lane("gpu0.0", LaneKind::kCompute, gpu);
  const LaneId on_npu = p.lane("npu0.0", LaneKind::kCompute, npu);
  const LaneId beside = p.lane("npu0.1", LaneKind::kCompute, npu);
  const auto add = [&](LaneId lane, DeviceId device, const std::string& name) {
    const BufferId k = p.buffer("k of " + name, device);
    return p.kernel(lane, name, "relu", {{k}}, p.buffer(name, device), 1);
  };
  for (const std::string name : {"a", "b", "c"}) add(on_gpu, gpu, name);
  const auto x = add(on_npu, npu, "x");
  const auto y = add(beside, npu, "y");
  p.wait(x, on_gpu, 3, 2);
  p.wait(x, on_gpu, 1);
  p.wait(y, on_gpu, 3);
  const Plan plan = p.build();
  const std::optional<Plan> relayed = plan_with_relays(plan, queues_by_kind(plan));
  ASSERT_TRUE(relayed);
  ASSERT_EQ(relayed->lanes.size(), 4U);
  const std::vector<InstructionId>& relays = relayed->lanes[LaneId(3)].instructions;
  ASSERT_EQ(relays.size(), 2U);
  EXPECT_EQ(relayed->instructions[relays[0]].name, "a");
  EXPECT_EQ(relayed->instructions[relays[1]].name, "c");
  EXPECT_EQ(relayed->instructions[relays[1]].stage, 1);
  EXPECT_THAT(waits_in(*relayed, relays[1]), ElementsAre("gpu0.0 3 0"));
  EXPECT_THAT(waits_in(*relayed, x),
              ElementsAre("gpu0.0 (passed on) 2 2", "gpu0.0 (passed on) 1 0"));
  EXPECT_THAT(waits_in(*relayed, y), ElementsAre("gpu0.0 (passed on) 2 0"));
}

}  // namespace
}  // namespace graphrt

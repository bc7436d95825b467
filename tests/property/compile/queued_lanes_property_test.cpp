#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "runtime/engine/queued_lanes.h"
#include "runtime/proof/happens_before.h"
#include "tests/property/compile/random_compilations.h"
#include "tests/property/sample.h"

namespace graphc {
namespace {

using graphrt::HappensBefore;
using graphrt::LaneInstruction;
using graphrt::LaneProgram;
using graphrt::Position;
using graphrt::QueueProgram;

constexpr uint32_t kNumQueuedSeeds = sampled(30U);
constexpr int32_t kHorizon = 12;

/// What the queue keeps by itself, between instructions of the plan.
HappensBefore order_of(const QueueProgram& queue) {
  LaneProgram program;
  for (const graphrt::QueuedLane& lane : queue.lanes) {
    std::vector<LaneInstruction> instructions;
    for (const graphrt::QueuedInstruction& item : lane.instructions) {
      LaneInstruction instruction;
      for (const graphrt::QueuedWait& wait : item.waits) {
        instruction.waits.push_back({LaneId(wait.lane.value()), wait.count, wait.distance});
      }
      instructions.push_back(instruction);
    }
    program.lanes.push_back(instructions);
    program.resources.push_back({});
  }
  return HappensBefore(program, kHorizon);
}

/// The plan's order, and that a flag is given again only after it was set back.
LaneProgram program_with_flags(const Plan& plan, const graphrt::DividedQueue& divided) {
  LaneProgram program = lane_program(plan);
  const auto positions = lane_positions(plan);
  const auto num_slots = static_cast<int32_t>(num_signal_slots(divided.program));
  for (const graphrt::SignalId id : divided.program.signals.ids()) {
    const auto producer = positions[divided.ends[id].producer];
    const auto consumer = positions[divided.ends[id].consumer];
    program.lanes[producer.lane][static_cast<size_t>(producer.position)].waits.push_back(
        {consumer.lane, consumer.position + 1, num_slots - divided.program.signals[id].distance});
  }
  return program;
}

// Hardware may run what is queued in any order that the queue keeps: what goes through the host
// must be part of it, or the hardware could wait for a host that waits for it.
TEST(QueuedLanesProperty, TheQueueKeepsThePlansOrderWithoutTheHost) {
  int num_through_host = 0;
  for (uint32_t seed = 0; seed < kNumQueuedSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Plan plan = compile_random(seed).plan;
    graphrt::QueueOfDevice queue_of;
    for (const graphrt::PlanDevice& device : plan.devices) {
      queue_of.push_back(device.kind == "cpu" ? std::nullopt : std::optional(graphrt::QueueId(0)));
    }
    IdVector<graphrt::InstructionId, std::unique_ptr<graphrt::Action>> no_actions;
    for (size_t i = 0; i < plan.instructions.size(); ++i) no_actions.push_back(nullptr);
    const graphrt::DividedPlan whole = divide_plan(plan, queue_of, no_actions).value();
    if (whole.queues.empty()) continue;  // all on the host
    const graphrt::DividedQueue& divided = whole.queues[graphrt::QueueId(0)];
    const HappensBefore in_plan(program_with_flags(plan, divided), kHorizon);
    const HappensBefore in_queue = order_of(divided.program);
    for (const graphrt::QueuedPosition& y : divided.program.order) {
      const Position in_plan_y{divided.lane_of[y.lane], y.position};
      const Position in_queue_y{LaneId(y.lane.value()), y.position};
      for (const graphrt::QueuedLaneId lane : divided.program.lanes.ids()) {
        for (int32_t k = 0; k <= kHorizon; ++k) {
          EXPECT_GE(in_queue.prefix(in_queue_y, LaneId(lane.value()), k),
                    in_plan.prefix(in_plan_y, divided.lane_of[lane], k));
        }
      }
    }
    num_through_host += divided.program.signals.empty() ? 0 : 1;
  }
  EXPECT_GT(num_through_host, static_cast<int>(kNumQueuedSeeds) / 4);
}

}  // namespace
}  // namespace graphc

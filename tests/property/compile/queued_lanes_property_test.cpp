#include <gtest/gtest.h>

#include <vector>

#include "runtime/device/device_registry.h"
#include "runtime/engine/queued_lanes.h"
#include "runtime/plan/happens_before.h"
#include "tests/property/compile/random_sessions.h"
#include "tests/unit/runtime/engine/threaded_lane_queue.h"

namespace graphc {
namespace {

using graphrt::DeviceRegistry;
using graphrt::HappensBefore;
using graphrt::LaneInstruction;
using graphrt::LaneProgram;
using graphrt::LaneQueue;
using graphrt::LaunchMode;
using graphrt::Position;
using graphrt::QueueProgram;
using graphrt::Result;
using graphrt::ThreadedLaneQueue;
using Launches = ThreadedLaneQueue::Launches;

constexpr uint32_t kNumQueuedSeeds = 30;
constexpr int64_t kNumQueuedSteps = 9;
constexpr int32_t kHorizon = 12;

/// A plan whose accelerators are emulated, and queued by threads.
class QueuedSession {
 public:
  QueuedSession(const Plan& plan, uint32_t seed, int64_t max_intervals, Launches launches)
      : session_(create(plan, max_intervals, launches)) {
    for (const PlanInput& input : plan.inputs) {
      CHECK(session_.set_input(input.name, random_feed(seed, input.type, 3)).has_value(),
            input.name);
    }
    for (const PlanOutput& output : plan.outputs) {
      if (output.instruction) CHECK(session_.stack_output(output.name).has_value(), output.name);
    }
  }

  Session& session() { return session_; }
  bool has_queue() const { return queue_ != nullptr; }
  int64_t num_replays() const { return has_queue() ? queue_->num_replays() : 0; }

 private:
  Session create(const Plan& plan, int64_t max_intervals, Launches launches) {
    DeviceRegistry registry = graphrt::builtin_devices();
    graphrt::BackEnd back_end = *registry.find("emulated");
    back_end.make_queue = [=, this](QueueProgram program,
                                    LaunchMode) -> Result<std::unique_ptr<LaneQueue>> {
      auto queue = std::make_unique<ThreadedLaneQueue>(std::move(program), max_intervals, launches);
      queue_ = queue.get();
      return queue;
    };
    registry.add("cuda", std::move(back_end));
    auto session = Session::create(plan, ".", SessionOptions(), registry);
    CHECK(session.has_value(), session ? "" : session.error().message);
    return *std::move(session);
  }

  const ThreadedLaneQueue* queue_ = nullptr;  // the session's, if the plan uses an accelerator
  Session session_;
};

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
    program.shared.push_back({});
  }
  return HappensBefore(program, kHorizon);
}

/// The plan's order, and that a flag is given again only after it was set back.
LaneProgram program_with_flags(const Plan& plan, const graphrt::DividedPlan& divided) {
  LaneProgram program = lane_program(plan);
  const auto positions = lane_positions(plan);
  const auto num_slots = static_cast<int32_t>(num_hand_over_slots(divided.queue));
  for (const graphrt::HandOverId id : divided.queue.hand_overs.ids()) {
    const auto producer = positions[divided.ends[id].producer];
    const auto consumer = positions[divided.ends[id].consumer];
    program.lanes[producer.lane][static_cast<size_t>(producer.position)].waits.push_back(
        {consumer.lane, consumer.position + 1, num_slots - divided.queue.hand_overs[id].distance});
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
    IdVector<DeviceId, bool> has_queue;
    for (const graphrt::PlanDevice& device : plan.devices)
      has_queue.push_back(device.kind != "cpu");
    IdVector<graphrt::InstructionId, std::unique_ptr<graphrt::Action>> no_actions;
    for (size_t i = 0; i < plan.instructions.size(); ++i) no_actions.push_back(nullptr);
    const graphrt::DividedPlan divided = divide_plan(plan, has_queue, no_actions).value();
    const HappensBefore in_plan(program_with_flags(plan, divided), kHorizon);
    const HappensBefore in_queue = order_of(divided.queue);
    for (const graphrt::QueuedPosition& y : divided.queue.order) {
      const Position in_plan_y{divided.lane_of[y.lane], y.position};
      const Position in_queue_y{LaneId(y.lane.value()), y.position};
      for (const graphrt::QueuedLaneId lane : divided.queue.lanes.ids()) {
        for (int32_t k = 0; k <= kHorizon; ++k) {
          EXPECT_GE(in_queue.prefix(in_queue_y, LaneId(lane.value()), k),
                    in_plan.prefix(in_plan_y, divided.lane_of[lane], k));
        }
      }
    }
    num_through_host += divided.queue.hand_overs.empty() ? 0 : 1;
  }
  EXPECT_GT(num_through_host, static_cast<int>(kNumQueuedSeeds) / 4);
}

class QueuedLanesThreads : public ::testing::TestWithParam<Launches> {};

INSTANTIATE_TEST_SUITE_P(Launches, QueuedLanesThreads,
                         ::testing::Values(Launches::kIssued, Launches::kReplayed));

// Twice in a row: the second run starts in another phase, with the recordings of the first.
TEST_P(QueuedLanesThreads, AQueueGivesTheBitsOfARunWithoutOne) {
  int num_queued = 0;
  int64_t num_replays = 0;
  for (uint32_t seed = 0; seed < kNumQueuedSeeds; ++seed) {
    const Plan plan = compile_random(seed).plan;
    Session without_queue = open(plan, seed);
    ASSERT_TRUE(without_queue.run(kNumQueuedSteps));
    ASSERT_TRUE(without_queue.run(kNumQueuedSteps));
    const std::vector<Tensor> expected = results_of(without_queue);
    for (const int64_t max_intervals : {1, 3, 1000}) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ", launches of " +
                   std::to_string(max_intervals) + " intervals");
      QueuedSession queued(plan, seed, max_intervals, GetParam());
      ASSERT_TRUE(queued.session().run(kNumQueuedSteps));
      ASSERT_TRUE(queued.session().run(kNumQueuedSteps));
      num_queued += queued.has_queue() ? 1 : 0;
      num_replays += queued.num_replays();
      const std::vector<Tensor> results = results_of(queued.session());
      ASSERT_EQ(results.size(), expected.size());
      for (size_t i = 0; i < results.size(); ++i) EXPECT_EQ(results[i].data, expected[i].data) << i;
    }
  }
  // The sample must contain what it is about.
  EXPECT_GT(num_queued, static_cast<int>(kNumQueuedSeeds));
  if (GetParam() == Launches::kReplayed) {
    EXPECT_GT(num_replays, int64_t{kNumQueuedSeeds});
  }
}

}  // namespace
}  // namespace graphc

#include "runtime/engine/queued_lanes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "runtime/engine/order_through_host.h"
#include "runtime/engine/relays.h"
#include "runtime/proof/verify_plan.h"
#include "tests/unit/runtime/engine/callback_action.h"
#include "tests/unit/runtime/engine/queued_plans.h"
#include "tests/unit/runtime/engine/training_plan.h"

namespace graphrt {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

DividedPlan divide(const Plan& plan) {
  const auto violation = verify_plan(plan);
  EXPECT_FALSE(violation) << violation->message;
  return divide_plan(plan, all_accelerators(plan), idle_actions(plan)).value();
}

/// Of the only queue there is.
const QueueProgram& program_of(const DividedPlan& divided) {
  EXPECT_EQ(divided.queues.size(), 1U);
  return divided.queues[QueueId(0)].program;
}

/// "producer | consumer, to device, 1 later": by who really gives and takes each flag.
std::vector<std::string> signals_of(const Plan& plan, const DividedPlan& divided,
                                    QueueId queue = QueueId(0)) {
  const QueueProgram& program = divided.queues[queue].program;
  IdVector<SignalId, std::string> producers(program.signals.size());
  IdVector<SignalId, std::string> consumers(program.signals.size());
  for (const QueuedLane& lane : program.lanes) {
    for (const QueuedInstruction& item : lane.instructions) {
      for (const SignalId id : item.signals) producers[id] += item.name;
      for (const SignalId id : item.waits_on) consumers[id] += item.name;
    }
  }
  for (const InstructionId id : plan.instructions.ids()) {
    const auto add = [&](const std::vector<QueueSignal>& list, auto& ends) {
      for (const QueueSignal& item : list) {
        if (item.queue == queue) ends[item.id] += plan.instructions[id].name;
      }
    };
    add(divided.host[id].signals, producers);
    add(divided.host[id].waits_on, consumers);
  }
  std::vector<std::string> texts;
  for (const SignalId id : program.signals.ids()) {
    const Signal& signal = program.signals[id];
    const bool is_to_host = signal.direction == SignalDirection::kToHost;
    texts.push_back(producers[id] + " | " + consumers[id] +
                    (is_to_host ? ", to host" : ", to device") + ", " +
                    std::to_string(signal.distance) + " later");
  }
  return texts;
}

/// "waiter: lane count distance" of every wait between two lanes of the queue.
std::vector<std::string> queued_waits_of(const DividedPlan& divided, QueueId queue = QueueId(0)) {
  const QueueProgram& program = divided.queues[queue].program;
  std::vector<std::string> texts;
  for (const QueuedLane& lane : program.lanes) {
    for (const QueuedInstruction& item : lane.instructions) {
      for (const QueuedWait& wait : item.waits) {
        texts.push_back(item.name + ": " + program.lanes[wait.lane].name + " " +
                        std::to_string(wait.count) + " " + std::to_string(wait.distance));
      }
    }
  }
  return texts;
}

template <class IdType, class T>
std::vector<T> items(const IdVector<IdType, T>& table) {
  return {table.begin(), table.end()};
}

std::vector<std::string> order_of(const DividedPlan& divided) {
  std::vector<std::string> names;
  for (const QueuedPosition& at : program_of(divided).order) {
    const QueuedLane& lane = program_of(divided).lanes[at.lane];
    names.push_back(lane.instructions[static_cast<size_t>(at.position)].name);
  }
  return names;
}

TEST(DividePlan, QueuesTheLanesOfAcceleratorsAndTheirLinks) {
  const Plan plan = TrainingPlan::make(Overlap::kPipelined);
  const DividedPlan divided = divide(plan);
  const std::optional<QueueId> queued = QueueId(0);
  EXPECT_THAT(items(divided.queue_of), ElementsAre(std::nullopt, std::nullopt, queued, queued,
                                                   queued, std::nullopt, std::nullopt));
  EXPECT_THAT(items(divided.queues[QueueId(0)].lane_of),
              ElementsAre(LaneId(2), LaneId(3), LaneId(4)));
  ASSERT_EQ(program_of(divided).lanes.size(), 3U);
  const QueuedLane& gpu = program_of(divided).lanes[QueuedLaneId(1)];
  EXPECT_EQ(gpu.name, "gpu0.0");
  EXPECT_EQ(gpu.device, "gpu0");
  ASSERT_EQ(gpu.instructions.size(), 4U);
  EXPECT_EQ(gpu.instructions[2].name, "l");
  EXPECT_EQ(gpu.instructions[2].stage, 1);
  EXPECT_EQ(program_of(divided).max_stage, 1);
  EXPECT_EQ(program_of(divided).num_phases, 2);
}

TEST(DividePlan, TurnsCrossingWaitsIntoSignalsAndKeepsTheOthers) {
  const Plan plan = TrainingPlan::make(Overlap::kSerial);
  const DividedPlan divided = divide(plan);
  EXPECT_THAT(
      signals_of(plan, divided),
      UnorderedElementsAre(
          "xs | xs -> gpu0, to device, 0 later", "xs -> gpu0 | xs, to host, 1 later",
          "w_new | w_new -> gpu0, to device, 0 later", "w_new -> gpu0 | w_new, to host, 1 later",
          "w_new | g -> cpu, to device, 1 later", "g -> cpu | w_new, to host, 0 later",
          "l | l -> cpu, to device, 1 later", "l -> cpu | l, to host, 0 later"));
  EXPECT_THAT(queued_waits_of(divided),
              UnorderedElementsAre("xs -> gpu0: gpu0.0 4 1", "y: cpu->gpu0 1 0", "l: gpu0->cpu 2 1",
                                   "g -> cpu: gpu0.0 4 0",
                                   // By way of w_new, on the host.
                                   "w_new -> gpu0: gpu0->cpu 1 0"));
}

// With two versions of x, its copy may be two intervals behind; what is computed one later waits
// for both copies.
TEST(DividePlan, KeepsTheDistancesOfAPipelinedPlan) {
  const Plan plan = TrainingPlan::make(Overlap::kPipelined);
  const DividedPlan divided = divide(plan);
  EXPECT_THAT(signals_of(plan, divided), ::testing::Contains("xs -> gpu0 | xs, to host, 2 later"));
  EXPECT_THAT(queued_waits_of(divided), ::testing::Contains("y: cpu->gpu0 2 1"));
}

TEST(DividePlan, LeavesEverythingToTheHostWithoutAQueue) {
  const Plan plan = TrainingPlan::make(Overlap::kPipelined);
  const QueueOfDevice none(plan.devices.size(), std::nullopt);
  const DividedPlan divided = divide_plan(plan, none, idle_actions(plan)).value();
  EXPECT_THAT(divided.queues, IsEmpty());
  for (const HostSignals& item : divided.host) {
    EXPECT_TRUE(item.waits_on.empty() && item.signals.empty());
  }
}

TEST(DividePlan, CountsPhasesAsTheLeastCommonMultipleOfVersions) {
  EXPECT_EQ(program_of(divide(through_the_host())).num_phases, 6);
}

TEST(DividePlan, QueuesNoLaneWithoutInstructions) {
  const DividedPlan divided = divide(through_the_host());
  EXPECT_THAT(items(divided.queues[QueueId(0)].lane_of),
              ElementsAre(LaneId(1), LaneId(2), LaneId(4), LaneId(5)));
  EXPECT_EQ(program_of(divided).lanes[QueuedLaneId(0)].name, "gpu1.0");
}

// No wait between queued lanes says that b' comes after a'; b, between them, does.
TEST(DividePlan, OrdersQueuedInstructionsThroughTheHostToo) {
  EXPECT_THAT(order_of(divide(through_the_host())), ElementsAre("a", "a -> cpu", "b -> gpu1", "c"));
}

// Each queue hands over to the host and takes from it, and its own lanes wait for each other as the
// plan says; what is before what by way of the other queue is not forgotten.
TEST(DividePlan, GivesEachBackEndAQueueAndPassesOnWhatTheyWaitFor) {
  const Plan plan = over_two_kinds();
  EXPECT_FALSE(verify_plan(plan)) << verify_plan(plan)->message;
  const QueueOfDevice queue_of = queues_by_kind(plan);
  const std::optional<Plan> relayed = plan_with_relays(plan, queue_of);
  ASSERT_TRUE(relayed);
  const DividedPlan divided = divide_plan(*relayed, queue_of, idle_actions(*relayed)).value();
  ASSERT_EQ(divided.queues.size(), 2U);
  const QueueId gpu(0);
  const QueueId npu(1);
  EXPECT_THAT(items(divided.queues[gpu].lane_of), ElementsAre(LaneId(1), LaneId(2), LaneId(3)));
  EXPECT_THAT(items(divided.queues[npu].lane_of), ElementsAre(LaneId(4), LaneId(5), LaneId(6)));
  EXPECT_THAT(
      signals_of(*relayed, divided, gpu),
      UnorderedElementsAre("x -> gpu0 | x, to host, 1 later", "x | x -> gpu0, to device, 0 later",
                           "d -> npu0 | d -> cpu, to device, 1 later",
                           "d -> cpu | d -> cpu, to host, 0 later"));
  EXPECT_THAT(
      signals_of(*relayed, divided, npu),
      UnorderedElementsAre("d -> cpu | d -> npu0, to device, 0 later",
                           "d -> npu0 | d -> npu0, to host, 0 later",
                           "s | s -> cpu, to device, 1 later", "s -> cpu | s, to host, 0 later"));
  EXPECT_THAT(queued_waits_of(divided, gpu),
              ::testing::IsSupersetOf({"x -> gpu0: gpu0.0 1 1", "d: cpu->gpu0 1 0",
                                       "d: gpu0->cpu 1 1", "d -> cpu: gpu0.0 1 0"}));
  EXPECT_THAT(queued_waits_of(divided, npu),
              ::testing::IsSupersetOf({"d -> npu0: npu0.0 1 1", "s: cpu->npu0 1 0",
                                       "s: npu0->cpu 1 2", "s -> cpu: npu0.0 1 0"}));
}

// A plan that the verifier takes for small can have an order among its queued lanes that reaches
// many more intervals ahead than any of its reads.
TEST(DividePlan, RefusesAnOrderThatTakesTooMuchMemory) {
  const Plan plan = through_the_host();
  DividedPlan divided = divide(plan);
  EXPECT_TRUE(add_order_through_host(plan, divided, kMaxOrderCounters));
  const size_t one_layer = plan.instructions.size() * plan.lanes.size();
  const Result<void> refused = add_order_through_host(plan, divided, one_layer);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kInput);
  EXPECT_EQ(refused.error().message,
            "the plan's 5 instructions on 6 lanes have an order between host and accelerators that "
            "reaches too many steps ahead to be queued");
}

// Where the plan leaves the order open, the predicted start decides, of the interval's own step or
// of an earlier one.
TEST(DividePlan, OrdersUnorderedInstructionsByTheirPredictedStart) {
  PlanBuilder p;
  const DeviceId gpu = p.device("gpu0", "cuda");
  const BufferId k = p.buffer("k", gpu);
  p.constant("k", k);
  const auto add = [&](const std::string& name, int32_t stage) {
    const LaneId lane = p.lane("lane of " + name, LaneKind::kCompute, gpu);
    return p.kernel(lane, name, "relu", {{k}}, p.buffer(name, gpu), stage);
  };
  const InstructionId late = add("late", 0);
  const InstructionId early = add("early", 0);
  const InstructionId earlier_step = add("of an earlier step", 1);
  Plan plan = p.build();
  plan.predicted_interval_ns = 100;
  plan.instructions[late].predicted_start_ns = 50;
  plan.instructions[early].predicted_start_ns = 10;
  plan.instructions[earlier_step].predicted_start_ns = 120;  // 20 after its interval's start
  const DividedPlan divided = divide_plan(plan, all_accelerators(plan), idle_actions(plan)).value();
  EXPECT_THAT(order_of(divided), ElementsAre("early", "of an earlier step", "late"));
}

TEST(DividePlan, OrdersEveryQueuedInstructionOnceAfterAllItWaitsFor) {
  for (const Plan& plan : {TrainingPlan::make(Overlap::kSerial),
                           TrainingPlan::make(Overlap::kPipelined), through_the_host()}) {
    const DividedPlan divided = divide(plan);
    IdVector<QueuedLaneId, int32_t> num_queued(program_of(divided).lanes.size(), 0);
    for (const QueuedPosition& at : program_of(divided).order) {
      EXPECT_EQ(at.position, num_queued[at.lane]++);
      const auto& item =
          program_of(divided).lanes[at.lane].instructions[static_cast<size_t>(at.position)];
      for (const QueuedWait& wait : item.waits) {
        EXPECT_TRUE(wait.distance > 0 || num_queued[wait.lane] >= wait.count) << item.name;
      }
    }
    for (const QueuedLaneId id : program_of(divided).lanes.ids()) {
      EXPECT_EQ(static_cast<size_t>(num_queued[id]),
                program_of(divided).lanes[id].instructions.size());
    }
  }
}

}  // namespace
}  // namespace graphrt

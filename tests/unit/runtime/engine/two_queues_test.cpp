#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/device/cpu_device.h"
#include "runtime/device/device_registry.h"
#include "runtime/engine/engine.h"
#include "runtime/observe/busy_meter.h"
#include "runtime/observe/trace_recorder.h"
#include "runtime/session/session.h"
#include "tests/unit/runtime/engine/callback_action.h"
#include "tests/unit/runtime/engine/queued_plans.h"
#include "tests/unit/runtime/engine/threaded_lane_queue.h"

namespace graphrt {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

using Launches = ThreadedLaneQueue::Launches;

/// An action that only the queue of its own kind can run.
class OwnAction final : public Action {
 public:
  OwnAction(std::string kind, std::unique_ptr<Action> action)
      : kind_(std::move(kind)), action_(std::move(action)) {}
  Result<void> run(int64_t step) override { return action_->run(step); }
  const std::string& kind() const { return kind_; }

 private:
  std::string kind_;
  std::unique_ptr<Action> action_;
};

class CopyInHost final : public Action {
 public:
  explicit CopyInHost(CopyBinding binding) : binding_(std::move(binding)) {}
  Result<void> run(int64_t step) override {
    std::memcpy(binding_.to.at(step), binding_.from.at(step),
                static_cast<size_t>(binding_.to.type.size_bytes()));
    return {};
  }

 private:
  CopyBinding binding_;
};

/// An accelerator of a kind, in the host's memory.
class OwnDevice final : public CpuDevice {
 public:
  OwnDevice(const std::string& name, std::string kind) : CpuDevice(name), kind_(std::move(kind)) {}
  bool is_host() const override { return false; }
  Result<std::unique_ptr<Action>> bind_kernel(const KernelBinding& binding) override {
    TRY(std::unique_ptr<Action> action, CpuDevice::bind_kernel(binding));
    return std::make_unique<OwnAction>(kind_, std::move(action));
  }
  Result<std::unique_ptr<Action>> bind_copy(const CopyBinding& binding) override {
    return std::make_unique<OwnAction>(kind_, std::make_unique<CopyInHost>(binding));
  }

 private:
  std::string kind_;
};

/// Back ends of both kinds, each with a queue that takes its own instructions only.
DeviceRegistry two_back_ends(int64_t max_intervals, Launches launches) {
  DeviceRegistry registry = builtin_devices();
  for (const std::string kind : {"cuda", "npu"}) {
    BackEnd back_end;
    back_end.open = [=](const std::string& name, int32_t) -> Result<std::unique_ptr<Device>> {
      return std::make_unique<OwnDevice>(name, kind);
    };
    back_end.make_queue = [=](QueueProgram program,
                              LaunchMode) -> Result<std::unique_ptr<LaneQueue>> {
      for (const QueuedLane& lane : program.lanes) {
        for (const QueuedInstruction& item : lane.instructions) {
          const auto* own = dynamic_cast<const OwnAction*>(item.action);
          if (own != nullptr && own->kind() == kind) continue;
          return machine_error("the " + kind + " queue cannot run '" + item.name + "'");
        }
      }
      return std::make_unique<ThreadedLaneQueue>(std::move(program), max_intervals, launches);
    };
    registry.add(kind, std::move(back_end));
  }
  return registry;
}

constexpr int64_t kNumRows = int64_t{7} * 64;

/// Element i of 7 values of x is i % 13: sums of a few hundred of them are exact.
Tensor values_of_x() {
  Tensor rows = zeros({ElementType::kF32, {kNumRows}});
  for (size_t i = 0; i < kNumRows; ++i) rows.as<float>()[i] = static_cast<float>(i % 13);
  return rows;
}

/// s of every step: twice the sum of all x so far.
Tensor expected_sums(int64_t num_steps) {
  Tensor sums = zeros({ElementType::kF32, {num_steps, 64}});
  const Tensor x = values_of_x();
  std::vector<float> sum(64, 0);
  for (size_t i = 0; i < static_cast<size_t>(num_steps) * 64; ++i) {
    sum[i % 64] += 2 * x.as<float>()[i % kNumRows];
    sums.as<float>()[i] = sum[i % 64];
  }
  return sums;
}

/// By the largest number of intervals of one launch.
class TwoQueues : public ::testing::TestWithParam<std::pair<int64_t, Launches>> {
 protected:
  static Session open() {
    const auto [max_intervals, launches] = GetParam();
    Result<Session> session = Session::create(over_two_kinds(), "", SessionOptions(),
                                              two_back_ends(max_intervals, launches));
    EXPECT_TRUE(session) << session.error().message;
    EXPECT_TRUE(session->set_input("x", values_of_x()));
    EXPECT_TRUE(session->stack_output("s"));
    return *std::move(session);
  }

  /// Each window with its own steps, which the callback is told.
  static std::unique_ptr<Engine> create(const Plan& plan, const Callback& callback) {
    const LaneQueueFactory make_queue = [max_intervals = GetParam().first](
                                            QueueProgram program,
                                            LaunchMode) -> Result<std::unique_ptr<LaneQueue>> {
      return std::make_unique<ThreadedLaneQueue>(std::move(program), max_intervals,
                                                 Launches::kIssued);
    };
    QueueChoice choice{queues_by_kind(plan), {}};
    for (int i = 0; i < 2; ++i) choice.make_queue.push_back(make_queue);
    auto engine = Engine::create(plan, actions_for(plan, callback), choice);
    EXPECT_TRUE(engine) << engine.error().message;
    return *std::move(engine);
  }
};

INSTANTIATE_TEST_SUITE_P(Intervals, TwoQueues,
                         ::testing::Values(std::pair{1, Launches::kIssued},
                                           std::pair{3, Launches::kIssued},
                                           std::pair{1000, Launches::kIssued},
                                           std::pair{1, Launches::kReplayed},
                                           std::pair{1000, Launches::kReplayed}));

TEST_P(TwoQueues, RunAPlanOverBothBackEnds) {
  constexpr int64_t kNumSteps = 30;
  Session session = open();
  ASSERT_TRUE(session.run(kNumSteps));
  EXPECT_EQ(session.num_finished_steps(), kNumSteps);
  EXPECT_EQ(session.stacked("s").value(), expected_sums(kNumSteps));
  Session in_pieces = open();
  for (const int64_t num_steps : {1, 2, 17, 1, 9}) ASSERT_TRUE(in_pieces.run(num_steps));
  EXPECT_EQ(in_pieces.stacked("s").value(), expected_sums(kNumSteps));
  EXPECT_EQ(in_pieces.state("s").value(), session.state("s").value());
}

// Relays are no part of the plan, and nobody is told of them.
TEST_P(TwoQueues, ShowTheObserverThePlansInstructionsOnly) {
  Session session = open();
  const auto recorder = TraceRecorder::create(session.plan(), 5);
  ASSERT_TRUE(recorder);
  ASSERT_TRUE(session.run(5, {.observer = recorder->get()}));
  EXPECT_THAT((*recorder)->to_json(), HasSubstr("d -> npu0"));
  EXPECT_THAT((*recorder)->to_json(), Not(HasSubstr("passed on")));
  BusyMeter meter(session.plan());
  ASSERT_TRUE(session.run(5, {.observer = &meter}));
  EXPECT_EQ(session.stacked("s").value(), expected_sums(10));
}

TEST_P(TwoQueues, RunsEveryInstructionOnceAStep) {
  const Plan plan = over_two_kinds();
  std::vector<std::atomic<int64_t>> num_run(plan.instructions.size());
  const auto engine = create(plan, [&](InstructionId id, int64_t) -> Result<void> {
    ++num_run[id.index()];
    return {};
  });
  int64_t first = 0;
  for (const int64_t count : {1, 2, 17, 1}) {
    ASSERT_TRUE(engine->run({first, count}, nullptr));
    EXPECT_EQ(engine->num_finished_steps(), count);
    first += count;
  }
  for (const std::atomic<int64_t>& count : num_run) EXPECT_EQ(count, 21);
}

// Whoever fails, a host thread or one of the queues: all end, with that error.
TEST_P(TwoQueues, AllStopWhenAnyActionFails) {
  const Plan plan = over_two_kinds();
  for (const InstructionId failing : plan.instructions.ids()) {
    SCOPED_TRACE(plan.instructions[failing].name);
    const auto engine = create(plan, [&](InstructionId id, int64_t step) -> Result<void> {
      if (id == failing && step == 3) return machine_error("device lost");
      return {};
    });
    const Result<void> result = engine->run({0, 2000}, nullptr);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().message, "device lost");
    EXPECT_FALSE(engine->run({0, 1}, nullptr)) << "must refuse to run on";
  }
}

TEST(TwoBackEnds, ShareNoQueueAndNeedNoneOfIt) {
  const Plan plan = over_two_kinds();
  const auto devices = open_devices(plan.devices, {}, two_back_ends(1, Launches::kIssued)).value();
  EXPECT_EQ(devices.make_queue.size(), 2U);
  EXPECT_EQ(devices.queue_of[DeviceId(0)], std::nullopt);
  EXPECT_EQ(devices.queue_of[DeviceId(1)], QueueId(0));
  EXPECT_EQ(devices.queue_of[DeviceId(2)], QueueId(1));

  SessionOptions options;
  options.launch = LaunchMode::kHost;
  Result<Session> session = Session::create(plan, "", options, two_back_ends(1, Launches::kIssued));
  ASSERT_TRUE(session) << session.error().message;
  ASSERT_TRUE(session->set_input("x", values_of_x()));
  ASSERT_TRUE(session->stack_output("s"));
  ASSERT_TRUE(session->run(30));
  EXPECT_EQ(session->stacked("s").value(), expected_sums(30));
}

}  // namespace
}  // namespace graphrt

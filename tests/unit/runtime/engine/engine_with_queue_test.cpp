#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runtime/device/device_registry.h"
#include "runtime/engine/engine.h"
#include "runtime/session/session.h"
#include "tests/unit/runtime/engine/callback_action.h"
#include "tests/unit/runtime/engine/queued_plans.h"
#include "tests/unit/runtime/engine/threaded_lane_queue.h"
#include "tests/unit/runtime/engine/training_plan.h"

namespace graphrt {
namespace {

using ::testing::ElementsAre;

using Launches = ThreadedLaneQueue::Launches;

/// Starts and finishes of actions in the order in which they happened, on whatever thread.
class ActionLog {
 public:
  struct Event {
    InstructionId instruction;
    int64_t step;
    bool is_start;
  };
  Callback callback() {
    return [this](InstructionId id, int64_t step) -> Result<void> {
      note({id, step, true});
      note({id, step, false});
      return {};
    };
  }
  const std::vector<Event>& events() const { return events_; }

 private:
  void note(Event event) {
    const std::lock_guard lock(mutex_);
    events_.push_back(event);
  }

  std::mutex mutex_;
  std::vector<Event> events_;
};

QueueChoice threaded_queue(const Plan& plan, int64_t max_intervals, Launches launches) {
  return one_queue(
      plan, [=](QueueProgram program, LaunchMode) -> Result<std::unique_ptr<LaneQueue>> {
        return std::make_unique<ThreadedLaneQueue>(std::move(program), max_intervals, launches);
      });
}

/// By the largest number of intervals of one launch.
class EngineWithQueue : public ::testing::TestWithParam<int64_t> {
 protected:
  static std::unique_ptr<Engine> create(const Plan& plan, const Callback& callback) {
    auto engine = Engine::create(plan, actions_for(plan, callback),
                                 threaded_queue(plan, GetParam(), Launches::kIssued));
    EXPECT_TRUE(engine);
    return *std::move(engine);
  }

  /// Opens the plan with accelerators that are emulated, and queued where `launches` says how.
  static Session open(const Plan& plan, std::optional<Launches> launches) {
    DeviceRegistry registry = builtin_devices();
    BackEnd back_end = *registry.find("emulated");
    if (launches)
      back_end.make_queue = threaded_queue(plan, GetParam(), *launches).make_queue[QueueId(0)];
    registry.add("cuda", std::move(back_end));
    Result<Session> session = Session::create(plan, "", SessionOptions(), registry);
    EXPECT_TRUE(session) << session.error().message;
    EXPECT_TRUE(session->set_input("x", training_rows()));
    EXPECT_TRUE(session->stack_output("l"));
    return *std::move(session);
  }

  /// l of every step, z of the last, w at the end.
  static std::vector<Tensor> results_of(const Session& session) {
    return {session.stacked("l").value(), session.last("z").value(), session.state("w").value()};
  }
};

INSTANTIATE_TEST_SUITE_P(Intervals, EngineWithQueue, ::testing::Values(1, 2, 5, 1000));

TEST_P(EngineWithQueue, OrdersEveryReadAfterItsWriteAlsoAcrossRuns) {
  constexpr int64_t kNumSteps = 21;
  for (const Overlap overlap : {Overlap::kSerial, Overlap::kPipelined}) {
    const Plan plan = TrainingPlan::make(overlap);
    ActionLog log;
    const auto engine = create(plan, log.callback());
    int64_t first = 0;
    for (const int64_t count : {1, 2, 17, 1}) {
      ASSERT_TRUE(engine->run({first, count}, nullptr));
      EXPECT_EQ(engine->num_finished_steps(), count);
      first += count;
    }
    std::set<std::pair<InstructionId, int64_t>> finished;
    for (const auto& [id, step, is_start] : log.events()) {
      if (!is_start) {
        EXPECT_TRUE(finished.insert({id, step}).second) << "twice";
        continue;
      }
      for (const Operand& read : plan.instructions[id].reads) {
        const int64_t written = step - read.distance;
        if (written < 0) continue;
        for (const InstructionId producer : read.producers) {
          EXPECT_TRUE(finished.contains({producer, written}))
              << plan.instructions[id].name << " of step " << step;
        }
      }
    }
    EXPECT_EQ(finished.size(), plan.instructions.size() * kNumSteps);
  }
}

// In real memory: what the plan's order does not protect, ThreadSanitizer would see.
TEST_P(EngineWithQueue, GivesTheBitsOfARunWithoutAQueue) {
  for (const Overlap overlap : {Overlap::kSerial, Overlap::kPipelined}) {
    const Plan plan = TrainingPlan::make(overlap);
    Session without_queue = open(plan, std::nullopt);
    ASSERT_TRUE(without_queue.run(41));
    for (const Launches launches : {Launches::kIssued, Launches::kReplayed}) {
      Session queued = open(plan, launches);
      ASSERT_TRUE(queued.run(41));
      EXPECT_EQ(results_of(queued), results_of(without_queue));
      Session in_pieces = open(plan, launches);
      for (const int64_t num_steps : {1, 2, 17, 1, 20}) ASSERT_TRUE(in_pieces.run(num_steps));
      EXPECT_EQ(results_of(in_pieces), results_of(without_queue));
    }
  }
}

// Some flags are not taken before the end of their run: those of signals into later intervals.
TEST_P(EngineWithQueue, RunsPlansWhoseAcceleratorsMeetOnTheHost) {
  const Plan plan = through_the_host();
  std::atomic<int64_t> num_run = 0;
  const auto engine = create(plan, [&](InstructionId, int64_t) -> Result<void> {
    ++num_run;
    return {};
  });
  int64_t first = 0;
  for (const int64_t count : {1, 2, 17, 1}) {
    ASSERT_TRUE(engine->run({first, count}, nullptr));
    first += count;
  }
  EXPECT_EQ(num_run, 21 * static_cast<int64_t>(plan.instructions.size()));
}

TEST_P(EngineWithQueue, RunsAPlanThatIsQueuedAsAWhole) {
  PlanBuilder p;
  const DeviceId gpu = p.device("gpu0", "cuda");
  const BufferId k = p.buffer("k", gpu);
  p.constant("k", k);
  p.kernel(p.lane("gpu0.0", LaneKind::kCompute, gpu), "a", "relu", {{k}}, p.buffer("a", gpu));
  const Plan plan = p.build();
  std::vector<int64_t> steps;
  const auto engine = create(plan, [&](InstructionId, int64_t step) -> Result<void> {
    steps.push_back(step);
    return {};
  });
  ASSERT_TRUE(engine->run({0, 2}, nullptr));
  ASSERT_TRUE(engine->run({2, 3}, nullptr));
  EXPECT_THAT(steps, ElementsAre(0, 1, 2, 3, 4));
  EXPECT_EQ(engine->num_finished_steps(), 3);
}

// Whoever fails, a host thread or the queue, and whoever waits for whom: the run ends with that
// error, and the engine runs no more.
TEST_P(EngineWithQueue, StopsBothHalvesWhenAnyActionFails) {
  for (const Overlap overlap : {Overlap::kSerial, Overlap::kPipelined}) {
    const Plan plan = TrainingPlan::make(overlap);
    for (const InstructionId failing : plan.instructions.ids()) {
      SCOPED_TRACE(plan.instructions[failing].name);
      const auto engine = create(plan, [&](InstructionId id, int64_t step) -> Result<void> {
        if (id == failing && step == 3) return machine_error("device lost");
        return {};
      });
      const Result<void> result = engine->run({0, 5000}, nullptr);
      ASSERT_FALSE(result);
      EXPECT_EQ(result.error().message, "device lost");
      EXPECT_EQ(result.error().kind, ErrorKind::kMachine);
      EXPECT_FALSE(engine->run({0, 1}, nullptr)) << "must refuse to run on";
    }
  }
}

/// Hardware that does nothing but fail.
class LostQueue final : public LaneQueue {
 public:
  LostQueue(const QueueProgram& program, Result<void> prepared)
      : memory_(program.signals.size() * kMinSignalSlots), prepared_(std::move(prepared)) {}

  SignalFlags flags() const override { return flags_; }
  Result<void> prepare(StepRange, bool) override { return prepared_; }
  Result<void> run(const std::atomic<bool>&) override { return machine_error("fell off the bus"); }
  int64_t num_finished_steps() const override { return 0; }
  std::vector<QueuedSpan> spans() const override { return {}; }

 private:
  std::vector<uint32_t> memory_;
  SignalFlags flags_{memory_.data(), kMinSignalSlots};
  Result<void> prepared_;
};

std::unique_ptr<Engine> create_with_lost_queue(const Plan& plan, const Callback& callback,
                                               const Result<void>& prepared) {
  const QueueChoice choice = one_queue(
      plan, [=](const QueueProgram& program, LaunchMode) -> Result<std::unique_ptr<LaneQueue>> {
        return std::make_unique<LostQueue>(program, prepared);
      });
  auto engine = Engine::create(plan, actions_for(plan, callback), choice);
  EXPECT_TRUE(engine);
  return *std::move(engine);
}

TEST(EngineWithLostQueue, StopsItsThreadsAndReportsTheQueuesError) {
  for (const Overlap overlap : {Overlap::kSerial, Overlap::kPipelined}) {
    const Plan plan = TrainingPlan::make(overlap);
    const auto engine = create_with_lost_queue(
        plan, [](InstructionId, int64_t) -> Result<void> { return {}; }, Result<void>());
    const Result<void> result = engine->run({0, 1'000'000}, nullptr);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().message, "fell off the bus");
    EXPECT_FALSE(engine->run({0, 1}, nullptr)) << "must refuse to run on";
  }
}

TEST(EngineWithLostQueue, StartsNothingWhenTheQueueCannotPrepare) {
  const Plan plan = TrainingPlan::make(Overlap::kSerial);
  std::atomic<int64_t> num_run = 0;
  const auto count = [&](InstructionId, int64_t) -> Result<void> {
    ++num_run;
    return {};
  };
  const auto engine = create_with_lost_queue(plan, count, machine_error("cannot be recorded"));
  const Result<void> result = engine->run({0, 5}, nullptr);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "cannot be recorded");
  EXPECT_EQ(num_run, 0);
}

/// Hardware that takes no more launches while the first waits for the host, whether the run is to
/// stop or not.
class FullQueue final : public LaneQueue {
 public:
  explicit FullQueue(const QueueProgram& program)
      : memory_(program.signals.size() * kMinSignalSlots), signals_(program.signals) {}

  SignalFlags flags() const override { return flags_; }
  Result<void> prepare(StepRange, bool) override { return {}; }
  Result<void> run(const std::atomic<bool>&) override {
    for (const SignalId id : signals_.ids()) {
      if (signals_[id].direction == SignalDirection::kToHost) continue;
      for (int64_t slot = 0; slot < kMinSignalSlots; ++slot) {
        while (std::atomic_ref(*flags_.at(id, slot)).load() == 0) std::this_thread::yield();
      }
    }
    return {};
  }
  int64_t num_finished_steps() const override { return 0; }
  std::vector<QueuedSpan> spans() const override { return {}; }

 private:
  std::vector<uint32_t> memory_;
  SignalFlags flags_{memory_.data(), kMinSignalSlots};
  IdVector<SignalId, Signal> signals_;
};

// The thread that launches cannot see that the run is to stop: without help it would never return.
TEST(EngineWithFullQueue, ALaneThatFailsReleasesTheLaunch) {
  const Plan plan = TrainingPlan::make(Overlap::kSerial);
  const QueueChoice choice = one_queue(
      plan, [](const QueueProgram& program, LaunchMode) -> Result<std::unique_ptr<LaneQueue>> {
        return std::make_unique<FullQueue>(program);
      });
  const auto fails = [](InstructionId, int64_t) -> Result<void> {
    return machine_error("device lost");
  };
  const auto engine = Engine::create(plan, actions_for(plan, fails), choice);
  ASSERT_TRUE(engine);
  const Result<void> result = (*engine)->run({0, 1}, nullptr);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "device lost");
}

/// Counts what it is told of host threads and of the queue.
class QueueObserver final : public InstructionObserver {
 public:
  void on_start(LaneId, InstructionId, int64_t) override {}
  void on_finish(LaneId, InstructionId, int64_t) override { ++num_on_host_; }
  bool wants_queued() const override { return true; }
  void on_queued(LaneId lane, InstructionId id, int64_t step,
                 std::chrono::steady_clock::time_point start,
                 std::chrono::steady_clock::time_point end) override {
    EXPECT_LE(start, end);
    queued_[lane].push_back({id, step});
  }

  int64_t num_on_host() const { return num_on_host_; }
  const auto& queued() const { return queued_; }

 private:
  std::atomic<int64_t> num_on_host_ = 0;
  std::map<LaneId, std::vector<std::pair<InstructionId, int64_t>>> queued_;
};

// 4 of the 12 instructions of a step are the host's.
TEST_P(EngineWithQueue, TellsTheObserverWhatEachQueuedLaneDidInOrder) {
  const Plan plan = TrainingPlan::make(Overlap::kPipelined);
  const auto engine = create(plan, [](InstructionId, int64_t) -> Result<void> { return {}; });
  QueueObserver observer;
  ASSERT_TRUE(engine->run({10, 7}, &observer));
  EXPECT_EQ(observer.num_on_host(), 4 * 7);
  ASSERT_EQ(observer.queued().size(), 3U);
  for (const auto& [lane, events] : observer.queued()) {
    std::vector<std::pair<InstructionId, int64_t>> expected;
    for (int64_t interval = 0; interval < 7 + max_stage(plan); ++interval) {
      for (const InstructionId id : plan.lanes[lane].instructions) {
        const int64_t step = interval - plan.instructions[id].stage;
        if (step >= 0 && step < 7) expected.emplace_back(id, 10 + step);
      }
    }
    EXPECT_EQ(events, expected) << plan.lanes[lane].name;
  }
}

}  // namespace
}  // namespace graphrt

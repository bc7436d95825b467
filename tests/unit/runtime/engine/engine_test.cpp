#include "runtime/engine/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <mutex>
#include <set>
#include <tuple>

#include "tests/unit/runtime/engine/block_until_started.h"
#include "tests/unit/runtime/engine/callback_action.h"
#include "tests/unit/runtime/engine/training_plan.h"

namespace graphrt {
namespace {

InstructionId named(const Plan& plan, const std::string& name) {
  for (const InstructionId id : plan.instructions.ids()) {
    if (plan.instructions[id].name == name) return id;
  }
  ADD_FAILURE() << name;
  return InstructionId(0);
}

/// The global order of starts and finishes, as (instruction, step).
class EventLog final : public InstructionObserver {
 public:
  struct Event {
    InstructionId instruction;
    int64_t step;
    bool is_start;
  };
  void on_start(LaneId, InstructionId instruction, int64_t step) override {
    const std::lock_guard lock(mutex_);
    events_.push_back({instruction, step, true});
  }
  void on_finish(LaneId, InstructionId instruction, int64_t step) override {
    const std::lock_guard lock(mutex_);
    events_.push_back({instruction, step, false});
  }
  const std::vector<Event>& events() const { return events_; }

 private:
  std::mutex mutex_;
  std::vector<Event> events_;
};

TEST(Engine, RunsEveryInstructionOnceForEveryStepOfTheRange) {
  for (const Overlap overlap : {Overlap::kSerial, Overlap::kPipelined}) {
    const Plan plan = TrainingPlan::make(overlap);
    auto engine = Engine::create(plan, idle_actions(plan));
    ASSERT_TRUE(engine);
    EventLog log;
    ASSERT_TRUE((*engine)->run({10, 5}, &log));
    std::multiset<std::pair<InstructionId, int64_t>> ran;
    for (const auto& event : log.events()) {
      if (event.is_start) ran.insert({event.instruction, event.step});
    }
    EXPECT_EQ(ran.size(), plan.instructions.size() * 5);
    for (const InstructionId id : plan.instructions.ids()) {
      for (int64_t step = 10; step < 15; ++step) {
        EXPECT_EQ(ran.count({id, step}), 1U) << plan.instructions[id].name << " " << step;
      }
    }
    EXPECT_EQ((*engine)->num_finished_steps(), 5);
  }
}

// Every read must start after the write it names has finished, whatever the threads do; and after
// the run, runs go on with the next steps.
TEST(Engine, OrdersEveryReadAfterItsWriteAlsoAcrossRuns) {
  for (const Overlap overlap : {Overlap::kSerial, Overlap::kPipelined}) {
    const Plan plan = TrainingPlan::make(overlap);
    auto engine = Engine::create(plan, idle_actions(plan));
    ASSERT_TRUE(engine);
    EventLog log;
    ASSERT_TRUE((*engine)->run({0, 50}, &log));
    ASSERT_TRUE((*engine)->run({50, 1}, &log));
    ASSERT_TRUE((*engine)->run({51, 20}, &log));
    std::set<std::pair<InstructionId, int64_t>> finished;
    for (const auto& event : log.events()) {
      if (!event.is_start) {
        finished.insert({event.instruction, event.step});
        continue;
      }
      for (const Operand& read : plan.instructions[event.instruction].reads) {
        const int64_t written = event.step - read.distance;
        if (written < 0) continue;
        for (const InstructionId producer : read.producers) {
          EXPECT_TRUE(finished.contains({producer, written}))
              << plan.instructions[event.instruction].name << " of step " << event.step;
        }
      }
    }
  }
}

// While gpu0 has not even begun step 3, the batch of step 4 is fed, prepared on a CPU worker and
// sent over the link. With a barrier anywhere between the intervals this would wait for ever.
TEST(Engine, HasNoBarrierBetweenSteps) {
  const Plan plan = TrainingPlan::make(Overlap::kPipelined);
  auto engine = Engine::create(plan, idle_actions(plan));
  ASSERT_TRUE(engine);
  BlockUntilStarted observer(
      {named(plan, "y"), 3},
      {{named(plan, "x"), 4}, {named(plan, "xs"), 4}, {named(plan, "xs -> gpu0"), 4}});
  ASSERT_TRUE((*engine)->run({0, 8}, &observer));
  EXPECT_TRUE(observer.were_others_started());
}

// A failure at any instruction must stop all lanes, whoever waits for whom; nothing hangs.
TEST(Engine, StopsAllLanesWhenAnyActionFails) {
  for (const Overlap overlap : {Overlap::kSerial, Overlap::kPipelined}) {
    const Plan plan = TrainingPlan::make(overlap);
    for (const InstructionId failing : plan.instructions.ids()) {
      std::atomic<int64_t> latest_step = 0;
      auto engine = Engine::create(
          plan, actions_for(plan, [&](InstructionId id, int64_t step) -> Result<void> {
            if (step > latest_step) latest_step = step;
            if (id == failing && step == 3) return machine_error("device lost");
            return {};
          }));
      ASSERT_TRUE(engine);
      const Result<void> result = (*engine)->run({0, 1'000'000}, nullptr);
      ASSERT_FALSE(result) << plan.instructions[failing].name;
      EXPECT_EQ(result.error().message, "device lost");
      EXPECT_EQ(result.error().kind, ErrorKind::kMachine);
      // The waits let no lane be more than a few steps ahead of another.
      EXPECT_LE(latest_step, 20);
      EXPECT_FALSE((*engine)->run({0, 1}, nullptr)) << "must refuse to run on";
    }
  }
}

TEST(Engine, ReportsProgressWhileItRuns) {
  const Plan plan = TrainingPlan::make(Overlap::kPipelined);
  Engine* running = nullptr;
  int64_t seen = -1;
  const InstructionId last = named(plan, "l");
  auto engine =
      Engine::create(plan, actions_for(plan, [&](InstructionId id, int64_t step) -> Result<void> {
                       if (id == last && step == 30) seen = running->num_finished_steps();
                       return {};
                     }));
  ASSERT_TRUE(engine);
  running = engine->get();
  ASSERT_TRUE((*engine)->run({0, 40}, nullptr));
  // This instruction has not finished step 30, and the lanes are at most a few steps apart.
  EXPECT_LE(seen, 30);
  EXPECT_GE(seen, 20);
  EXPECT_EQ((*engine)->num_finished_steps(), 40);
}

TEST(Engine, RunsAPlanWithoutInstructions) {
  Plan plan;
  auto engine = Engine::create(plan, {});
  ASSERT_TRUE(engine);
  EXPECT_TRUE((*engine)->run({0, 3}, nullptr));
}

}  // namespace
}  // namespace graphrt

#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <new>
#include <thread>

#include "runtime/engine/engine.h"
#include "runtime/engine/watchdog.h"
#include "tests/unit/runtime/engine/training_plan.h"

namespace graphrt {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;

/// Holds one instruction of one step until it is let go.
class Gate {
 public:
  void pass() {
    std::unique_lock lock(mutex_);
    opened_.wait(lock, [&] { return is_open_; });
  }
  void open() {
    const std::lock_guard lock(mutex_);
    is_open_ = true;
    opened_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable opened_;
  bool is_open_ = false;
};

class GatedAction final : public Action {
 public:
  GatedAction(Gate* gate, int64_t step) : gate_(gate), step_(step) {}
  Result<void> run(int64_t step) override {
    if (gate_ != nullptr && step == step_) gate_->pass();
    return {};
  }

 private:
  Gate* gate_;
  int64_t step_;
};

IdVector<InstructionId, std::unique_ptr<Action>> gated_at(const Plan& plan, const char* name,
                                                          int64_t step, Gate& gate) {
  IdVector<InstructionId, std::unique_ptr<Action>> actions;
  for (const Instruction& instruction : plan.instructions) {
    actions.push_back(
        std::make_unique<GatedAction>(instruction.name == name ? &gate : nullptr, step));
  }
  return actions;
}

// An instruction of step 3 does not end: whoever waits for it is listed, and the run ends as soon
// as the instruction does.
TEST(Engine, EndsARunWithoutProgressAndSaysWhatEveryLaneWaitsFor) {
  for (const Overlap overlap : {Overlap::kSerial, Overlap::kPipelined}) {
    const Plan plan = TrainingPlan::make(overlap);
    Gate gate;
    auto engine = Engine::create(plan, gated_at(plan, "y", 3, gate));
    ASSERT_TRUE(engine);
    std::string table;
    const StallWatch watch{.timeout = std::chrono::milliseconds(100),
                           .on_stall = [&](const std::string& text) {
                             table = text;
                             gate.open();
                           }};
    const auto result = (*engine)->run({0, 1'000'000'000}, nullptr, watch);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::kMachine);
    EXPECT_THAT(result.error().message, HasSubstr("no progress"));
    EXPECT_THAT(table,
                AllOf(HasSubstr("is in 'y' of step 3"),
                      ContainsRegex("cannot start 'g -> cpu' of step 3, which waits for 'g' of "
                                    "step 3 on gpu0")));
    EXPECT_FALSE((*engine)->run({0, 1}, nullptr)) << "must refuse to run on";
  }
}

TEST(Engine, LetsARunWithProgressGoOn) {
  const Plan plan = TrainingPlan::make(Overlap::kPipelined);
  Gate gate;
  gate.open();
  auto engine = Engine::create(plan, gated_at(plan, "y", 3, gate));
  ASSERT_TRUE(engine);
  const StallWatch watch{.timeout = std::chrono::seconds(20),
                         .on_stall = [](const std::string& table) { ADD_FAILURE() << table; }};
  EXPECT_TRUE((*engine)->run({0, 2000}, nullptr, watch));
}

TEST(Watchdog, BarksOnceAndStopsUntilItIsCalledOff) {
  std::atomic<int> num_barks = 0;
  std::atomic<int> num_stops = 0;
  const std::function<void()> bark = [&] { ++num_barks; };
  const auto created = Watchdog::create(
      std::chrono::milliseconds(10), [] { return uint64_t{7}; }, [&] { ++num_stops; });
  ASSERT_TRUE(created);
  Watchdog& watchdog = **created;
  for (int run = 1; run <= 2; ++run) {
    num_stops = 0;
    watchdog.arm(bark);
    while (num_stops < 3) std::this_thread::yield();
    EXPECT_TRUE(watchdog.disarm());
    EXPECT_EQ(num_barks, run);
  }
  const int num_stops_before = num_stops;
  std::this_thread::sleep_for(std::chrono::milliseconds(40));
  EXPECT_EQ(num_stops, num_stops_before);
}

// Whoever is told may throw: the run is ended all the same.
TEST(Watchdog, StopsAlsoWhereBarkingThrows) {
  std::atomic<int> num_stops = 0;
  const std::function<void()> bark = [] { throw std::bad_alloc(); };
  const auto watchdog = Watchdog::create(
      std::chrono::milliseconds(10), [] { return uint64_t{7}; }, [&] { ++num_stops; });
  ASSERT_TRUE(watchdog);
  (*watchdog)->arm(bark);
  while (num_stops < 3) std::this_thread::yield();
  EXPECT_TRUE((*watchdog)->disarm());
}

}  // namespace
}  // namespace graphrt

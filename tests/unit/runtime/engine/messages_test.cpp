// What the engine does with messages, whatever moves them.

#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/engine/engine.h"
#include "tests/unit/runtime/engine/callback_action.h"
#include "tests/unit/runtime/plan/skipped_messages_plan.h"
#include "tests/unit/runtime/session/exchange_plan.h"

namespace graphrt {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;

/// Messages of one host without another: what becomes of them, a test says.
class FakeMessages final : public Messages {
 public:
  struct Log {
    std::vector<std::pair<size_t, std::optional<int64_t>>> started;  // end and step
    bool has_stopped_peers = false;
  };
  /// Every look ends all but the first `num_kept` that are under way, the latest first; after
  /// `num_started` it fails.
  FakeMessages(Log& log, size_t num_kept, size_t num_before_failure = SIZE_MAX)
      : log_(log), num_kept_(num_kept), num_before_failure_(num_before_failure) {}

  Result<void> start(MessageEndId end, std::optional<int64_t> step) override {
    log_.started.emplace_back(end.index(), step);
    under_way_.push_back(end);
    return {};
  }
  Result<std::span<const MessageEndId>> poll() override {
    if (log_.started.size() >= num_before_failure_) return machine_error("the network is gone");
    ended_.clear();
    while (under_way_.size() > num_kept_) {
      ended_.push_back(under_way_.back());
      under_way_.pop_back();
    }
    return std::span<const MessageEndId>(ended_);
  }
  void stop_peers() override { log_.has_stopped_peers = true; }

 private:
  Log& log_;
  size_t num_kept_;
  size_t num_before_failure_;
  std::vector<MessageEndId> under_way_;
  std::vector<MessageEndId> ended_;
};

/// The part of h1, as if h0 were elsewhere.
MessageChoice part_of_h1(const Plan& plan, std::unique_ptr<Messages> messages) {
  MessageChoice choice{
      .host = HostId(1), .messages = std::move(messages), .ends = {}, .titles = {}};
  choice.titles.push_back("h0 (node1)");
  choice.titles.push_back("h1 (node2)");
  for (const LaneId lane : plan.lanes.ids()) {
    if (!is_message_lane(plan.lanes[lane].kind) || host_of(plan, lane) != HostId(1)) continue;
    for (const InstructionId id : plan.lanes[lane].instructions) choice.ends.push_back(id);
  }
  return choice;
}

/// Notes when instructions start and end.
class OrderObserver final : public InstructionObserver {
 public:
  explicit OrderObserver(const Plan& plan) : plan_(plan) {}
  void on_start(LaneId, InstructionId, int64_t) override {}
  void on_finish(LaneId lane, InstructionId id, int64_t step) override {
    if (is_message_lane(plan_.lanes[lane].kind)) ended[lane].emplace_back(step, id);
  }
  std::map<LaneId, std::vector<std::pair<int64_t, InstructionId>>> ended;

 private:
  const Plan& plan_;
};

TEST(MessageLanes, EndInOrderWhateverOrderTheNetworkHas) {
  const Plan plan = ExchangePlan(4, 8, 2).build();
  FakeMessages::Log log;
  auto engine = Engine::create(plan, idle_actions(plan), {},
                               part_of_h1(plan, std::make_unique<FakeMessages>(log, 0)));
  ASSERT_TRUE(engine) << engine.error().message;
  OrderObserver observer(plan);
  ASSERT_TRUE((*engine)->run({0, 50}, &observer));
  ASSERT_TRUE((*engine)->run({50, 25}, &observer));
  EXPECT_EQ((*engine)->num_finished_steps(), 25);
  EXPECT_EQ(log.started.size(), 2U * 4U * 75U);
  EXPECT_EQ(observer.ended.size(), 2U);
  for (const auto& [lane, ended] : observer.ended) {
    EXPECT_EQ(ended.size(), 4U * 75U);
    EXPECT_TRUE(std::is_sorted(ended.begin(), ended.end())) << plan.lanes[lane].name;
  }
  EXPECT_FALSE(log.has_stopped_peers);
}

/// All hosts of a plan whose messages have nothing to move that matters.
MessageChoice all_hosts(const Plan& plan, std::vector<std::byte>& bytes) {
  MessageChoice choice;
  std::vector<MessageEnd> ends;
  int32_t num_pairs = 0;
  for (const LaneId lane : plan.lanes.ids()) {
    if (plan.lanes[lane].kind != LaneKind::kSend) continue;
    const std::vector<InstructionId>& sends = plan.lanes[lane].instructions;
    const std::vector<InstructionId>& receives = plan.lanes[*plan.lanes[lane].peer].instructions;
    for (size_t i = 0; i < sends.size(); ++i, ++num_pairs) {
      for (const bool is_send : {true, false}) {
        OperandSlots slots;
        slots.first = bytes.data() + (is_send ? 0 : bytes.size() / 2);
        slots.type = PlanBuilder::vector_type(static_cast<int64_t>(bytes.size()) / 8);
        ends.push_back({.is_send = is_send, .pair = num_pairs, .slots = slots});
        choice.ends.push_back(is_send ? sends[i] : receives[i]);
      }
    }
  }
  choice.messages = *in_process_transport()->bind(ends, num_pairs);
  return choice;
}

// Only the messages of the interval before step 0, which move nothing, keep y behind x.
TEST(MessageLanes, MeetAlsoWhereTheirStepIsOutsideOfTheRun) {
  const Plan plan = plan_ordered_by_skipped_messages();
  std::atomic<int64_t> num_x = 0;
  std::atomic<int64_t> num_early = 0;
  auto actions = actions_for(plan, [&](InstructionId id, int64_t step) -> Result<void> {
    if (plan.instructions[id].name == "x") {
      std::this_thread::sleep_for(std::chrono::milliseconds(step == 0 ? 50 : 0));
      ++num_x;
    }
    if (plan.instructions[id].name == "y" && num_x <= step) ++num_early;
    return {};
  });
  std::vector<std::byte> bytes(256);
  auto engine = Engine::create(plan, std::move(actions), {}, all_hosts(plan, bytes));
  ASSERT_TRUE(engine) << engine.error().message;
  ASSERT_TRUE((*engine)->run({0, 3}, nullptr));
  EXPECT_EQ(num_x, 3);
  EXPECT_EQ(num_early, 0);
}

TEST(MessageLanes, NothingOfAnotherHostRuns) {
  const Plan plan = ExchangePlan(2, 8, 1).build();
  std::atomic<int> num_foreign = 0;
  const auto positions = lane_positions(plan);
  auto actions = actions_for(plan, [&](InstructionId id, int64_t) -> Result<void> {
    if (host_of(plan, positions[id].lane) != HostId(1)) ++num_foreign;
    return {};
  });
  FakeMessages::Log log;
  auto engine = Engine::create(plan, std::move(actions), {},
                               part_of_h1(plan, std::make_unique<FakeMessages>(log, 0)));
  ASSERT_TRUE(engine);
  ASSERT_TRUE((*engine)->run({0, 10}, nullptr));
  EXPECT_EQ(num_foreign, 0);
}

TEST(MessageLanes, AnErrorOfTheNetworkEndsTheRunAndIsToldToOthers) {
  const Plan plan = ExchangePlan(3, 8, 1).build();
  FakeMessages::Log log;
  auto engine = Engine::create(plan, idle_actions(plan), {},
                               part_of_h1(plan, std::make_unique<FakeMessages>(log, 0, 40)));
  ASSERT_TRUE(engine);
  const auto result = (*engine)->run({0, 1000}, nullptr);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "the network is gone");
  EXPECT_TRUE(log.has_stopped_peers);
  EXPECT_TRUE((*engine)->has_failed());
  EXPECT_FALSE((*engine)->run({1000, 1}, nullptr));
}

TEST(MessageLanes, AnActionThatFailsStopsThemAndOthers) {
  const Plan plan = ExchangePlan(3, 8, 1).build();
  auto actions = actions_for(plan, [&](InstructionId, int64_t step) -> Result<void> {
    if (step == 7) return machine_error("no more");
    return {};
  });
  FakeMessages::Log log;
  auto engine = Engine::create(plan, std::move(actions), {},
                               part_of_h1(plan, std::make_unique<FakeMessages>(log, 0)));
  ASSERT_TRUE(engine);
  const auto result = (*engine)->run({0, 1000}, nullptr);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "no more");
  EXPECT_TRUE(log.has_stopped_peers);
}

TEST(MessageLanes, AStallNamesHostLaneOperatorAndStep) {
  const Plan plan = ExchangePlan(2, 8, 1).build();
  FakeMessages::Log log;
  auto engine = Engine::create(plan, idle_actions(plan), {},
                               part_of_h1(plan, std::make_unique<FakeMessages>(log, 2)));
  ASSERT_TRUE(engine);
  std::string table;
  const StallWatch watch{.timeout = std::chrono::milliseconds(200),
                         .on_stall = [&](const std::string& text) { table = text; }};
  const auto result = (*engine)->run({5, 100}, nullptr, watch);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, HasSubstr("no progress"));
  EXPECT_THAT(table, ContainsRegex("h1 from h0: cannot receive 'g0.0' of step 5: host h0 .node1. "
                                   "has not sent it"));
  EXPECT_THAT(table, HasSubstr("h1/cpu.worker: has done 'g1.1' of step 5, cannot start 'u1.0'"));
  EXPECT_TRUE(log.has_stopped_peers);
}

TEST(MessageLanes, AStallIsFoundSoonWhereTheProcessIsToEnd) {
  const Plan plan = ExchangePlan(1, 8, 1).build();
  FakeMessages::Log log;
  auto engine = Engine::create(plan, idle_actions(plan), {},
                               part_of_h1(plan, std::make_unique<FakeMessages>(log, 2)));
  ASSERT_TRUE(engine);
  const StallWatch watch{
      .timeout = std::chrono::hours(1), .on_stall = {}, .is_urgent = [] { return true; }};
  const auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE((*engine)->run({0, 100}, nullptr, watch));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::minutes(5));
}

}  // namespace
}  // namespace graphrt

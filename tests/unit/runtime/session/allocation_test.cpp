#include <gmock/gmock.h>

#include <chrono>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include "runtime/session/session.h"
#include "tests/unit/runtime/engine/training_plan.h"
#include "tests/unit/runtime/session/allocations.h"
#include "tests/unit/runtime/session/exchange_plan.h"

namespace graphrt {
namespace {

/// Notes how many allocations there were when two steps were reached.
class AllocationProbe final : public InstructionObserver {
 public:
  AllocationProbe(InstructionId where, int64_t from_step, int64_t to_step)
      : where_(where), from_step_(from_step), to_step_(to_step) {}

  void on_start(LaneId, InstructionId instruction, int64_t step) override {
    if (instruction != where_) return;
    if (step == from_step_) at_from_ = num_allocations();
    if (step == to_step_) at_to_ = num_allocations();
  }
  void on_finish(LaneId, InstructionId, int64_t) override {}

  int64_t num_between() const { return at_to_ - at_from_; }

 private:
  InstructionId where_;
  int64_t from_step_;
  int64_t to_step_;
  int64_t at_from_ = -1;
  int64_t at_to_ = -2;
};

void expect_no_allocation(Overlap overlap, const RowOrder& order) {
  auto session = Session::create(TrainingPlan::make(overlap), "", emulated(), builtin_devices());
  ASSERT_TRUE(session) << session.error().message;
  ASSERT_TRUE(session->set_input("x", training_rows()));
  ASSERT_TRUE(session->stack_output("l"));
  ASSERT_TRUE(session->set_row_order(order));
  AllocationProbe probe(InstructionId(0), 10, 1990);
  const int64_t before = num_allocations();
  ASSERT_TRUE(session->run(2000, {.mode = RunMode::kPipelined, .observer = &probe}));
  EXPECT_EQ(probe.num_between(), 0);
  EXPECT_GT(num_allocations(), before) << "the stack of outputs is allocated: the counter works";
}

TEST(StepLoop, AllocatesNothing) {
  for (const Overlap overlap : {Overlap::kSerial, Overlap::kPipelined}) {
    expect_no_allocation(overlap, RowOrder());
    expect_no_allocation(overlap, RowOrder::shuffled(1));
  }
}

TEST(StepLoop, AllocatesNothingForMessages) {
  auto session = Session::create(ExchangePlan(5, 64, 2).build(), "", emulated(), builtin_devices());
  ASSERT_TRUE(session) << session.error().message;
  AllocationProbe probe(InstructionId(0), 10, 1990);
  ASSERT_TRUE(session->run(2000, {.mode = RunMode::kPipelined, .observer = &probe}));
  EXPECT_EQ(probe.num_between(), 0);
}

/// What a program does with a session, up to the error that ends it. What it is given was made
/// beforehand: only the library takes memory.
Result<void> use_a_session(Plan plan, Tensor rows, InstructionObserver& observer) {
  TRY(Session session, Session::create(std::move(plan), {}, emulated(), builtin_devices()));
  TRY(session.set_input("x", std::move(rows)));
  TRY(session.stack_output("l"));
  TRY(session.run(
      5, {.observer = &observer, .watch = {.timeout = std::chrono::hours(1), .on_stall = {}}}));
  TRY(session.stacked("l"));
  TRY(session.start_at(2));
  return session.run(3);
}

/// Takes memory on the threads of the lanes.
class AllocatingObserver final : public InstructionObserver {
 public:
  void on_start(LaneId, InstructionId, int64_t step) override {
    EXPECT_EQ(std::string(100, 'a').size() + static_cast<size_t>(step), 100U + step);
  }
  void on_finish(LaneId, InstructionId, int64_t) override {}
};

// Memory that runs out at any allocation, on whatever thread, is an error; nothing ends, nothing
// hangs.
TEST(OutOfMemory, IsAnErrorWhereverItHappens) {
  const Plan plan = TrainingPlan::make(Overlap::kPipelined);
  const Tensor rows = training_rows();
  AllocatingObserver observer;
  bool has_all = false;
  int64_t num_failed = 0;
  // The first of a run are the plan's reading; later on every one differs from the one before.
  for (int64_t left = 0; !has_all; left += 1 + left / 64) {
    Plan copy = plan;
    Tensor copied_rows = rows;
    std::optional<Result<void>> result;
    {
      const FailingAllocations failing(left);
      try {
        result.emplace(use_a_session(std::move(copy), std::move(copied_rows), observer));
      } catch (const std::bad_alloc&) {
        continue;  // by the test itself
      }
    }
    has_all = result->has_value();
    if (has_all) break;
    ++num_failed;
    EXPECT_EQ(result->error().kind, ErrorKind::kMachine) << result->error().message;
    EXPECT_THAT(result->error().message, ::testing::HasSubstr("memory")) << left;
  }
  EXPECT_GT(num_failed, 50);
}

}  // namespace
}  // namespace graphrt

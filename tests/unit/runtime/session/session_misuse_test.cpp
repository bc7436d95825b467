// What a program may do wrong with a session: it gets an error, or what it asked for.

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <limits>
#include <new>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>

#include "runtime/base/npy.h"
#include "runtime/base/safetensors.h"
#include "runtime/observe/busy_meter.h"
#include "runtime/observe/reference_check.h"
#include "runtime/observe/trace_recorder.h"
#include "runtime/session/checkpoint.h"
#include "runtime/session/session.h"
#include "tests/unit/runtime/engine/block_until_started.h"
#include "tests/unit/runtime/engine/training_plan.h"

namespace graphrt {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

Session fed_session(Overlap overlap = Overlap::kPipelined) {
  auto session = Session::create(TrainingPlan::make(overlap), "", emulated(), builtin_devices());
  EXPECT_TRUE(session) << session.error().message;
  EXPECT_TRUE(session->set_input("x", training_rows()));
  EXPECT_TRUE(session->stack_output("l"));
  return *std::move(session);
}

template <class T>
std::string message_of(const Result<T>& result) {
  return result ? "no error" : result.error().message;
}

TEST(SessionMisuse, NumbersOfStepsStayFarFromOverflow) {
  Session session = fed_session();
  for (const int64_t count :
       {int64_t{-1}, std::numeric_limits<int64_t>::min(), kMax, kMax - 1, kMaxRunSteps + 1}) {
    EXPECT_FALSE(session.run(count)) << count;
    EXPECT_FALSE(session.reserve_outputs(count)) << count;
  }
  for (const int64_t step :
       {int64_t{-1}, std::numeric_limits<int64_t>::min(), kMax, kMax - 1, kMaxStep + 1}) {
    EXPECT_FALSE(session.start_at(step)) << step;
  }
  EXPECT_EQ(session.next_step(), 0);
  ASSERT_TRUE(session.start_at(kMaxStep - 3));
  EXPECT_FALSE(session.run(4));
  EXPECT_TRUE(session.run(3));
  EXPECT_EQ(session.next_step(), kMaxStep);
  EXPECT_FALSE(session.run(1));
  for (const StepRange& steps : {StepRange{kMax, kMax}, StepRange{-1, 2}, StepRange{0, -1},
                                 StepRange{std::numeric_limits<int64_t>::min(), kMax}}) {
    EXPECT_FALSE(session.stacked("l", steps));
  }
}

// The rows of the last steps are those that the reference takes, too.
TEST(SessionMisuse, TheRowsOfFarStepsAreExact) {
  Session session = fed_session();
  ASSERT_TRUE(session.set_row_order(RowOrder::shuffled(3)));
  ASSERT_TRUE(session.start_at(kMaxStep - 4));
  const auto check = ReferenceCheck::begin(session);
  ASSERT_TRUE(check);
  EXPECT_FALSE(check->finish(session)) << "no step has run";
  ASSERT_TRUE(session.run(4));
  EXPECT_EQ(message_of(check->finish(session)), "no error");
}

TEST(SessionMisuse, TensorsHaveTheBytesOfTheirTypes) {
  Session session = fed_session();
  Tensor w = *session.state("w");
  Tensor rows = training_rows();
  for (const size_t size : {size_t{0}, size_t{4}, w.data.size() - 1, w.data.size() + 1}) {
    Tensor bad = w;
    bad.data.resize(size);
    EXPECT_THAT(message_of(session.set_state("w", bad)), HasSubstr("takes 48 bytes"));
    EXPECT_FALSE(write_npy("unwritten.npy", bad));
    EXPECT_FALSE(write_safetensors("unwritten.safetensors", {{{"w", bad}}, {}}));
  }
  for (const size_t size : {size_t{0}, size_t{4}, rows.data.size() - 1, rows.data.size() + 1}) {
    Tensor bad = rows;
    bad.data.resize(size);
    EXPECT_THAT(message_of(session.set_input("x", bad)), HasSubstr("takes 160 bytes"));
  }
  for (const Shape& shape : {Shape{kMax, 4}, Shape{-2, 4}, Shape{0, 4}, Shape{kMax, kMax, kMax},
                             Shape(100, 1), Shape{int64_t{1} << 62, 4}}) {
    EXPECT_FALSE(session.set_input("x", {{ElementType::kF32, shape}, {}}));
    EXPECT_FALSE(session.set_state("w", {{ElementType::kF32, shape}, {}}));
    EXPECT_FALSE(write_npy("unwritten.npy", {{ElementType::kF32, shape}, {}}));
  }
  EXPECT_FALSE(std::filesystem::exists("unwritten.npy"));
  EXPECT_FALSE(std::filesystem::exists("unwritten.safetensors"));
  EXPECT_FALSE(session.set_state("w", {{ElementType::kI32, w.type.shape}, w.data}));
  EXPECT_FALSE(session.set_input("", rows));
  EXPECT_FALSE(session.state({}));
  EXPECT_EQ(*session.state("w"), w);
  EXPECT_TRUE(session.run(2));
}

// A stack goes on where it can, and is given up where it would have a hole or a step before its
// first: nothing is written before its beginning, and nothing read that no step gave.
TEST(SessionMisuse, StacksHaveNoHoles) {
  Session session = fed_session();
  ASSERT_TRUE(session.run(6));
  ASSERT_TRUE(session.start_at(4));
  ASSERT_TRUE(session.run(2));
  EXPECT_EQ(session.stacked("l")->type.shape, Shape{6});
  ASSERT_TRUE(session.start_at(9));
  ASSERT_TRUE(session.run(1));
  EXPECT_FALSE(session.stacked("l"));
  EXPECT_FALSE(session.stacked("l", {6, 2}));
  EXPECT_TRUE(session.last("l"));
  ASSERT_TRUE(session.stack_output("l"));
  ASSERT_TRUE(session.run(2));
  ASSERT_TRUE(session.start_at(0));
  ASSERT_TRUE(session.run(5));
  EXPECT_FALSE(session.stacked("l"));
}

#ifndef __clang_analyzer__  // which is right: this uses what was moved away
TEST(SessionMisuse, ASessionThatWasMovedAwayHasNothing) {
  Session session = fed_session();
  Session other = std::move(session);
  // NOLINTBEGIN(bugprone-use-after-move): that is the point
  EXPECT_THAT(message_of(session.run(1)), HasSubstr("moved away"));
  EXPECT_FALSE(session.set_input("x", training_rows()));
  EXPECT_FALSE(session.state("w"));
  EXPECT_FALSE(session.last("l"));
  EXPECT_FALSE(session.start_at(0));
  EXPECT_FALSE(session.feed_rows());
  EXPECT_FALSE(session.save_state("unwritten.safetensors"));
  EXPECT_FALSE(write_checkpoint(session, "unwritten.safetensors"));
  EXPECT_FALSE(std::filesystem::exists("unwritten.safetensors"));
  EXPECT_TRUE(session.plan().inputs.empty());
  EXPECT_TRUE(session.notes().empty());
  EXPECT_EQ(session.num_finished_steps(), 0);
  EXPECT_EQ(session.next_step(), 0);
  EXPECT_EQ(session.input_array("x"), nullptr);
  session = fed_session();
  // NOLINTEND(bugprone-use-after-move)
  EXPECT_TRUE(session.run(1));
  EXPECT_TRUE(other.run(1));
}
#endif

/// Calls back once, in the first instruction of step 3.
class CallingObserver final : public InstructionObserver {
 public:
  explicit CallingObserver(std::function<void()> call) : call_(std::move(call)) {}
  void on_start(LaneId lane, InstructionId, int64_t step) override {
    if (lane == LaneId(0) && step == 3) call_();
  }
  void on_finish(LaneId, InstructionId, int64_t) override {}

 private:
  std::function<void()> call_;
};

TEST(SessionMisuse, OneCallGoesOnAtATime) {
  Session session = fed_session();
  CallingObserver observer([&] {
    EXPECT_THAT(message_of(session.run(1)), HasSubstr("another call"));
    EXPECT_FALSE(session.set_input("x", training_rows()));
    EXPECT_FALSE(session.set_state("w", zeros({ElementType::kF32, {4, 3}})));
    EXPECT_FALSE(session.set_row_order({}));
    EXPECT_FALSE(session.state("w"));
    EXPECT_FALSE(session.last("l"));
    EXPECT_EQ(session.input_array("x"), nullptr);
    EXPECT_LE(session.num_finished_steps(), 3);
    EXPECT_EQ(session.next_step(), 0);
  });
  ASSERT_TRUE(session.run(8, {.observer = &observer}));
  EXPECT_TRUE(session.state("w"));
}

TEST(SessionMisuse, WhatAnObserverThrowsIsAnErrorOfTheRun) {
  const std::vector<std::pair<std::function<void()>, std::string>> throwing = {
      {[] { throw std::runtime_error("no more"); }, "no more"},
      {[] { throw std::bad_alloc(); }, "out of memory"},
      {[] { throw 7; }, "exception"}};
  for (const auto& [call, message] : throwing) {
    Session session = fed_session();
    CallingObserver observer(call);
    const auto result = session.run(8, {.observer = &observer});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::kMachine);
    EXPECT_THAT(result.error().message, HasSubstr(message));
    // What is left is of no step.
    EXPECT_THAT(message_of(session.run(1)), HasSubstr("load it again"));
    EXPECT_FALSE(session.state("w"));
    EXPECT_FALSE(session.last("l"));
    EXPECT_FALSE(session.stacked("l"));
    EXPECT_FALSE(session.start_at(0));
    EXPECT_FALSE(write_checkpoint(session, "unwritten.safetensors"));
  }
}

TEST(SessionMisuse, ARecorderForFewerStepsRecordsThose) {
  Session session = fed_session(Overlap::kSerial);
  EXPECT_FALSE(TraceRecorder::create(session.plan(), -1));
  const auto recorder = TraceRecorder::create(session.plan(), 2);
  ASSERT_TRUE(recorder);
  EXPECT_TRUE(session.run(5, {.observer = recorder->get()}));
  EXPECT_THAT((*recorder)->to_json(), HasSubstr("\"step\": 1"));
  EXPECT_THAT((*recorder)->to_json(), ::testing::Not(HasSubstr("\"step\": 2")));
}

TEST(SessionMisuse, TheLongestTimeoutIsOne) {
  Session session = fed_session();
  EXPECT_TRUE(
      session.run(3, {.watch = {.timeout = std::chrono::milliseconds::max(), .on_stall = {}}}));
  EXPECT_TRUE(
      session.run(3, {.watch = {.timeout = std::chrono::milliseconds::min(), .on_stall = {}}}));
}

/// The exit code of a child that does this; negative for a signal.
template <class Work>
int code_of_child(Work work) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);
    ::_exit(work());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST(SessionMisuse, AForkLeavesTheSessionWithTheParent) {
  Session session = fed_session();
  ASSERT_TRUE(session.run(2));
  const std::string message = "the process has forked";
  EXPECT_EQ(code_of_child([&] {
              const auto result = session.run(5);
              return !result && result.error().message.starts_with(message) &&
                             !session.state("w") && !session.set_input("x", training_rows()) &&
                             session.next_step() == 2
                         ? 0
                         : 1;
            }),
            0);
  EXPECT_EQ(code_of_child([&] {
              const Session mine = std::move(session);
              return 0;
            }),
            0);
#if !defined(__SANITIZE_THREAD__)  // which lets no child of threads have threads
  EXPECT_EQ(code_of_child([&] {
              session = fed_session();
              return session.run(3) && session.state("w") ? 0 : 1;
            }),
            0);
#endif
  ASSERT_TRUE(session.run(2));
  Session alone = fed_session();
  ASSERT_TRUE(alone.run(4));
  EXPECT_EQ(*session.state("w"), *alone.state("w"));
}

}  // namespace
}  // namespace graphrt

#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "runtime/observe/reference_check.h"
#include "tests/gpu/gpu_test.h"
#include "tests/property/run/random_sessions.h"

namespace graphc {
namespace {

using graphrt::LaunchMode;

constexpr uint32_t kNumSeeds = 40;
constexpr int64_t kNumSteps = 23;  // with stages and versions: no multiple of any period

/// All accelerators of a plan on the GPUs there are, more than one on each if need be.
SessionOptions on_gpus(const Plan& plan, LaunchMode mode) {
  int num_gpus = 0;
  graphrt::require(cudaGetDeviceCount(&num_gpus));
  SessionOptions options{.devices = {.choice = "cuda", .map = {}}, .launch = mode};
  int32_t next = 0;
  for (const graphrt::PlanDevice& device : plan.devices) {
    if (device.kind != "cpu") options.devices.map[device.name] = next++ % num_gpus;
  }
  return options;
}

std::vector<Tensor> run(const Plan& plan, uint32_t seed, LaunchMode launch, RunMode mode) {
  Session session = open(plan, seed, on_gpus(plan, launch));
  const auto finished = session.run(kNumSteps, {.mode = mode, .observer = nullptr});
  CHECK(finished.has_value(), finished ? "" : finished.error().message);
  return results_of(session);
}

void expect_same_bits(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) EXPECT_EQ(a[i].data, b[i].data) << i;
}

/// As if its steps were long: signals and copies are not kernels then (step_kernels.h).
Plan with_long_steps(Plan plan) {
  plan.predicted_interval_ns = 1'000'000'000;
  return plan;
}

using CudaSession = graphrt::GpuTest;

TEST_F(CudaSession, RandomGraphsEqualTheReferenceExecutor) {
  for (uint32_t seed = 0; seed < kNumSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Plan plan = compile_random(seed).plan;
    Session session = open(plan, seed, on_gpus(plan, LaunchMode::kRecorded));
    const auto check = graphrt::ReferenceCheck::begin(session);
    ASSERT_TRUE(check);
    const auto finished = session.run(kNumSteps);
    ASSERT_TRUE(finished) << finished.error().message;
    const auto report = check->finish(session);
    EXPECT_TRUE(report) << report.error().message;
  }
}

TEST_F(CudaSession, AllLaunchModesGiveTheSameBits) {
  for (uint32_t seed = 0; seed < kNumSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Plan plan = compile_random(seed).plan;
    const auto graph = run(plan, seed, LaunchMode::kRecorded, RunMode::kPipelined);
    expect_same_bits(graph, run(plan, seed, LaunchMode::kOneByOne, RunMode::kPipelined));
    expect_same_bits(graph, run(plan, seed, LaunchMode::kHost, RunMode::kPipelined));
    expect_same_bits(graph, run(plan, seed, LaunchMode::kRecorded, RunMode::kBarrier));
    const Plan long_steps = with_long_steps(plan);
    expect_same_bits(graph, run(long_steps, seed, LaunchMode::kRecorded, RunMode::kPipelined));
    expect_same_bits(graph, run(long_steps, seed, LaunchMode::kOneByOne, RunMode::kPipelined));
  }
}

// Runs of many lengths, one after the other: first, repeated and last launches, and the flags and
// versions that each finds.
TEST_F(CudaSession, ARunInPiecesGivesTheBitsOfOneRun) {
  for (uint32_t seed = 0; seed < kNumSeeds / 4; ++seed) {
    for (const LaunchMode mode : {LaunchMode::kRecorded, LaunchMode::kOneByOne}) {
      SCOPED_TRACE("seed " + std::to_string(seed));
      const Plan plan = compile_random(seed).plan;
      Session whole = open(plan, seed, on_gpus(plan, mode));
      ASSERT_TRUE(whole.run(40));
      Session pieces = open(plan, seed, on_gpus(plan, mode));
      for (const int64_t num_steps : {1, 2, 17, 1, 5, 14}) ASSERT_TRUE(pieces.run(num_steps));
      expect_same_bits(results_of(whole), results_of(pieces));
    }
  }
}

TEST_F(CudaSession, AThousandStepsGiveTheSameBitsEveryTime) {
  constexpr uint32_t kSeed = 3;
  const Plan plan = compile_random(kSeed).plan;
  const auto thousand = [&](LaunchMode launch, RunMode mode) {
    Session session = open(plan, kSeed, on_gpus(plan, launch));
    CHECK(session.run(1000, {.mode = mode, .observer = nullptr}).has_value(), "run");
    return results_of(session);
  };
  const auto first = thousand(LaunchMode::kRecorded, RunMode::kPipelined);
  expect_same_bits(first, thousand(LaunchMode::kRecorded, RunMode::kPipelined));
  expect_same_bits(first, thousand(LaunchMode::kRecorded, RunMode::kBarrier));
  expect_same_bits(first, thousand(LaunchMode::kOneByOne, RunMode::kPipelined));
}

/// Holds the first instruction of the host until the run is told to end.
class HoldOne final : public graphrt::InstructionObserver {
 public:
  void on_start(LaneId, InstructionId, int64_t step) override {
    if (step != 2 || is_held_.exchange(true)) return;
    while (!is_released_.load()) std::this_thread::yield();
  }
  void on_finish(LaneId, InstructionId, int64_t) override {}
  void release() { is_released_.store(true); }

 private:
  std::atomic<bool> is_held_ = false;
  std::atomic<bool> is_released_ = false;
};

// The GPUs wait for a flag that never comes: they are let through, and the process lives on.
TEST_F(CudaSession, ARunThatTheHostDoesNotFeedEndsAndTheNextSessionRuns) {
  for (const LaunchMode mode : {LaunchMode::kRecorded, LaunchMode::kOneByOne}) {
    constexpr uint32_t kSeed = 3;
    const Plan plan = compile_random(kSeed).plan;
    Session session = open(plan, kSeed, on_gpus(plan, mode));
    HoldOne observer;
    std::string table;
    RunOptions options;
    options.observer = &observer;
    options.watch = {.timeout = std::chrono::milliseconds(500),
                     .on_stall = [&](const std::string& text) {
                       table = text;
                       observer.release();
                     }};
    const auto result = session.run(kNumSteps, options);
    ASSERT_FALSE(result);
    EXPECT_EQ(graphrt::exit_code(result.error().kind), 3);
    EXPECT_THAT(table, ::testing::HasSubstr("is in '"));
  }
  const Plan plan = compile_random(4).plan;
  EXPECT_TRUE(open(plan, 4, on_gpus(plan, LaunchMode::kRecorded)).run(kNumSteps));
}

}  // namespace
}  // namespace graphc

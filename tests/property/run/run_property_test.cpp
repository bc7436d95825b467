#include <gtest/gtest.h>

#include <algorithm>

#include "runtime/observe/reference_check.h"
#include "tests/property/run/random_sessions.h"
#include "tests/property/sample.h"

namespace graphc {
namespace {

constexpr uint32_t kNumRunSeeds = 60;
constexpr int64_t kNumRunSteps = 7;
constexpr uint32_t kNumFitRunSeeds = sampled(12U);
constexpr int64_t kNumFitSteps = 5;

std::vector<Tensor> run(const Plan& plan, uint32_t seed, RunMode mode) {
  Session session = open(plan, seed);
  RunOptions options;
  options.mode = mode;
  const auto finished = session.run(kNumRunSteps, options);
  CHECK(finished.has_value(), finished ? "" : finished.error().message);
  return results_of(session);
}

TEST(RunProperty, RandomGraphsEqualTheReferenceExecutor) {
  for (uint32_t seed = 0; seed < kNumRunSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Session session = open(compile_random(seed).plan, seed);
    const auto check = ReferenceCheck::begin(session);
    ASSERT_TRUE(check);
    ASSERT_TRUE(session.run(kNumRunSteps));
    const auto report = check->finish(session);
    EXPECT_TRUE(report) << report.error().message;
  }
}

bool has_joint_launch(const Plan& plan) {
  return std::any_of(plan.instructions.begin(), plan.instructions.end(),
                     [](const auto& instruction) { return instruction.is_joined; });
}

TEST(RunProperty, PipelinedAndBarrierRunsGiveTheSameBits) {
  int num_pipelined = 0;
  int num_joined = 0;
  for (uint32_t seed = 0; seed < kNumRunSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Plan plan = compile_random(seed).plan;
    num_pipelined += max_stage(plan) > 0 ? 1 : 0;
    num_joined += has_joint_launch(plan) ? 1 : 0;
    const auto pipelined = run(plan, seed, RunMode::kPipelined);
    const auto barrier = run(plan, seed, RunMode::kBarrier);
    ASSERT_EQ(pipelined.size(), barrier.size());
    for (size_t i = 0; i < pipelined.size(); ++i) EXPECT_EQ(pipelined[i].data, barrier[i].data);
  }
  // The sample must contain what it is about.
  EXPECT_GT(num_pipelined, static_cast<int>(kNumRunSeeds) / 10);
  EXPECT_GT(num_joined, 2);
}

void expect_right(const Plan& plan, uint32_t seed) {
  Session session = open(plan, seed);
  const auto check = graphrt::ReferenceCheck::begin(session);
  ASSERT_TRUE(check);
  ASSERT_TRUE(session.run(kNumFitSteps));
  const auto report = check->finish(session);
  EXPECT_TRUE(report) << report.error().message;
}

TEST(RunProperty, AKeptLimitIsKeptToTheByteAndTheResultsAreRight) {
  int num_kept = 0;
  int num_traded = 0;
  for (uint32_t seed = 0; seed < kNumFitRunSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const auto [device, bytes] = fullest(compile_random(seed).memory());
    for (const int64_t percent : {90, 70, 50}) {
      const int64_t limit_bytes = bytes * percent / 100;
      const auto compilation = compile_with({{device, limit_bytes}}, seed);
      if (!compilation) {
        EXPECT_EQ(compilation.error().kind, graphrt::ErrorKind::kMachine);
        continue;
      }
      ++num_kept;
      num_traded += compilation->decisions.budget ? 1 : 0;
      int64_t arena_bytes = 0;
      for (const graphrt::PlanArena& arena : compilation->plan.arenas) {
        if (arena.device == device) arena_bytes += arena.size_bytes;
      }
      EXPECT_LE(arena_bytes, limit_bytes);
      expect_right(compilation->plan, seed);
    }
  }
  // The sample must contain what it is about.
  EXPECT_GT(num_kept, static_cast<int>(kNumFitRunSeeds) / 4);
  EXPECT_GT(num_traded, static_cast<int>(kNumFitRunSeeds) / 10);
}

}  // namespace
}  // namespace graphc

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "runtime/engine/reference_check.h"
#include "runtime/plan/verify_plan.h"
#include "tests/property/compile/random_sessions.h"
#include "tests/property/plan/mutate.h"

/// Random graphs, compiled for less memory than they take by themselves.
namespace graphc {
namespace {

constexpr uint32_t kNumFitSeeds = 12;
constexpr int64_t kNumFitSteps = 5;

Result<Compilation> compile_with(const AskedLimits& limits, uint32_t seed,
                                 std::shared_ptr<const SourceFile> decisions = nullptr) {
  const Machine machine = random_machine(seed);
  DiagnosticSink diagnostics;
  CompileOptions options;
  options.block_sizes = random_block_sizes(seed);
  options.memory_limits = limits;
  options.decisions_file = std::move(decisions);
  return compile({random_graph(seed, machine)}, machine, options, diagnostics);
}

/// The device on which the plan takes most, and how much.
std::pair<DeviceId, int64_t> fullest(const MemoryPlan& plan) {
  std::pair<DeviceId, int64_t> result{DeviceId(0), 0};
  for (const PlannedArena& arena : plan.arenas) {
    const int64_t bytes = peak_bytes(plan, arena.device);
    if (bytes > result.second) result = {arena.device, bytes};
  }
  return result;
}

void expect_right(const Plan& plan, uint32_t seed) {
  Session session = open(plan, seed);
  const auto check = graphrt::ReferenceCheck::begin(session);
  ASSERT_TRUE(check);
  ASSERT_TRUE(session.run(kNumFitSteps));
  const auto report = check->finish(session);
  EXPECT_TRUE(report) << report.error().message;
}

TEST(FitProperty, AKeptLimitIsKeptToTheByteAndTheResultsAreRight) {
  int num_kept = 0;
  int num_traded = 0;
  for (uint32_t seed = 0; seed < kNumFitSeeds; ++seed) {
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
  EXPECT_GT(num_kept, static_cast<int>(kNumFitSeeds) / 4);
  EXPECT_GT(num_traded, static_cast<int>(kNumFitSeeds) / 10);
}

// The number that a refusal names is true: with it the graph compiles.
TEST(FitProperty, TheSmallestLimitThatIsNamedWorks) {
  int num_refused = 0;
  for (uint32_t seed = 0; seed < kNumFitSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const auto [device, bytes] = fullest(compile_random(seed).memory());
    const auto refused = compile_with({{device, 1}}, seed);
    if (refused) continue;
    ++num_refused;
    const std::string& message = refused.error().message;
    const size_t at = message.find(" there (");
    ASSERT_NE(at, std::string::npos) << message;
    const int64_t smallest_bytes = std::stoll(message.substr(at + 8));
    EXPECT_LE(smallest_bytes, bytes);
    const auto compilation = compile_with({{device, smallest_bytes}}, seed);
    EXPECT_TRUE(compilation) << message << "\n" << compilation.error().message;
  }
  EXPECT_GT(num_refused, static_cast<int>(kNumFitSeeds) / 2);
}

// Waits that were added for memory are needed, too.
TEST(FitProperty, NoWaitTooManyUnderALimit) {
  size_t num_mutants = 0;
  for (uint32_t seed = 0; seed < kNumFitSeeds; ++seed) {
    const auto [device, bytes] = fullest(compile_random(seed).memory());
    const auto compilation = compile_with({{device, bytes * 80 / 100}}, seed);
    if (!compilation) continue;
    for (const Mutant& mutant : wait_mutants(compilation->plan)) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ": " + mutant.description);
      ++num_mutants;
      EXPECT_TRUE(verify_plan(mutant.plan));
    }
  }
  EXPECT_GT(num_mutants, size_t{5} * kNumFitSeeds);
}

std::shared_ptr<const SourceFile> decisions_of(const Compilation& compilation, uint32_t seed) {
  return std::make_shared<const SourceFile>(SourceFile{
      "random.decisions", print_decisions(compilation.decisions, compilation.lowered,
                                          compilation.plan.fingerprints, random_machine(seed))});
}

// Whatever was decided, its text decides the same: to the byte of the plan, and of the text.
TEST(FitProperty, DecisionsSurviveTheirText) {
  int num_traded = 0;
  for (uint32_t seed = 0; seed < 3 * kNumFitSeeds; ++seed) {
    const auto [device, bytes] = fullest(compile_random(seed).memory());
    for (const int64_t percent : {100, 70}) {
      const AskedLimits limits = {{device, bytes * percent / 100}};
      const auto given = compile_with(limits, seed);
      if (!given) continue;
      num_traded += given->decisions.budget ? 1 : 0;
      const auto text = decisions_of(*given, seed);
      SCOPED_TRACE("seed " + std::to_string(seed) + "\n" + text->text);
      const auto again = compile_with(limits, seed, text);
      ASSERT_TRUE(again);
      EXPECT_EQ(again->plan, given->plan);
      EXPECT_EQ(decisions_of(*again, seed)->text, text->text);
    }
  }
  EXPECT_GT(num_traded, 5);
}

}  // namespace
}  // namespace graphc

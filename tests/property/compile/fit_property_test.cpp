#include <gtest/gtest.h>

#include <memory>

#include "runtime/proof/verify_plan.h"
#include "tests/property/compile/random_compilations.h"
#include "tests/property/plan/mutate.h"
#include "tests/property/sample.h"

/// Random graphs, compiled for less memory than they take by themselves.
namespace graphc {
namespace {

constexpr uint32_t kNumFitSeeds = sampled(12U);

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
  EXPECT_GE(num_traded, static_cast<int>(kNumFitSeeds) / 2);
}

}  // namespace
}  // namespace graphc

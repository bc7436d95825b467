#include <gtest/gtest.h>

#include <tuple>

#include "runtime/plan/plan_file.h"
#include "runtime/proof/verify_plan.h"
#include "tests/property/compile/random_compilations.h"
#include "tests/property/plan/mutate.h"
#include "tests/property/sample.h"

namespace graphc {
namespace {

constexpr uint32_t kNumCompileSeeds = sampled(60U);

TEST(CompileProperty, EveryWaitIsNeededAndItsLossIsNoticed) {
  size_t num_mutants = 0;
  for (uint32_t seed = 0; seed < kNumCompileSeeds; ++seed) {
    const Plan plan = compile_random(seed).plan;
    for (const Mutant& mutant : wait_mutants(plan)) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ": " + mutant.description);
      ++num_mutants;
      const auto violation = verify_plan(mutant.plan);
      ASSERT_TRUE(violation);
      EXPECT_TRUE(violation->first && violation->second) << violation->message;
    }
  }
  EXPECT_GT(num_mutants, sampled(size_t{1000}));
}

TEST(CompileProperty, PlansSurviveTheirFile) {
  for (uint32_t seed = 0; seed < kNumCompileSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Plan plan = compile_random(seed).plan;
    const auto bytes = encode_plan(plan);
    const auto decoded = decode_plan(bytes);
    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(*decoded, plan);
    EXPECT_EQ(bytes, encode_plan(compile_anew(seed).plan));
  }
}

TEST(CompileProperty, NoScheduleBeatsItsBound) {
  for (uint32_t seed = 0; seed < kNumCompileSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Compilation compilation = compile_random(seed);
    EXPECT_LE(compilation.bound.interval_ns, compilation.synchronised().interval_ns);
    EXPECT_LE(compilation.schedule().bound.interval_ns, compilation.synchronised().interval_ns);
  }
}

// Nobody with the fewest syncs of the host has a shorter interval than the chosen placement, and whoever
// else has one does not gain 4 us for each further sync.
TEST(CompileProperty, NoPlacementCandidateIsBetterThanTheChosenOne) {
  for (uint32_t seed = 0; seed < kNumCompileSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Placement placement = compile_random(seed).placement;
    const Score& chosen = *placement.chosen.score;
    Score fewest = chosen;
    for (const PlacementCandidate& candidate : placement.candidates) {
      if (!candidate.score) continue;
      EXPECT_LE(chosen.excess_bytes, candidate.score->excess_bytes) << candidate.name;
      const auto key = [](const Score& score) {
        return std::tuple(score.excess_bytes, score.num_host_syncs, score.interval_ns);
      };
      if (key(*candidate.score) < key(fewest)) fewest = *candidate.score;
    }
    EXPECT_LE(chosen.interval_ns, fewest.interval_ns);
    for (const PlacementCandidate& candidate : placement.candidates) {
      if (!candidate.score || candidate.score->excess_bytes > chosen.excess_bytes) continue;
      if (candidate.score->interval_ns >= chosen.interval_ns) continue;
      const int64_t num_more = candidate.score->num_host_syncs - fewest.num_host_syncs;
      EXPECT_LE(fewest.interval_ns - candidate.score->interval_ns, 4000 * num_more)
          << candidate.name;
    }
  }
}

}  // namespace
}  // namespace graphc

#include "compiler/search/fit_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/search/rewrite_candidates.h"
#include "tests/unit/compiler/schedule/levels.h"

namespace graphc {
namespace {

using testing::HasSubstr;

/// Of each value of the ladder.
constexpr int64_t kValueBytes = 256;

/// Six layers forward and back: every layer's input is needed again on the way back, so that all of
/// them are alive in the middle.
///
///   h1 -> h2 -> ... -> h6        8 x 8 f32, kValueBytes each
///   |     |            |
///   g1 <- g2 <- ... <- g6
std::string ladder() {
  constexpr int kNumLayers = 6;
  std::string text = "graph g\nstate %w : f32[8, 8] init zeros\ninput %h0 : f32[8, 8]\n";
  for (int i = 1; i <= kNumLayers; ++i) {
    text +=
        "%h" + std::to_string(i) + " = matmul(%h" + std::to_string(i - 1) + ", %w) device gpu0\n";
  }
  text += "%g" + std::to_string(kNumLayers + 1) + " = relu(%h" + std::to_string(kNumLayers) +
          ") device gpu0\n";
  for (int i = kNumLayers; i >= 1; --i) {
    text += "%g" + std::to_string(i) + " = matmul(%g" + std::to_string(i + 1) + ", %h" +
            std::to_string(i) + ") device gpu0\n";
  }
  return text + "output %g1\n";
}

class Ladder : public testing::Test {
 protected:
  Fit fit_within(int64_t gpu_bytes) const {
    MemoryLimits limits = memory_of(machine_);
    limits[gpu_] = gpu_bytes;
    Evaluator evaluator(graph_, machine_, costs_);
    return fit_memory(evaluator, assignment_, limits);
  }

  int64_t gpu_bytes_of(const Fit& fit) const { return peak_bytes(fit.synchronised.memory, gpu_); }

  const Machine machine_ = star_machine();
  const CostModel costs_{machine_};
  const DeviceId gpu_ = *machine_.find_device("gpu0");
  const Graph graph_ = graph_of(ladder());
  const Assignment assignment_{graph_.nodes.size(), gpu_};
  const PlacedGraph placed_ = placed_of(graph_, machine_);
};

TEST_F(Ladder, NothingIsGivenUpWhereThereIsRoom) {
  const Fit fit = fit_within(1 << 20);
  EXPECT_TRUE(fit.fits());
  EXPECT_FALSE(fit.decisions.budget);
  EXPECT_TRUE(fit.decisions.rewrites.empty());
}

// w, h1 to h6 and what is being made need 8 times 256 bytes as they are; with 6 times, activations
// have to go and come back.
TEST_F(Ladder, ActivationsAreNotKeptWhereThereIsNone) {
  const int64_t roomy_bytes = gpu_bytes_of(fit_within(1 << 20));
  ASSERT_GE(roomy_bytes, 8 * kValueBytes);
  const Fit fit = fit_within(6 * kValueBytes);
  EXPECT_TRUE(fit.fits());
  EXPECT_LE(gpu_bytes_of(fit), 6 * kValueBytes);
  EXPECT_FALSE(fit.decisions.rewrites.empty());
  EXPECT_EQ(verify_memory_plan(fit.synchronised.memory), std::nullopt);
  EXPECT_EQ(verify_synchronised(fit.synchronised), std::nullopt);
  EXPECT_THAT(describe_memory(fit.decisions, placed_, machine_),
              HasSubstr("steps one after the other, h"));
}

TEST_F(Ladder, LessMemoryIsNeverFaster) {
  int64_t last_ns = 0;
  for (const int64_t buffers : {64, 8, 7, 6}) {
    const Fit fit = fit_within(buffers * kValueBytes);
    if (!fit.fits()) continue;
    EXPECT_GE(fit.score.interval_ns, last_ns) << buffers;
    last_ns = fit.score.interval_ns;
  }
}

TEST_F(Ladder, WhatCannotFitMissesByAsLittleAsWasFound) {
  const Fit fit = fit_within(kValueBytes);
  EXPECT_FALSE(fit.fits());
  EXPECT_LT(gpu_bytes_of(fit), gpu_bytes_of(fit_within(1 << 20)));
  EXPECT_EQ(fit.score.excess_bytes, gpu_bytes_of(fit) - kValueBytes);
}

// At the peak the last layer runs: the first layers' inputs are idle, the operands of the moment
// are not.
TEST_F(Ladder, CandidatesAreIdleAtThePeak) {
  MemoryLimits limits = memory_of(machine_);
  limits[gpu_] = 6 * kValueBytes;
  Evaluator evaluator(graph_, machine_, costs_);
  const Decisions decisions{.assignment = assignment_, .budget = limits};
  const Synchronised lowered = evaluator.lowered(decisions, limits);
  const auto candidates = rewrite_candidates(placed_, lowered.memory->schedule, gpu_, machine_);
  ASSERT_FALSE(candidates.empty());
  for (const MemoryRewrite& rewrite : candidates) {
    EXPECT_EQ(placed_.values[rewrite.value].device, gpu_);
    EXPECT_FALSE(placed_.is_filled_at_load(rewrite.value));
    ASSERT_FALSE(rewrite.readers.empty());
    const PlacedGraph rewritten_graph = apply_rewrites(placed_, {rewrite}, machine_);
    EXPECT_EQ(verify_placed_graph(rewritten_graph, machine_), std::nullopt);
  }
}

}  // namespace
}  // namespace graphc

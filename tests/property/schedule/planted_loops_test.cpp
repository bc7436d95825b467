#include "tests/property/schedule/planted_loops.h"

#include <gtest/gtest.h>

#include <iterator>
#include <span>

#include "compiler/solve/schedule/lane_order.h"
#include "compiler/solve/schedule/lower_bound.h"
#include "compiler/solve/schedule/pipeline_search.h"
#include "runtime/proof/happens_before.h"
#include "runtime/proof/simulate.h"
#include "tests/property/sample.h"
#include "tests/unit/compiler/solve/schedule/problems.h"

namespace graphc {
namespace {

/// What no schedule may be: an edge, for data or for a version, that points back in time or against
/// the order of a lane, or lanes that wait for each other.
void expect_legal(const SchedulingProblem& problem, const SchedulingSolution& solution) {
  EXPECT_EQ(defects_of(problem, solution), "");
  const auto edges = enforced_edges(problem, solution.versions);
  const auto positions = positions_of(solution);
  for (const SchedulingEdge& edge : edges) {
    const int32_t distance =
        edge.distance + solution.tasks[edge.to].stage - solution.tasks[edge.from].stage;
    EXPECT_GE(distance, 0);
    const Position from = positions[edge.from];
    const Position to = positions[edge.to];
    const bool is_in_order = from.lane != to.lane || distance > 0 || from.index < to.index;
    EXPECT_TRUE(is_in_order);
  }
  const LaneProgram program = with_all_waits(problem, solution, edges);
  ASSERT_TRUE(find_deadlock(program).empty());
  EXPECT_EQ(solution.interval_ns, steady_interval_ns(program));
}

/// The mean of interval over optimum.
double mean_ratio(LoopShape shape, uint32_t num_loops) {
  const uint32_t num_seeds = sampled(num_loops);
  double sum = 0;
  for (uint32_t seed = 1; seed <= num_seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed) + ", tightness " + std::to_string(shape.tightness) +
                 ", recurrences " + std::to_string(shape.recurrences));
    shape.seed = seed;
    const PlantedLoop loop = planted_loop(shape);
    EXPECT_LE(interval_bound(loop.problem).interval_ns, loop.interval_ns);
    const SchedulingSolution solution = schedule_pipelined(loop.problem);
    expect_legal(loop.problem, solution);
    EXPECT_GE(solution.interval_ns, loop.interval_ns);
    sum += static_cast<double>(solution.interval_ns) / static_cast<double>(loop.interval_ns);
  }
  return sum / num_seeds;
}

constexpr double kTightness[] = {0.0, 0.5, 1.0};
constexpr double kRecurrences[] = {0.1, 0.25, 0.5};
// Of those for large loops, the tightest where it is only some.
constexpr auto kTightnessOfLarge = std::span(kTightness).last<sampled(std::size(kTightness))>();

// Without a way back stages solve everything: any order reaches the bound.
TEST(PlantedLoops, WithoutRecurrencesTheOptimumIsReached) {
  for (const double tightness : kTightness) {
    const LoopShape shape{.num_groups = 6, .tightness = tightness, .recurrences = 0};
    for (const int tasks_per_lane : {4, 16, 64}) {
      LoopShape sized = shape;
      sized.tasks_per_lane = tasks_per_lane;
      EXPECT_LE(mean_ratio(sized, 2), 1.001) << tasks_per_lane << ", " << tightness;
    }
  }
}

TEST(PlantedLoops, SmallOnesAreSolved) {
  for (const double recurrences : kRecurrences) {
    for (const double tightness : kTightness) {
      const LoopShape shape{
          .num_groups = 6, .tasks_per_lane = 4, .tightness = tightness, .recurrences = recurrences};
      EXPECT_LE(mean_ratio(shape, 5), 1.001) << tightness << ", " << recurrences;
    }
  }
}

// Measured: at most 1.023 in a mean of five, and 1.003 but for one row.
TEST(PlantedLoops, NinetySixTasksComeNearTheOptimum) {
  for (const double recurrences : kRecurrences) {
    for (const double tightness : kTightness) {
      const LoopShape shape{.num_groups = 6,
                            .tasks_per_lane = 16,
                            .tightness = tightness,
                            .recurrences = recurrences};
      EXPECT_LE(mean_ratio(shape, 5), tightness < 1 ? 1.01 : 1.035)
          << tightness << ", " << recurrences;
    }
  }
}

// Measured: at most 1.022.
TEST(PlantedLoops, LanesThatStandInForEachOtherComeNearTheOptimum) {
  for (const double recurrences : kRecurrences) {
    for (const double tightness : kTightness) {
      const LoopShape shape{.num_groups = 3,
                            .lanes_per_group = 4,
                            .tasks_per_lane = 8,
                            .tightness = tightness,
                            .recurrences = recurrences};
      EXPECT_LE(mean_ratio(shape, 3), 1.03) << tightness << ", " << recurrences;
    }
  }
}

// Where 64 tasks on every lane leave each other hardly any slack, a gap remains: measured up to
// 1.18 for these, and 1.007 where edges are loose.
TEST(PlantedLoops, LargeOnesKeepAGapWhereEdgesAreTight) {
  for (const double recurrences : kRecurrences) {
    for (const double tightness : kTightnessOfLarge) {
      const LoopShape shape{.num_groups = 6,
                            .tasks_per_lane = 64,
                            .tightness = tightness,
                            .recurrences = recurrences};
      EXPECT_LE(mean_ratio(shape, 1), tightness > 0 ? 1.2 : 1.01)
          << tightness << ", " << recurrences;
    }
  }
}

}  // namespace
}  // namespace graphc

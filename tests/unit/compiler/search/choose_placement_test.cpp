#include "compiler/search/choose_placement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "compiler/schedule/schedule.h"
#include "compiler/search/heft.h"
#include "tests/unit/compiler/placement/worlds.h"

namespace graphc {
namespace {

using testing::Contains;
using testing::ElementsAre;

using Pins = IdVector<NodeId, std::optional<DeviceId>>;

Pins no_pins(const Graph& graph) { return Pins(graph.nodes.size()); }

/// A full schedule of the assignment, as the compiler scores it.
std::optional<Score> scheduled_score(const Graph& graph, const Machine& machine,
                                     const CostModel& costs, const Assignment& assignment) {
  DiagnosticSink sink;
  const auto placed = insert_copies(graph, assignment, machine, sink);
  if (!placed) return std::nullopt;
  const Schedule schedule = schedule_tasks(find_dependencies(*placed, machine, costs));
  return Score{0, schedule.solution.interval_ns, schedule.solution.latency_ns};
}

Result<Placement> place_compared(const Graph& graph, const Machine& machine, Comparison comparison,
                                 DiagnosticSink& sink) {
  const CostModel costs(machine);
  Evaluator evaluator(graph, machine, costs);
  return choose_placement(evaluator, memory_of(machine), comparison, sink);
}

Result<Placement> place_scheduled(const Graph& graph, const Machine& machine,
                                  DiagnosticSink& sink) {
  return place_compared(graph, machine, Comparison(Effort::kNormal), sink);
}

int count_of(const Placement& placement, ScoreBasis basis) {
  return static_cast<int>(std::count_if(
      placement.candidates.begin(), placement.candidates.end(),
      [&](const PlacementCandidate& candidate) { return candidate.score->basis == basis; }));
}

std::vector<std::string> names_of(const std::vector<PlacementCandidate>& candidates) {
  std::vector<std::string> names;
  for (const PlacementCandidate& candidate : candidates) names.push_back(candidate.name);
  return names;
}

/// What syncs with the host may take, which others need not have.
int64_t allowance_ns(const PlacementCandidate& candidate) {
  return candidate.score->num_host_syncs * kHostSyncNs;
}

TEST(Place, AnUnpinnedGraphIsNeverSlowerThanTheBestSingleDevice) {
  int num_bounds = 0;
  for (unsigned seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Machine machine = random_machine(seed);
    const Graph graph = unpinned(RandomGraph(seed).make());
    if (graph.nodes.empty()) continue;
    DiagnosticSink sink;
    const auto placement = place_scheduled(graph, machine, sink);
    ASSERT_TRUE(placement) << sink.render_all();
    EXPECT_THAT(names_of(placement->candidates),
                ElementsAre("all on cpu", "all on gpu0", "all on node1/gpu0", "heft"));
    ASSERT_TRUE(placement->chosen.score);
    for (const DeviceId device : machine.devices.ids()) {
      const Assignment all(graph.nodes.size(), device);
      const auto score = scheduled_score(graph, machine, CostModel(machine), all);
      ASSERT_TRUE(score);
      const PlacementCandidate& candidate = placement->candidates[device.index()];
      EXPECT_LE(placement->chosen.score->interval_ns, score->interval_ns + allowance_ns(candidate))
          << machine.devices[device].name;
      EXPECT_EQ(candidate.decisions.assignment, all);
      ASSERT_TRUE(candidate.score);
      if (candidate.score->basis == ScoreBasis::kBound) {
        ++num_bounds;
        EXPECT_LE(candidate.score->interval_ns, score->interval_ns);
        EXPECT_GT(candidate.score->interval_ns, placement->chosen.score->interval_ns);
      } else {
        EXPECT_EQ(candidate.score->interval_ns, score->interval_ns);
        EXPECT_EQ(candidate.score->latency_ns, score->latency_ns);
      }
    }
    const PlacementCandidate& last = placement->candidates.back();
    EXPECT_LE(placement->chosen.score->interval_ns, last.score->interval_ns + allowance_ns(last));
  }
  EXPECT_GT(num_bounds, 5);  // what is far too slow is not scheduled
}

// With no tasks left one placement is scheduled all the same, the one with the shortest bound; the
// others are never chosen, however short their bounds are.
TEST(Place, WhatTheEffortDoesNotReachIsNotTried) {
  Comparison none_left(Effort::kNormal);
  none_left.num_tasks_left = 0;
  int num_not_tried = 0;
  for (unsigned seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Graph graph = unpinned(RandomGraph(seed).make());
    if (graph.nodes.empty()) continue;
    DiagnosticSink sink;
    const auto placement = place_compared(graph, random_machine(seed), none_left, sink);
    ASSERT_TRUE(placement) << sink.render_all();
    EXPECT_EQ(count_of(*placement, ScoreBasis::kSchedule), 1);
    EXPECT_EQ(placement->chosen.score->basis, ScoreBasis::kSchedule);
    num_not_tried += count_of(*placement, ScoreBasis::kNotTried);
    for (const PlacementCandidate& candidate : placement->candidates) {
      if (candidate.score->basis == ScoreBasis::kSchedule) continue;
      EXPECT_GE(candidate.score->interval_ns, 0);
    }
  }
  EXPECT_GT(num_not_tried, 20);
}

// Another way to spread the step that is done sooner than any bound here leaves nothing to
// schedule.
TEST(Place, ARivalSavesScheduling) {
  Comparison comparison(Effort::kNormal);
  comparison.best = Score{0, 0, 0, 0};
  int64_t num_bounds = 0;
  for (unsigned seed = 0; seed < 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Graph graph = unpinned(RandomGraph(seed).make());
    if (graph.nodes.empty()) continue;
    DiagnosticSink sink;
    const auto placement = place_compared(graph, random_machine(seed), comparison, sink);
    ASSERT_TRUE(placement) << sink.render_all();
    num_bounds += count_of(*placement, ScoreBasis::kBound);
  }
  EXPECT_GT(num_bounds, 0);
}

// What does not fit is worse whatever it takes; then the interval decides; of equal ones the
// latency, if it is shorter by more than measured figures of equal devices differ.
TEST(Place, TheShortestOfThoseThatFitIsTaken) {
  const Score first{0, 1000, 5000};
  EXPECT_EQ(best_of({}), std::nullopt);
  EXPECT_EQ(best_of({std::nullopt, first}), 1U);
  EXPECT_EQ(best_of({first, first}), 0U);
  EXPECT_EQ(best_of({Score{1, 900, 4000}, first}), 1U);
  EXPECT_EQ(best_of({first, Score{0, 999, 9000}}), 1U);
  EXPECT_EQ(best_of({first, Score{0, 1000, 4990}}), 0U);
  EXPECT_EQ(best_of({first, Score{0, 1000, 4900}}), 1U);
}

// Three syncs with the host more may take 12 us: a gain has to be larger, and where intervals are equal they
// hide. In whatever order they come.
TEST(Place, SyncsWithTheHostHaveToBeWorthIt) {
  const Score few{0, 50'000, 50'000, 1};
  const auto is_taken = [&](const Score& other) {
    const bool is_second = best_of({few, other}) == 1U;
    EXPECT_EQ(best_of({other, few}) == 0U, is_second);
    return is_second;
  };
  EXPECT_FALSE(is_taken({0, 38'000, 38'000, 4}));
  EXPECT_TRUE(is_taken({0, 37'999, 90'000, 4}));
  EXPECT_FALSE(is_taken({0, 50'001, 10'000, 4}));
  EXPECT_TRUE(is_taken({0, 50'000, 40'000, 9}));
  // One that gains too little for its syncs with the host does not stand in the way of one that gains
  // enough.
  const Score too_little{0, 45'000, 45'000, 3};
  const Score enough{0, 30'000, 60'000, 4};
  EXPECT_EQ(best_of({few, too_little, enough}), 2U);
  EXPECT_EQ(best_of({enough, too_little, few}), 0U);
  EXPECT_EQ(best_of({too_little, few}), 1U);
}

TEST(Place, PinnedNodesStayWhereTheUserWantsThem) {
  for (unsigned seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Machine machine = random_machine(seed);
    const Graph graph = RandomGraph(seed).make();
    DiagnosticSink sink;
    const auto placement = place_scheduled(graph, machine, sink);
    ASSERT_TRUE(placement) << sink.render_all();
    for (const PlacementCandidate& candidate : placement->candidates) {
      for (const NodeId node : graph.nodes.ids()) {
        if (!graph.nodes[node].device) continue;
        EXPECT_EQ(machine.devices[candidate.decisions.assignment[node]].name,
                  *graph.nodes[node].device);
        EXPECT_EQ(placement->pins[node], candidate.decisions.assignment[node]);
      }
    }
  }
}

constexpr const char* kTwoPinned =
    "graph g\n"
    "state %w : f32[4] init zeros\n"
    "%a = relu(%w) device gpu0\n"
    "%b = tanh(%a) device gpu1\n"
    "output %b on gpu1\n";

TEST(Place, WhereEverythingIsPinnedThereIsOneCandidate) {
  DiagnosticSink sink;
  const auto placement = place_scheduled(graph_of(kTwoPinned), star_machine(), sink);
  ASSERT_TRUE(placement);
  EXPECT_THAT(names_of(placement->candidates), ElementsAre("as pinned"));
  EXPECT_TRUE(placement->chosen.score);
}

TEST(Place, WhereNoPlacementHasARouteItIsSaidWhatIsMissing) {
  DiagnosticSink sink;
  EXPECT_FALSE(place_scheduled(graph_of(kTwoPinned), island_machine(), sink));
  EXPECT_THAT(sink.render_all(), testing::HasSubstr("no route"));
}

// The input can reach no GPU, so only the CPU is possible, whatever the GPUs would gain.
TEST(Place, DevicesOutOfReachAreNotChosen) {
  const Graph graph = graph_of("graph g\ninput %x : f32[64, 64]\n%y = matmul(%x, %x)\noutput %y\n");
  DiagnosticSink sink;
  const auto placement = place_scheduled(graph, island_machine(), sink);
  ASSERT_TRUE(placement);
  EXPECT_EQ(placement->chosen.name, "all on cpu");
  EXPECT_FALSE(placement->candidates[1].score);
}

TEST(Place, UnknownDevicesOfNodesStatesAndOutputsAreReportedAtOnce) {
  const Graph graph = graph_of(
      "graph g\n"
      "state %w : f32[4] init zeros device gpu2\n"
      "%a = relu(%w) device gpo0\n"
      "output %a on tpu\n");
  DiagnosticSink sink;
  EXPECT_FALSE(place_scheduled(graph, star_machine(), sink));
  EXPECT_EQ(sink.num_errors(), 3U);
  const std::string text = sink.render_all();
  EXPECT_THAT(text, testing::HasSubstr("unknown device 'gpu2'\n"
                                       "state %w : f32[4] init zeros device gpu2\n"));
  EXPECT_THAT(text, testing::HasSubstr("hint: did you mean 'gpu0'? machine 'star' has cpu, gpu0, "
                                       "gpu1\n"));
  EXPECT_THAT(text, testing::HasSubstr("unknown device 'gpo0'"));
  // Nothing is near to it: only what there is.
  EXPECT_THAT(text, testing::HasSubstr("unknown device 'tpu'"));
}

// Two products of 64 x 64 x 64: 2 * 64^3 / 10 GFLOP/s = 52 us each on a GPU, 16 us to bring a
// matrix there. On one GPU 105 us, on two 52 us and the copies.
//
//   gpu0   [ a ]
//   gpu1   [ b ]
TEST(Heft, IndependentProductsGoToDifferentDevices) {
  const Graph graph = graph_of(
      "graph g\n"
      "state %v : f32[64, 64] init zeros\n"
      "state %w : f32[64, 64] init zeros\n"
      "%a = matmul(%v, %v)\n"
      "%b = matmul(%w, %w)\n"
      "output %a\n"
      "output %b\n");
  const Machine machine = star_machine();
  const Assignment assignment = heft(graph, machine, CostModel(machine), no_pins(graph));
  EXPECT_EQ(machine.devices[assignment[NodeId(0)]].name, "gpu0");
  EXPECT_EQ(machine.devices[assignment[NodeId(1)]].name, "gpu1");
}

// add of f32[256] moves 3 KiB: 3072 ns on the CPU, 308 ns on a GPU. To bring x there takes 1124 ns
// over a link of 1 GB/s, 4196 ns over one of 0.25 GB/s.
TEST(Heft, ACopyIsPartOfThePrice) {
  const Graph graph =
      graph_of("graph g\ninput %x : f32[256]\n%a = add(%x, %x)\noutput %a on gpu0\n");
  const auto device_at = [&](const std::string& bandwidth) {
    const Machine machine = machine_of("machine: one\ndevices:\n" + kTidyCpu + tidy_gpu("gpu0") +
                                       "links:\n  - {between: [cpu, gpu0], to: " + bandwidth +
                                       ", back: " + bandwidth + ", latency: 100ns}\n");
    return machine.devices[heft(graph, machine, CostModel(machine), no_pins(graph))[NodeId(0)]]
        .name;
  };
  EXPECT_EQ(device_at("1GB/s"), "gpu0");    // 1124 + 308 < 3072
  EXPECT_EQ(device_at("0.25GB/s"), "cpu");  // 4196 + 308 > 3072
}

// w_new: 3.3 us on either GPU, and gpu0 is free at once. But w is read on gpu1, where y takes the
// first 16.4 us, and two hops back from gpu0 take 33.0 us: 3.3 + 33.0 > 16.4 + 3.3.
TEST(Heft, AnUpdateStaysNearItsReaders) {
  const Graph graph = graph_of(
      "graph g\n"
      "state %w : f32[64, 64] init zeros\n"
      "state %v : f32[64, 20] init zeros\n"
      "%y = matmul(%w, %v) device gpu1\n"
      "%w_new = relu(%w) updates %w\n"
      "output %y on gpu1\n");
  const Machine machine = star_machine();
  Pins pins = no_pins(graph);
  pins[NodeId(0)] = machine.find_device("gpu1");
  const Assignment assignment = heft(graph, machine, CostModel(machine), pins);
  EXPECT_EQ(machine.devices[assignment[NodeId(1)]].name, "gpu1");
}

// Names, not places in the file, break ties: both orders of the same two nodes agree.
TEST(Heft, TheOrderOfNodesDoesNotMatter) {
  const std::string head =
      "graph g\nstate %v : f32[64, 64] init zeros\nstate %w : f32[64, 64] init zeros\n";
  const std::string a = "%a = matmul(%v, %v)\n";
  const std::string b = "%b = matmul(%w, %w)\n";
  const std::string tail = "output %a\noutput %b\n";
  const Machine machine = star_machine();
  const Graph forward = graph_of(head + a + b + tail);
  const Graph backward = graph_of(head + b + a + tail);
  const auto first = heft(forward, machine, CostModel(machine), no_pins(forward));
  const auto second = heft(backward, machine, CostModel(machine), no_pins(backward));
  EXPECT_EQ(first[NodeId(0)], second[NodeId(1)]);
  EXPECT_EQ(first[NodeId(1)], second[NodeId(0)]);
}

}  // namespace
}  // namespace graphc

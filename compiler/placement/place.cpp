#include "compiler/placement/place.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "compiler/placement/heft.h"

namespace graphc {
namespace {

using Pins = IdVector<NodeId, std::optional<DeviceId>>;

Assignment all_on(DeviceId device, const Pins& pins) {
  Assignment assignment(pins.size());
  for (const NodeId node : pins.ids()) assignment[node] = pins[node].value_or(device);
  return assignment;
}

bool is_fully_pinned(const Pins& pins) {
  return std::all_of(pins.begin(), pins.end(), [](const auto& pin) { return pin.has_value(); });
}

std::vector<PlacementCandidate> candidates_for(const Graph& graph, const Machine& machine,
                                               const CostModel& costs, const Pins& pins) {
  if (is_fully_pinned(pins)) return {{"as pinned", all_on(machine.host(), pins), std::nullopt}};
  std::vector<PlacementCandidate> candidates;
  for (const DeviceId device : machine.devices.ids()) {
    candidates.push_back(
        {"all on " + machine.devices[device].name, all_on(device, pins), std::nullopt});
  }
  candidates.push_back({"heft", heft(graph, machine, costs, pins), std::nullopt});
  return candidates;
}

/// Latencies that differ by less are about equal.
constexpr double kLeastGain = 0.01;

/// What a hand-over between a worker of the CPU and an accelerator takes beyond the copy, where the
/// step waits for it: a plan with 27 of them, predicted at 204 us a step, took 311 on an H200. The
/// timeline leaves it out, since it differs from machine to machine and hides behind longer steps;
/// but no placement is worth it that is better only without.
constexpr int64_t kHandOverNs = 4000;

bool is_shorter(const PlacementScore& score, const PlacementScore& before) {
  if (score.interval_ns != before.interval_ns) return score.interval_ns < before.interval_ns;
  return static_cast<double>(score.latency_ns) <
         static_cast<double>(before.latency_ns) * (1 - kLeastGain);
}

/// The first of the shortest of those that count.
template <class Counts>
std::optional<size_t> shortest_of(const std::vector<std::optional<PlacementScore>>& scores,
                                  Counts counts) {
  std::optional<size_t> best;
  for (size_t i = 0; i < scores.size(); ++i) {
    if (!scores[i] || !counts(*scores[i])) continue;
    if (!best || is_shorter(*scores[i], *scores[*best])) best = i;
  }
  return best;
}

}  // namespace

std::optional<size_t> best_of(const std::vector<std::optional<PlacementScore>>& scores) {
  std::pair<int64_t, int64_t> least = {std::numeric_limits<int64_t>::max(), 0};
  for (const std::optional<PlacementScore>& score : scores) {
    if (score) least = std::min(least, std::pair(score->excess_bytes, score->num_hand_overs));
  }
  const auto reference = shortest_of(scores, [&](const PlacementScore& score) {
    return std::pair(score.excess_bytes, score.num_hand_overs) == least;
  });
  if (!reference) return std::nullopt;
  return shortest_of(scores, [&](const PlacementScore& score) {
    const int64_t gain_ns = scores[*reference]->interval_ns - score.interval_ns;
    const int64_t hand_overs_ns = (score.num_hand_overs - least.second) * kHandOverNs;
    return score.excess_bytes == least.first &&
           (gain_ns == 0 || hand_overs_ns == 0 || gain_ns > hand_overs_ns);
  });
}

Result<Placement> place(const Graph& graph, const Machine& machine, const CostModel& costs,
                        const EvaluateAssignment& evaluate, DiagnosticSink& diagnostics) {
  TRY(const Pins pins, resolve_pins(graph, machine, diagnostics));
  Placement placement;
  placement.pins = pins;
  placement.candidates = candidates_for(graph, machine, costs, pins);
  std::vector<std::optional<PlacementScore>> scores;
  for (PlacementCandidate& candidate : placement.candidates) {
    candidate.score = evaluate(candidate.assignment);
    scores.push_back(candidate.score);
  }
  // Where none can be scheduled, insert_copies says why for the first one.
  placement.chosen = placement.candidates[best_of(scores).value_or(0)];
  return placement;
}

}  // namespace graphc

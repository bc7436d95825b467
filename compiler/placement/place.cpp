#include "compiler/placement/place.h"

#include <algorithm>

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

}  // namespace

bool is_better(const PlacementScore& score, const PlacementScore& before) {
  if (score.excess_bytes != before.excess_bytes) return score.excess_bytes < before.excess_bytes;
  if (score.interval_ns != before.interval_ns) {
    const int64_t num_more = score.num_hand_overs - before.num_hand_overs;
    return score.interval_ns + num_more * kHandOverNs < before.interval_ns;
  }
  return static_cast<double>(score.latency_ns) <
         static_cast<double>(before.latency_ns) * (1 - kLeastGain);
}

Result<Placement> place(const Graph& graph, const Machine& machine, const CostModel& costs,
                        const EvaluateAssignment& evaluate, DiagnosticSink& diagnostics) {
  TRY(const Pins pins, resolve_pins(graph, machine, diagnostics));
  Placement placement;
  placement.pins = pins;
  std::optional<size_t> best;
  for (const PlacementCandidate& candidate : candidates_for(graph, machine, costs, pins)) {
    placement.candidates.push_back(candidate);
    const auto score = evaluate(candidate.assignment);
    if (!score) continue;
    placement.candidates.back().score = score;
    if (!best || is_better(*score, *placement.candidates[*best].score)) {
      best = placement.candidates.size() - 1;
    }
  }
  // Where none can be scheduled, insert_copies says why for the first one.
  placement.chosen = placement.candidates[best.value_or(0)];
  return placement;
}

}  // namespace graphc

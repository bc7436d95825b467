#include "compiler/search/choose_placement.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "compiler/search/fit_memory.h"
#include "compiler/search/heft.h"
#include "compiler/solve/schedule/lower_bound.h"

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

/// Whether an earlier host has such a device, too: what would be all on this one may be all there.
bool has_twin_before(const Machine& machine, DeviceId id) {
  const Device& device = machine.devices[id];
  return std::any_of(machine.devices.begin(), machine.devices.end(), [&](const Device& other) {
    return other.host < device.host && is_alike(other, device) && other.index == device.index;
  });
}

std::vector<PlacementCandidate> candidates_for(const Evaluator& evaluator, const Pins& pins) {
  const Machine& machine = evaluator.machine();
  if (is_fully_pinned(pins)) return {{"as pinned", {.assignment = all_on(machine.host(), pins)}}};
  std::vector<PlacementCandidate> candidates;
  for (const DeviceId device : machine.devices.ids()) {
    if (has_twin_before(machine, device)) continue;
    candidates.push_back(
        {"all on " + machine.devices[device].name, {.assignment = all_on(device, pins)}});
  }
  candidates.push_back(
      {"heft", {.assignment = heft(evaluator.graph(), machine, evaluator.costs(), pins)}});
  return candidates;
}

class PlacementSearch {
 public:
  PlacementSearch(Evaluator& evaluator, const MemoryLimits& limits,
                  std::vector<PlacementCandidate> candidates, Comparison& comparison)
      : evaluator_(evaluator),
        limits_(limits),
        candidates_(std::move(candidates)),
        comparison_(comparison) {}

  std::vector<PlacementCandidate> run() {
    for (PlacementCandidate& candidate : candidates_) {
      candidate.score = bound_of(candidate.decisions);
    }
    // What may be short comes first: it saves the others from being scheduled.
    std::vector<size_t> order(candidates_.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
      return bound_ns(candidates_[a]) < bound_ns(candidates_[b]);
    });
    size_t num_done = 0;
    for (const size_t i : order) {
      ++num_done;
      if (!candidates_[i].score) continue;
      if (is_beaten(*candidates_[i].score)) {
        candidates_[i].score->basis = ScoreBasis::kBound;
      } else if (may_try(candidates_[i].decisions)) {
        tell(candidates_[i].name, num_done);
        evaluate(candidates_[i]);
      }
    }
    return std::move(candidates_);
  }

 private:
  static int64_t bound_ns(const PlacementCandidate& candidate) {
    return candidate.score ? candidate.score->interval_ns : 0;
  }

  std::optional<Score> bound_of(const Decisions& decisions) {
    const auto tasks = evaluator_.tasks(decisions);
    if (!tasks) return std::nullopt;
    const int64_t interval_ns = interval_bound(scheduling_problem(*tasks)).interval_ns;
    const int64_t host_syncs = num_host_syncs(*evaluator_.placed(decisions), evaluator_.machine());
    return Score{0, interval_ns, interval_ns, host_syncs, ScoreBasis::kNotTried};
  }

  /// Whether another one fits and is shorter, whatever syncs with the host take.
  bool is_beaten(const Score& bound) const {
    int64_t most_syncs = comparison_.best ? comparison_.best->num_host_syncs : 0;
    for (const PlacementCandidate& candidate : candidates_) {
      if (!candidate.score) continue;
      most_syncs = std::max(most_syncs, candidate.score->num_host_syncs);
    }
    const int64_t margin_ns = most_syncs * kHostSyncNs;
    const auto is_shorter = [&](const std::optional<Score>& score) {
      return score && score->basis == ScoreBasis::kSchedule && score->excess_bytes == 0 &&
             score->interval_ns + margin_ns < bound.interval_ns;
    };
    return is_shorter(comparison_.best) ||
           std::any_of(candidates_.begin(), candidates_.end(),
                       [&](const auto& candidate) { return is_shorter(candidate.score); });
  }

  void tell(const std::string& name, size_t place) const {
    if (!comparison_.report) return;
    SearchStatus status{name, place - 1, candidates_.size(), std::nullopt};
    if (comparison_.way) {
      status = *comparison_.way;
      status.what += ", " + name;
    }
    const auto take = [&](const std::optional<Score>& score) {
      if (!score || score->basis != ScoreBasis::kSchedule || score->excess_bytes > 0) return;
      status.best_ns = std::min(status.best_ns.value_or(score->interval_ns), score->interval_ns);
    };
    take(comparison_.best);
    for (const PlacementCandidate& candidate : candidates_) take(candidate.score);
    comparison_.report(status);
  }

  /// Whatever the effort, something is scheduled that fits, if that can be found.
  bool may_try(const Decisions& decisions) {
    const auto num_tasks = static_cast<int64_t>((*evaluator_.tasks(decisions))->tasks.size());
    if (has_fitting() && num_tasks > comparison_.num_tasks_left) return false;
    comparison_.num_tasks_left -= num_tasks;
    return true;
  }

  bool has_fitting() const {
    return std::any_of(candidates_.begin(), candidates_.end(), [](const auto& candidate) {
      return candidate.score && candidate.score->basis == ScoreBasis::kSchedule &&
             candidate.score->excess_bytes == 0;
    });
  }

  void evaluate(PlacementCandidate& candidate) {
    const int64_t host_syncs = candidate.score->num_host_syncs;
    const Shared<Schedule> schedule = *evaluator_.schedule(candidate.decisions);
    if (has_room_for_all(schedule, limits_)) {
      candidate.score =
          Score{0, schedule->solution.interval_ns, schedule->solution.latency_ns, host_syncs};
      return;
    }
    Fit fit = fit_memory(evaluator_, candidate.decisions.assignment, limits_);
    candidate.decisions = std::move(fit.decisions);
    candidate.score =
        Score{fit.score.excess_bytes, fit.score.interval_ns, fit.score.latency_ns, host_syncs};
  }

  Evaluator& evaluator_;
  const MemoryLimits& limits_;
  std::vector<PlacementCandidate> candidates_;
  Comparison& comparison_;
};

/// Where none was scheduled: one that can be routed, if there is one.
size_t first_scored(const std::vector<std::optional<Score>>& scores) {
  const auto found =
      std::find_if(scores.begin(), scores.end(),
                   [](const std::optional<Score>& score) { return score.has_value(); });
  return found == scores.end() ? 0 : static_cast<size_t>(found - scores.begin());
}

}  // namespace

Result<Placement> choose_placement(Evaluator& evaluator, const MemoryLimits& limits,
                                   Comparison& comparison, DiagnosticSink& diagnostics) {
  TRY(const Pins pins, resolve_pins(evaluator.graph(), evaluator.machine(), diagnostics));
  Placement placement;
  placement.pins = pins;
  placement.candidates =
      PlacementSearch(evaluator, limits, candidates_for(evaluator, pins), comparison).run();
  std::vector<std::optional<Score>> scores;
  for (const PlacementCandidate& candidate : placement.candidates) {
    scores.push_back(candidate.score);
  }
  placement.chosen = placement.candidates[best_of(scores).value_or(first_scored(scores))];
  if (placement.chosen.score) return placement;
  // None can be routed: it is said why for the first one.
  const Target target{evaluator.machine(), evaluator.costs(), limits, evaluator.effort()};
  TRY(lower_to_copies(target, evaluator.graph(), placement.chosen.decisions, Gates::kNone,
                      diagnostics));
  CHECK(false, "what cannot be routed is reported");
}

}  // namespace graphc

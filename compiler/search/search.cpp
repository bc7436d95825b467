#include "compiler/search/search.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <set>
#include <utility>

#include "compiler/machine/check_figures.h"
#include "compiler/search/choose_copies.h"

namespace graphc {
namespace {

/// A graph of more nodes is not divided in yet another way only to see that this is worse.
constexpr size_t kLargeGraph = 2'000;

/// A graph under one way to spread it.
struct Placed {
  Evaluator evaluator;
  Placement placement;
};

/// Null if the graph cannot be compiled when it is spread like this.
std::unique_ptr<Placed> place_under(const GraphRequest& request,
                                    const std::optional<Parallel>& parallel, const Target& target,
                                    Comparison& comparison) {
  DiagnosticSink unused;
  auto passes = passes_for(request, parallel, target, {}, unused);
  if (!passes) return nullptr;
  Evaluator evaluator(std::move(passes->graph), target.machine, target.costs, target.effort);
  auto placement = choose_placement(evaluator, target.limits, comparison, unused);
  if (!placement) return nullptr;
  return std::make_unique<Placed>(Placed{std::move(evaluator), *std::move(placement)});
}

/// The candidates in the order in which they are compared.
std::vector<size_t> by_part(const std::vector<ParallelCandidate>& candidates) {
  std::vector<size_t> order(candidates.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return candidates[a].part_ns < candidates[b].part_ns;
  });
  return order;
}

/// Of ways that update in the same places, those with more rows in their largest part are not tried
/// once one could not win or was too large to be scheduled: less is computed side by side then.
class Hopeless {
 public:
  void add(const ParallelCandidate& candidate) { updates_.insert(updates_of(candidate)); }
  bool contains(const ParallelCandidate& candidate) const {
    return updates_.contains(updates_of(candidate));
  }

 private:
  static std::optional<UpdatePlace> updates_of(const ParallelCandidate& candidate) {
    return candidate.parallel ? std::optional(candidate.parallel->updates) : std::nullopt;
  }
  std::set<std::optional<UpdatePlace>> updates_;
};

/// Compares all candidates; gives the chosen one if it is at hand, else null.
std::unique_ptr<Placed> choose(const GraphRequest& request, const Target& target,
                               ParallelChoice& choice) {
  std::vector<std::optional<Score>> scores(choice.candidates.size());
  std::unique_ptr<Placed> shortest;
  Comparison comparison(target.effort, target.report);
  Hopeless hopeless;
  size_t kept = 0;
  size_t num_done = 0;
  for (const size_t i : by_part(choice.candidates)) {
    ParallelCandidate& candidate = choice.candidates[i];
    comparison.way = SearchStatus{candidate.name, num_done++, choice.candidates.size(), {}};
    if (comparison.report) {
      if (comparison.best) comparison.way->best_ns = comparison.best->interval_ns;
      comparison.report(*comparison.way);
    }
    if (hopeless.contains(candidate)) {
      candidate.score = Score{.basis = ScoreBasis::kNotTried};
      continue;
    }
    auto next = place_under(request, candidate.parallel, target, comparison);
    if (!next) continue;
    candidate.score = next->placement.chosen.score;
    if (candidate.score->basis != ScoreBasis::kSchedule) {
      const bool is_large = next->evaluator.graph()->nodes.size() > kLargeGraph;
      if (is_large && target.effort == Effort::kNormal) hopeless.add(candidate);
      continue;
    }
    scores[i] = candidate.score;
    // All of them would be too much to keep.
    const auto key = [](const Score& score) {
      return std::pair(score.excess_bytes, score.interval_ns);
    };
    if (shortest && key(*shortest->placement.chosen.score) <= key(*candidate.score)) continue;
    if (candidate.score->excess_bytes == 0) comparison.best = candidate.score;
    shortest = std::move(next);
    kept = i;
  }
  choice.chosen = best_of(scores).value_or(0);
  choice.parallel = choice.candidates[choice.chosen].parallel;
  if (!shortest || kept != choice.chosen) return nullptr;
  return shortest;
}

std::optional<int64_t> step_of(const Placement& placement) {
  const std::optional<Score>& score = placement.chosen.score;
  return score ? std::optional(score->interval_ns) : std::nullopt;
}

}  // namespace

Result<PassRun> passes_for(const GraphRequest& request, const std::optional<Parallel>& parallel,
                           const Target& target, const PassOptions& options,
                           DiagnosticSink& diagnostics) {
  GraphRequest spread = request;
  spread.parallel = parallel;
  TRY(PassRun passes, run_passes(std::move(spread), default_passes(), options, diagnostics));
  TRY(check_figures(passes.graph, target.machine, target.costs, diagnostics));
  return passes;
}

Result<PlacedSearch> search_placement(const GraphRequest& request, const Target& target,
                                      const PassOptions& options, DiagnosticSink& diagnostics) {
  TRY(ParallelChoice parallel,
      parallel_candidates(request, target.machine, target.costs, diagnostics));
  std::unique_ptr<Placed> chosen;
  if (parallel.candidates.size() > 1) chosen = choose(request, target, parallel);
  TRY(PassRun passes, passes_for(request, parallel.parallel, target, options, diagnostics));
  if (chosen) {
    return PlacedSearch{std::move(parallel), std::move(passes), std::move(chosen->evaluator),
                        std::move(chosen->placement)};
  }
  Evaluator evaluator(passes.graph, target.machine, target.costs, target.effort);
  Comparison comparison(target.effort, target.report);
  TRY(Placement placement, choose_placement(evaluator, target.limits, comparison, diagnostics));
  return PlacedSearch{std::move(parallel), std::move(passes), std::move(evaluator),
                      std::move(placement)};
}

Result<Found> search(const GraphRequest& request, const Target& target, Overlap overlap,
                     const PassOptions& options, DiagnosticSink& diagnostics) {
  TRY(PlacedSearch placed, search_placement(request, target, options, diagnostics));
  Decisions decisions = placed.placement.chosen.decisions;
  if (target.report) target.report({"copies in blocks", 1, 1, step_of(placed.placement)});
  if (overlap == Overlap::kAll) {
    decisions = with_copy_blocks(placed.evaluator, decisions, target.limits);
  } else {
    if (decisions.trades_time_for_memory()) {
      return machine_error(
          "there is too little memory for one operation at a time: --serial gives "
          "nothing up for it");
    }
    decisions.overlap = overlap;
  }
  decisions.order = LaneOrder{(*placed.evaluator.schedule(decisions))->solution, Times::kKeep};
  decisions.parallel = placed.parallel.parallel;
  return Found{std::move(placed.parallel), std::move(placed.passes), std::move(placed.placement),
               std::move(decisions)};
}

}  // namespace graphc

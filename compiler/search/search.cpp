#include "compiler/search/search.h"

#include <memory>
#include <utility>

#include "compiler/machine/check_figures.h"
#include "compiler/search/choose_copies.h"

namespace graphc {
namespace {

/// A graph under one way to spread it.
struct Placed {
  Evaluator evaluator;
  Placement placement;
};

/// Null if the graph cannot be compiled when it is spread like this.
std::unique_ptr<Placed> placed(const Graph& graph, const std::optional<Parallel>& parallel,
                               const Target& target) {
  DiagnosticSink unused;
  auto passes = passes_for(graph, parallel, target, {}, unused);
  if (!passes) return nullptr;
  Evaluator evaluator(std::move(passes->graph), target.machine, target.costs);
  auto placement = choose_placement(evaluator, target.limits, unused);
  if (!placement) return nullptr;
  return std::make_unique<Placed>(Placed{std::move(evaluator), *std::move(placement)});
}

/// Compares all candidates; gives the chosen one if it is at hand, else null.
std::unique_ptr<Placed> choose(const Graph& graph, const Target& target, ParallelChoice& choice) {
  std::vector<std::optional<Score>> scores;
  std::unique_ptr<Placed> shortest;
  size_t kept = 0;
  for (ParallelCandidate& candidate : choice.candidates) {
    auto next = placed(graph, candidate.parallel, target);
    if (next) candidate.score = next->placement.chosen.score;
    scores.push_back(candidate.score);
    // All of them would be too much to keep.
    const auto key = [](const Score& score) {
      return std::pair(score.excess_bytes, score.interval_ns);
    };
    if (!next || (shortest && key(*shortest->placement.chosen.score) <= key(*candidate.score))) {
      continue;
    }
    shortest = std::move(next);
    kept = scores.size() - 1;
  }
  choice.chosen = best_of(scores).value_or(0);
  choice.parallel = choice.candidates[choice.chosen].parallel;
  if (!shortest || kept != choice.chosen) return nullptr;
  return shortest;
}

}  // namespace

Result<PassRun> passes_for(const Graph& graph, const std::optional<Parallel>& parallel,
                           const Target& target, const PassOptions& options,
                           DiagnosticSink& diagnostics) {
  Graph spread = graph;
  spread.parallel = parallel;
  TRY(PassRun passes, run_passes(std::move(spread), default_passes(), options, diagnostics));
  TRY(check_figures(passes.graph, target.machine, target.costs, diagnostics));
  return passes;
}

Result<PlacedSearch> search_placement(const Graph& graph, const Target& target,
                                      const PassOptions& options, DiagnosticSink& diagnostics) {
  TRY(ParallelChoice parallel,
      parallel_candidates(graph, target.machine, target.costs, diagnostics));
  std::unique_ptr<Placed> chosen;
  if (parallel.candidates.size() > 1) chosen = choose(graph, target, parallel);
  TRY(PassRun passes, passes_for(graph, parallel.parallel, target, options, diagnostics));
  if (chosen) {
    return PlacedSearch{std::move(parallel), std::move(passes), std::move(chosen->evaluator),
                        std::move(chosen->placement)};
  }
  Evaluator evaluator(passes.graph, target.machine, target.costs);
  TRY(Placement placement, choose_placement(evaluator, target.limits, diagnostics));
  return PlacedSearch{std::move(parallel), std::move(passes), std::move(evaluator),
                      std::move(placement)};
}

Result<Found> search(const Graph& graph, const Target& target, Overlap overlap,
                     const PassOptions& options, DiagnosticSink& diagnostics) {
  TRY(PlacedSearch placed, search_placement(graph, target, options, diagnostics));
  Decisions decisions = placed.placement.chosen.decisions;
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

#pragma once

#include "compiler/passes/pass_manager.h"
#include "compiler/search/choose_placement.h"
#include "compiler/search/parallel_candidates.h"

namespace graphc {

/// What the search decided, and what it compared on the way.
struct Found {
  ParallelChoice parallel;
  PassRun passes;
  Placement placement;
  Decisions decisions;  ///< nothing is left open
};

/// A graph that is spread and placed; its evaluator still knows the schedules.
struct PlacedSearch {
  ParallelChoice parallel;
  PassRun passes;
  Evaluator evaluator;
  Placement placement;
};

/// Decides how the batch is spread, where every node runs and what is given up for memory. Every
/// way to spread the batch is placed, and scheduled if it may win and the effort reaches it; the
/// first of the best is taken, so dividing has to be worth it.
///
/// Errors: those of the passes; a device that the machine does not have; no route between two
///         devices.
Result<PlacedSearch> search_placement(const GraphRequest& request, const Target& target,
                                      const PassOptions& passes, DiagnosticSink& diagnostics);

/// Decides all about a graph as it was read: beside its placement whether copies travel in blocks,
/// and the order of all lanes.
///
/// Errors: those of search_placement; too little memory for one operation at a time, if nothing may
///         overlap.
Result<Found> search(const GraphRequest& request, const Target& target, Overlap overlap,
                     const PassOptions& passes, DiagnosticSink& diagnostics);

/// The passes under a choice of `parallel`, for a machine whose figures suit the result.
Result<PassRun> passes_for(const GraphRequest& request, const std::optional<Parallel>& parallel,
                           const Target& target, const PassOptions& options,
                           DiagnosticSink& diagnostics);

}  // namespace graphc

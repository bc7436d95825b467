#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "compiler/graph/graph.h"
#include "compiler/machine/cost_model.h"
#include "compiler/placement/place.h"

namespace graphc {

/// A way to spread a step over devices, and how it does.
struct ParallelCandidate {
  std::string name;                     ///< `undivided`, `batch over gpu0 50, gpu1 50`
  std::optional<Parallel> parallel;     ///< absent: undivided
  std::optional<PlacementScore> score;  ///< absent if it cannot be compiled
};

struct ParallelChoice {
  std::optional<Parallel> parallel;  ///< every part with its rows
  /// What was compared, in that order; a single one, without a score, if nothing was open. Empty
  /// without `parallel`.
  std::vector<ParallelCandidate> candidates;
  size_t chosen = 0;  ///< index into `candidates`
};

/// How a graph does whose `parallel` is written out; nothing if it cannot be compiled.
using EvaluateGraph = std::function<std::optional<PlacementScore>(const Graph&)>;

/// Decides what `parallel` leaves open. A part without a number of rows gets as many as its device
/// is fast at the graph's nodes. A batch whose `update_on` is open is compared with itself with all
/// updates on each of its devices, if these are of one kind. `auto` compares the undivided step,
/// the batch divided over the first two, three and so on of the accelerators, and over all devices.
/// Each is placed and scheduled in full; the first of the best is taken, so dividing has to be
/// worth it.
///
/// Runs before: the passes - they divide.
/// Errors:      a device that the machine does not have; updates on each of devices of different
///              kinds.
Result<ParallelChoice> choose_parallel(const Graph& graph, const Machine& machine,
                                       const CostModel& costs, const EvaluateGraph& evaluate,
                                       DiagnosticSink& diagnostics);

}  // namespace graphc

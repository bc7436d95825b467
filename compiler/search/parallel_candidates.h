#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compiler/graph/graph_request.h"
#include "compiler/machine/cost_model.h"
#include "compiler/search/score.h"

namespace graphc {

/// A way to spread a step over devices, and how it does.
struct ParallelCandidate {
  std::string name;                  ///< `undivided`, `batch over gpu0 50, gpu1 50`
  std::optional<Parallel> parallel;  ///< absent: undivided
  /// What the slowest part takes for its rows alone: the shortest one is compared first.
  double part_ns = 0;
  std::optional<Score> score = std::nullopt;  ///< absent if it cannot be compiled
};

struct ParallelChoice {
  std::optional<Parallel> parallel;  ///< every part with its rows
  /// What was compared, in that order; a single one, without a score, if nothing was open. Empty
  /// without `parallel`.
  std::vector<ParallelCandidate> candidates;
  size_t chosen = 0;  ///< index into `candidates`
};

/// `parallel` for this machine: the devices that `hosts` stands for, those of the fastest kind of
/// accelerators, or the CPUs; and the host of each.
Parallel on_machine(Parallel parallel, const Machine& machine);

/// Errors: a device that the machine does not have; updates on each of devices of different kinds,
/// or of different hosts that are not alike.
bool check_parallel(const Parallel& parallel, const Machine& machine, DiagnosticSink& diagnostics);

/// What `parallel` leaves open, and the first of it chosen. A part without a number of rows gets as
/// many as its device is fast at the graph's nodes. A batch whose `update_on` is open stands beside
/// itself with all updates on each of its devices, if these are of one kind. `auto` stands for the
/// undivided step, the batch divided over the first two, three and so on of the accelerators, and
/// over all devices; of several hosts those of the first one, and then the devices of all hosts.
///
/// Runs before: the passes - they divide.
/// Errors:      a device that the machine does not have; updates on each of devices of different
///              kinds.
Result<ParallelChoice> parallel_candidates(const GraphRequest& request, const Machine& machine,
                                           const CostModel& costs, DiagnosticSink& diagnostics);

}  // namespace graphc

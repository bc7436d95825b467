#pragma once

#include "compiler/search/comparison.h"
#include "compiler/search/evaluator.h"
#include "compiler/search/score.h"

namespace graphc {

/// A way to place a graph, and how it does.
struct PlacementCandidate {
  std::string name;                           ///< `heft`, `all on gpu0`
  Decisions decisions;                        ///< the assignment, and what is given up for memory
  std::optional<Score> score = std::nullopt;  ///< absent if it cannot be scheduled
};

struct Placement {
  PlacementCandidate chosen;
  IdVector<NodeId, std::optional<DeviceId>> pins;  ///< what the user fixed
  std::vector<PlacementCandidate> candidates;      ///< in their order, the chosen one too
};

/// Chooses a device for every node that is not pinned: the best of earliest finish time (HEFT) and
/// of every single device alone, compared by their time per step once they keep within the limits.
/// Each is scheduled in full, but for those whose lower bound is longer, by more than syncs with the host
/// could take, than the best so far takes, and those that `comparison` has no tasks left for: so the
/// result is never worse than the best single device that was tried. If none is scheduled, since
/// another way to spread the step is better, what is chosen has a bound for a score.
///
/// Runs after:  the passes - costs need types, and a merged node is placed once.
/// Errors:      a device that the machine does not have; no route between two devices, if no
///              candidate has one.
/// Source:      Topcuoglu, Hariri, Wu, "Performance-effective and low-complexity task scheduling
///              for heterogeneous computing", IEEE TPDS 13(3), 2002.
Result<Placement> choose_placement(Evaluator& evaluator, const MemoryLimits& limits,
                                   Comparison& comparison, DiagnosticSink& diagnostics);

}  // namespace graphc

#pragma once

#include <functional>

#include "compiler/machine/cost_model.h"
#include "compiler/placement/assignment.h"

namespace graphc {

/// How a placement does once it is scheduled.
struct PlacementScore {
  int64_t excess_bytes = 0;  ///< above what devices may hold, all together
  int64_t interval_ns = 0;   ///< per step in the steady state
  int64_t latency_ns = 0;    ///< of one step alone; decides between equal intervals
  /// Copies between what kernels of the host and of other devices work on.
  int64_t num_hand_overs = 0;
  bool operator==(const PlacementScore&) const = default;
};

/// Which of several to take; nothing if none can be scheduled. Those with the least excess count.
/// Of those with the fewest hand-overs between host and devices, the one with the shortest interval
/// is where the others are measured: an interval that is shorter has to be shorter by what the
/// further hand-overs may take. The shortest interval wins; of equal ones the shortest latency, the
/// first of those that are about equal: measured figures of two devices that are alike differ in
/// their last digits, which is no reason to prefer the second.
std::optional<size_t> best_of(const std::vector<std::optional<PlacementScore>>& scores);

/// A way to place a graph, and how it does.
struct PlacementCandidate {
  std::string name;  ///< `heft`, `all on gpu0`
  Assignment assignment;
  std::optional<PlacementScore> score;  ///< absent if it cannot be scheduled
};

struct Placement {
  PlacementCandidate chosen;
  IdVector<NodeId, std::optional<DeviceId>> pins;  ///< what the user fixed
  std::vector<PlacementCandidate> candidates;  ///< in the order they were tried, the chosen one too
};

/// The score of an assignment; nothing if it cannot be scheduled (no route).
using EvaluateAssignment = std::function<std::optional<PlacementScore>(const Assignment&)>;

/// Chooses a device for every node that is not pinned: the best of earliest finish time (HEFT) and
/// of every single device alone, each scheduled in full and compared by its time per step, once it
/// keeps within the memory. So the result is never worse than the best single device.
///
/// Runs after:  the passes - costs need types, and a merged node is placed once.
/// Runs before: insert_copies - placement decides which edges cross devices.
/// Errors:      a device that the machine does not have.
/// Source:      Topcuoglu, Hariri, Wu, "Performance-effective and low-complexity task scheduling
/// for
///              heterogeneous computing", IEEE TPDS 13(3), 2002.
Result<Placement> place(const Graph& graph, const Machine& machine, const CostModel& costs,
                        const EvaluateAssignment& evaluate, DiagnosticSink& diagnostics);

}  // namespace graphc

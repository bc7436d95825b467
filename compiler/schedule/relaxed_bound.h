#pragma once

#include "compiler/placement/assignment.h"
#include "compiler/schedule/task_graph.h"
#include "compiler/solve/schedule/lower_bound.h"

namespace graphc {

/// A time per step that no placement and no schedule of the graph can beat on this machine.
struct StepBound {
  int64_t interval_ns = 0;
  std::string reason;  ///< `gpu0 is busy all the time`, `each step needs the one before`
  std::vector<std::string> cycle = {};  ///< what each step needs of the one before, if that binds
};

/// The bound of a relaxed problem: a node that is not pinned costs what it costs on its fastest
/// device (once, if several compute it) and may use any lane of the machine, of which slow ones
/// count for less (capacity_bound.h), launches counted or not, whichever says more; copies are
/// counted only between ends that are both fixed (pinned nodes, feeds, delivered outputs); rows
/// that are cut out of a value cost nothing; memory is unlimited.
StepBound relaxed_bound(const Graph& graph, const Machine& machine, const CostModel& costs,
                        const IdVector<NodeId, std::optional<DeviceId>>& pins);

}  // namespace graphc

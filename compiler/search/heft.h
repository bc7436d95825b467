#pragma once

#include "compiler/machine/cost_model.h"
#include "compiler/placement/assignment.h"

namespace graphc {

/// Earliest finish time: nodes in the order of their upward rank, each on the lane where it ends
/// first, with copies on link timelines. `pins` are kept.
///
/// The next value of a state is charged for its way back to where the state is read, so that an
/// update is not drawn away from its readers.
Assignment heft(const Graph& graph, const Machine& machine, const CostModel& costs,
                const IdVector<NodeId, std::optional<DeviceId>>& pins);

}  // namespace graphc

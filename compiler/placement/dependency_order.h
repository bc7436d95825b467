#pragma once

#include <vector>

#include "compiler/placement/placed_graph.h"

namespace graphc {

/// The same operations in the order of `wanted`, but each behind the producers of what it reads in
/// its step: those that come later in `wanted` move right in front of the first who needs them.
/// Values keep their ids, operations get those of their new places.
///
/// Requires: `wanted` holds every operation once; no operation needs in a step what it makes in it.
PlacedGraph in_dependency_order(const PlacedGraph& placed, const std::vector<PlacedOpId>& wanted);

}  // namespace graphc

#pragma once

#include "compiler/machine/machine.h"
#include "compiler/placement/placed_graph.h"

namespace graphc {

/// Gives every operation whose kernel needs scratch memory a value of its own for it, on its device.
///
/// Runs after:  split_rows, split_copies - a block needs as much as its rows do.
/// Runs before: find_dependencies; plan_memory finds its bytes.
PlacedGraph add_scratch(const PlacedGraph& placed, const Machine& machine);

}  // namespace graphc

#pragma once

#include "compiler/placement/placed_graph.h"

namespace graphc {

/// What is to go out of a placed graph.
struct PlacedRemoval {
  IdVector<PlacedOpId, bool> ops;
  IdVector<PlacedValueId, bool> values;
};

/// The rest; the ids of operations and values close up.
/// Requires: nothing that stays reads or writes a value that goes, or is made by an op that goes.
PlacedGraph without(const PlacedGraph& placed, const PlacedRemoval& removal);

}  // namespace graphc

#pragma once

#include "compiler/memory/sharing.h"

namespace graphc {

/// Values that lie in the same bytes from the start: each is written over the one before it.
struct Chain {
  std::vector<PlacedValueId> values;  ///< at least one
  AccessEnds ends;                    ///< of all of them
};

/// Every value by itself, or behind the one it can be written over: by an operator that works in
/// place, where `distance` keeps it disjoint in time from all that lie there.
/// Requires: nobody shares bytes with the values for another reason; each has one version.
/// Cost:     bounded for every value: long chains and values with many readers are not added to.
std::vector<Chain> find_chains(const PlacedGraph& placed, std::vector<PlacedValueId> values,
                               const IdVector<PlacedValueId, std::vector<ValueAccess>>& accesses,
                               const LeastDistance& distance);

}  // namespace graphc

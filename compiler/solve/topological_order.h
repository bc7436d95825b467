#pragma once

#include <cstddef>
#include <vector>

namespace graphc {

struct TopologicalOrder {
  std::vector<size_t> order;  ///< what lies on no cycle and behind none
  /// Each in the direction of the data: an item, then one that reads it, and so on back to the
  /// first. One, a shortest through its lowest item, of those that hang together.
  std::vector<std::vector<size_t>> cycles;
};

/// Sorts items so that each comes after those it reads; among those that are ready, the lowest
/// comes first. An order that is topological already is kept. `reads[i]` lists what item i reads.
/// Cost: O((items + reads) log items).
TopologicalOrder sort_topologically(const std::vector<std::vector<size_t>>& reads);

}  // namespace graphc

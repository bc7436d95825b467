#pragma once

#include <cstdint>

namespace graphc {

/// How much is searched where a graph is so large that a search has to stop before it is done.
/// Budgets count what is looked at, never time, and grow linearly with the graph.
enum class Effort : uint8_t {
  kNormal,  ///< seconds for a graph of thousands of nodes
  kHigh,    ///< minutes: every way that could be the best is scheduled, each with a large budget
};

}  // namespace graphc

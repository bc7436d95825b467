#pragma once

#include <vector>

#include "compiler/graph/graph.h"

namespace graphc {

/// What rows of the node's result need of its operands; empty: they cannot be computed alone.
std::vector<RowUse> row_uses_of(const Graph& graph, NodeId node);

}  // namespace graphc

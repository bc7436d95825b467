#pragma once

#include <optional>

#include "compiler/graph/graph.h"

namespace graphc {

/// The rows that a node takes out of its operand, if that is all it does: a slice along the first
/// axis that leaves some behind.
std::optional<RowRange> sliced_rows(const Graph& graph, NodeId node);

}  // namespace graphc

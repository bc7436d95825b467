#pragma once

#include "compiler/graph/graph.h"
#include "compiler/vocabulary.h"

namespace graphc {

/// What to take out of a graph; one flag a node or value.
struct Removal {
  explicit Removal(const Graph& graph) : nodes(graph.nodes.size()), values(graph.values.size()) {}

  IdVector<NodeId, char> nodes;
  IdVector<ValueId, char> values;  ///< besides the results of removed nodes

  bool is_empty() const;
};

/// The graph without them; what stays keeps its order and gets new ids.
/// Requires: nothing that stays refers to what goes.
Graph without(Graph graph, const Removal& removal);

}  // namespace graphc

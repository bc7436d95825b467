#pragma once

#include <optional>

#include "compiler/graph/graph.h"
#include "compiler/parallel/part_rules.h"
#include "compiler/vocabulary.h"

namespace graphc {

/// What becomes of every node and value of a graph whose batch is divided.
struct Division {
  int64_t batch = 0;
  IdVector<NodeId, std::optional<PartRule>> rules;  ///< absent: the node stays one
  IdVector<NodeId, Attributes> attributes;          ///< explicit
  IdVector<ValueId, Sharding> held;                 ///< how each value comes to be
  /// What lies between the sums over the parts and the updates: it leads to the next value of a
  /// state, and no part reads what it leads to.
  IdVector<ValueId, char> is_update;
};

/// Requires: `batch` divides the first dimension of every input that has one.
Division find_division(const Graph& graph, int64_t batch);

}  // namespace graphc

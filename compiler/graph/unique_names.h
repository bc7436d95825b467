#pragma once

#include <set>
#include <string>

#include "compiler/graph/graph.h"

namespace graphc {

/// Names for what passes add to a graph: each is the wanted one or, if something has that, with a
/// number behind it.
class UniqueNames {
 public:
  /// Beside those of the graph's values. `separator` goes before a number.
  explicit UniqueNames(const Graph& graph, std::string separator = "_");

  /// Of a value.
  std::string unique(const std::string& wanted);
  /// Of a node, all of whose results have names.
  std::string unique_node(const std::string& wanted, const OpInfo& op);

 private:
  std::string separator_;
  std::set<std::string> taken_;
};

}  // namespace graphc

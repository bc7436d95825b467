#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "compiler/graph/graph.h"
#include "compiler/passes/remove_nodes.h"
#include "compiler/vocabulary.h"

namespace graphc {

/// Joins nodes with the only reader of their result.
class Fusion {
 public:
  explicit Fusion(Graph graph);

  const Graph& graph() const { return graph_; }

  /// The node that gives `operand`, if `reader` may compute it along: nothing else reads the result
  /// or knows it by its name, the user kept neither, both are pinned alike.
  std::optional<NodeId> find_joinable(NodeId reader, ValueId operand) const;
  /// The same, if its operator is `op`.
  std::optional<NodeId> find_joinable(NodeId reader, ValueId operand, std::string_view op) const;

  /// What a joined node computes.
  struct Formula {
    const OpInfo* op;
    Attributes attributes;
    std::vector<ValueId> inputs;
  };
  /// Lets `reader` compute `formula`; its name, its place and what it updates stay, `joined` goes.
  /// Requires: find_joinable named `joined`; the type of the result stays.
  void join(NodeId reader, NodeId joined, Formula formula);

  /// The graph without the nodes that went.
  Graph finish() &&;

 private:
  Graph graph_;
  Removal removal_;
  IdVector<ValueId, size_t> num_readers_;  ///< an output counts as one
};

}  // namespace graphc

#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/graph/graph.h"
#include "compiler/passes/remove_nodes.h"
#include "compiler/vocabulary.h"

namespace graphc {

/// Whether `value` is there before `node` can run, as far as a short look tells.
bool comes_before(const Graph& graph, ValueId value, NodeId node);

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

  /// The node of `op` that gives `operand`, if `reader` may give its result along with its own: nothing
  /// but `reader` reads it, or knows it by its name, but a state that it replaces. `reader` replaces
  /// one, too, then, or neither does.
  std::optional<NodeId> find_result_to_give(NodeId reader, ValueId operand,
                                            std::string_view op) const;

  /// What a joined node computes.
  struct Formula {
    const OpInfo* op;
    Attributes attributes;
    std::vector<ValueId> inputs;
  };
  /// Lets `reader` compute `formula`; its name, its place and what it updates stay, `joined` goes.
  /// Requires: find_joinable named `joined`; the type of the result stays.
  void join(NodeId reader, NodeId joined, Formula formula);
  /// The same where results of `joined`, in this order, become those of `reader` behind its first
  /// one; states that they replace stay theirs.
  /// Errors: false, and nothing is changed, if a name that such a result gets is taken.
  /// Requires: find_result_to_give named them.
  bool join_results(NodeId reader, const std::vector<NodeId>& joined, Formula formula);

  /// The graph without the nodes that went.
  Graph finish() &&;

 private:
  Graph graph_;
  Removal removal_;
  IdVector<ValueId, size_t> num_readers_;       ///< an output counts as one
  std::optional<std::set<std::string>> names_;  ///< of values; made when it is first needed
};

}  // namespace graphc

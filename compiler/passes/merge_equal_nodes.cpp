#include "compiler/passes/merge_equal_nodes.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "compiler/passes/remove_nodes.h"

namespace graphc {
namespace {

/// What makes two nodes compute the same on the same device, as one comparable value.
using Key = std::pair<std::string, std::vector<ValueId>>;
Key key_of(const Node& node, const IdVector<ValueId, ValueId>& equal_to) {
  std::string text(node.op->name);
  for (const Attribute& attribute : node.attributes) {
    text += ' ' + attribute.name + '=' + to_string(attribute.value);
  }
  text += node.device ? " device " + *node.device : "";
  for (const std::string& device : node.also_on) text += ", " + device;
  std::vector<ValueId> inputs;
  for (const ValueId input : node.inputs) inputs.push_back(equal_to[input]);
  return {std::move(text), std::move(inputs)};
}

class Merging {
 public:
  explicit Merging(Graph graph)
      : graph_(std::move(graph)),
        removal_(graph_),
        replacement_(graph_.values.size()),
        equal_to_(graph_.values.size()) {
    for (const ValueId id : graph_.values.ids()) equal_to_[id] = id;
    for (const GraphOutput& output : graph_.outputs) outputs_.insert(output.value);
  }

  Graph run() {
    for (const NodeId id : graph_.nodes.ids()) {
      for (ValueId& input : graph_.nodes[id].inputs) input = replacement_[input].value_or(input);
      if (!graph_.nodes[id].keep) visit(id);
    }
    return without(std::move(graph_), removal_);
  }

 private:
  /// Whether others know the node by its name.
  bool is_anchored(const Node& node) const {
    return node.updates.has_value() ||
           std::any_of(node.results.begin(), node.results.end(),
                       [&](ValueId result) { return outputs_.contains(result); });
  }

  void visit(NodeId id) {
    const Node& node = graph_.nodes[id];
    const auto [first, is_new] = first_.emplace(key_of(node, equal_to_), id);
    if (is_new) return;
    const Node& earlier = graph_.nodes[first->second];
    for (size_t i = 0; i < node.results.size(); ++i) {
      equal_to_[node.results[i]] = equal_to_[earlier.results[i]];
    }
    if (!is_anchored(node)) return replace(id, first->second);
    if (!is_anchored(earlier)) take_place_of(first->second, id);
  }

  void replace(NodeId id, NodeId by) {
    for (size_t i = 0; i < graph_.nodes[id].results.size(); ++i) {
      replacement_[graph_.nodes[id].results[i]] = graph_.nodes[by].results[i];
    }
    removal_.nodes[id] = 1;
  }

  // The later node has the name that must survive, the earlier one the place that its readers need.
  void take_place_of(NodeId earlier, NodeId later) {
    std::swap(graph_.nodes[earlier], graph_.nodes[later]);
    removal_.nodes[later] = 1;
    for (size_t i = 0; i < graph_.nodes[earlier].results.size(); ++i) {
      const ValueId stays = graph_.nodes[earlier].results[i];
      const ValueId gone = graph_.nodes[later].results[i];
      graph_.values[stays].producer = earlier;
      graph_.values[gone].producer = later;
      replace_value(gone, stays);
    }
  }

  void replace_value(ValueId gone, ValueId stays) {
    replacement_[gone] = stays;
    for (const NodeId id : graph_.nodes.ids()) {
      for (ValueId& input : graph_.nodes[id].inputs) {
        if (input == gone) input = stays;
      }
    }
    for (std::optional<ValueId>& value : replacement_) {
      if (value == gone) value = stays;
    }
  }

  Graph graph_;
  Removal removal_;
  IdVector<ValueId, std::optional<ValueId>> replacement_;
  /// For every value, the first that is equal to it: so readers of two that stay two merge too.
  IdVector<ValueId, ValueId> equal_to_;
  std::set<ValueId> outputs_;
  std::map<Key, NodeId> first_;
};

}  // namespace

Result<Graph> merge_equal_nodes(Graph graph, DiagnosticSink&) {
  return Merging(std::move(graph)).run();
}

}  // namespace graphc

#include "compiler/passes/remove_nodes.h"

#include <algorithm>
#include <utility>

namespace graphc {
namespace {

class Renumbering {
 public:
  Renumbering(const Graph& graph, const Removal& removal) : new_ids_(graph.values.size()) {
    size_t next = 0;
    for (const ValueId id : graph.values.ids()) {
      const std::optional<NodeId>& producer = graph.values[id].producer;
      const bool goes = removal.values[id] != 0 || (producer && removal.nodes[*producer] != 0);
      if (!goes) new_ids_[id] = ValueId(next++);
    }
  }

  bool stays(ValueId id) const { return new_ids_[id].has_value(); }

  ValueId operator()(ValueId id) const {
    CHECK(stays(id), "what stays refers to a value that goes");
    return *new_ids_[id];
  }

 private:
  IdVector<ValueId, std::optional<ValueId>> new_ids_;
};

}  // namespace

bool Removal::is_empty() const {
  const auto is_set = [](char flag) { return flag != 0; };
  return std::none_of(nodes.begin(), nodes.end(), is_set) &&
         std::none_of(values.begin(), values.end(), is_set);
}

Graph without(Graph graph, const Removal& removal) {
  if (removal.is_empty()) return graph;
  const Renumbering renumbered(graph, removal);
  Graph result;
  result.name = std::move(graph.name);
  for (const ValueId id : graph.values.ids()) {
    if (!renumbered.stays(id)) continue;
    graph.values[id].producer.reset();
    result.values.push_back(std::move(graph.values[id]));
  }
  for (const NodeId id : graph.nodes.ids()) {
    if (removal.nodes[id] != 0) continue;
    Node& node = graph.nodes[id];
    for (ValueId& input : node.inputs) input = renumbered(input);
    if (node.updates) node.updates = renumbered(*node.updates);
    for (ValueId& state : node.more_updates) state = renumbered(state);
    for (ValueId& value : node.results) value = renumbered(value);
    const std::vector<ValueId> results = node.results;
    const NodeId added = result.nodes.push_back(std::move(node));
    for (const ValueId value : results) result.values[value].producer = added;
  }
  result.outputs = std::move(graph.outputs);
  for (GraphOutput& output : result.outputs) output.value = renumbered(output.value);
  return result;
}

}  // namespace graphc

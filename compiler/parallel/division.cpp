#include "compiler/parallel/division.h"

#include <algorithm>

namespace graphc {
namespace {

/// What the user pinned stays where it is, and a state has one next value.
bool stays_one(const Node& node) { return node.device.has_value() || node.updates.has_value(); }

void find_rules(const Graph& graph, Division& division) {
  for (const ValueId id : graph.values.ids()) {
    const Value& value = graph.values[id];
    const bool is_divided = value.kind == ValueKind::kInput && value.type.rank() > 0;
    division.held[id] = is_divided ? Sharding::kSplit : Sharding::kReplicated;
  }
  for (const NodeId id : graph.nodes.ids()) {
    const Node& node = graph.nodes[id];
    const std::vector<TensorType> types = graph.input_types(id);
    const std::vector<TensorType> results = graph.result_types(id);
    WholeNode whole{node.op, types, results, &node.attributes};
    division.attributes[id] = explicit_attributes(whole);
    whole.attributes = &division.attributes[id];
    std::vector<Sharding> held;
    for (const ValueId input : node.inputs) held.push_back(division.held[input]);
    if (stays_one(node)) continue;
    division.rules[id] = find_part_rule(whole, held, division.batch);
    if (!division.rules[id]) continue;
    for (const ValueId result : node.results) division.held[result] = division.rules[id]->result;
  }
}

void find_updates(const Graph& graph, Division& division) {
  IdVector<ValueId, char> is_read_by_parts(graph.values.size(), 0);
  for (auto id = static_cast<int32_t>(graph.nodes.size()) - 1; id >= 0; --id) {
    const Node& node = graph.nodes[NodeId(id)];
    const size_t num_updated = node.updated_states().size();
    for (size_t i = 0; i < num_updated; ++i) division.is_update[node.results[i]] = 1;
    const auto is_set = [&](const IdVector<ValueId, char>& flags) {
      return std::any_of(node.results.begin(), node.results.end(),
                         [&](ValueId result) { return flags[result] != 0; });
    };
    const bool is_read = division.rules[NodeId(id)] || is_set(is_read_by_parts);
    const bool is_update = is_set(division.is_update);
    for (const ValueId input : node.inputs) {
      if (is_read) is_read_by_parts[input] = 1;
      if (is_update) division.is_update[input] = 1;
    }
  }
  for (const ValueId id : graph.values.ids()) {
    if (is_read_by_parts[id] != 0) division.is_update[id] = 0;
  }
}

}  // namespace

Division find_division(const Graph& graph, int64_t batch) {
  Division division;
  division.batch = batch;
  division.rules = IdVector<NodeId, std::optional<PartRule>>(graph.nodes.size());
  division.attributes = IdVector<NodeId, Attributes>(graph.nodes.size());
  division.held = IdVector<ValueId, Sharding>(graph.values.size());
  division.is_update = IdVector<ValueId, char>(graph.values.size(), 0);
  find_rules(graph, division);
  find_updates(graph, division);
  return division;
}

}  // namespace graphc

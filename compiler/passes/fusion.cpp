#include "compiler/passes/fusion.h"

#include <algorithm>
#include <utility>

namespace graphc {
namespace {

/// Whether one node may do what two do: the user kept neither, both are pinned alike. Such a node has
/// one result.
bool may_run_as_one(const Node& first, const Node& second) {
  return !first.keep && !second.keep && first.results.size() == 1 &&
         first.device == second.device && first.also_on == second.also_on;
}

/// Nodes looked at for one answer: whoever is further up counts as unknown.
constexpr size_t kMaxLookedAt = 256;

}  // namespace

bool comes_before(const Graph& graph, ValueId value, NodeId node) {
  const std::optional<NodeId>& wanted = graph.values[value].producer;
  if (!wanted) return true;
  std::vector<NodeId> found = {node};
  for (size_t i = 0; i < found.size() && found.size() < kMaxLookedAt; ++i) {
    for (const ValueId input : graph.nodes[found[i]].inputs) {
      const std::optional<NodeId>& producer = graph.values[input].producer;
      // A node stands behind all that it needs.
      if (!producer || *producer < *wanted) continue;
      if (*producer == *wanted) return true;
      if (std::find(found.begin(), found.end(), *producer) == found.end()) {
        found.push_back(*producer);
      }
    }
  }
  return false;
}

Fusion::Fusion(Graph graph)
    : graph_(std::move(graph)), removal_(graph_), num_readers_(graph_.values.size(), 0) {
  for (const Node& node : graph_.nodes) {
    for (const ValueId input : node.inputs) ++num_readers_[input];
  }
  for (const GraphOutput& output : graph_.outputs) ++num_readers_[output.value];
}

std::optional<NodeId> Fusion::find_joinable(NodeId reader, ValueId operand) const {
  const std::optional<NodeId>& producer = graph_.values[operand].producer;
  if (!producer || num_readers_[operand] != 1) return std::nullopt;
  const Node& first = graph_.nodes[*producer];
  if (first.updates || !may_run_as_one(first, graph_.nodes[reader])) return std::nullopt;
  return producer;
}

std::optional<NodeId> Fusion::find_joinable(NodeId reader, ValueId operand,
                                            std::string_view op) const {
  const std::optional<NodeId> producer = find_joinable(reader, operand);
  return producer && graph_.nodes[*producer].op->name == op ? producer : std::nullopt;
}

std::optional<NodeId> Fusion::find_result_to_give(NodeId reader, ValueId operand,
                                                  std::string_view op) const {
  const std::optional<NodeId>& producer = graph_.values[operand].producer;
  if (!producer || num_readers_[operand] != 1) return std::nullopt;
  const Node& first = graph_.nodes[*producer];
  const Node& second = graph_.nodes[reader];
  if (first.op->name != op || !may_run_as_one(first, second)) return std::nullopt;
  if (first.updates.has_value() != second.updates.has_value()) return std::nullopt;
  return producer;
}

void Fusion::join(NodeId reader, NodeId joined, Formula formula) {
  Node& node = graph_.nodes[reader];
  node.op = formula.op;
  node.attributes = std::move(formula.attributes);
  node.inputs = std::move(formula.inputs);
  node.input_places.clear();
  removal_.nodes[joined] = 1;
}

bool Fusion::join_results(NodeId reader, const std::vector<NodeId>& joined, Formula formula) {
  Node& node = graph_.nodes[reader];
  if (!names_) {
    names_.emplace();
    for (const Value& value : graph_.values) names_->insert(value.name);
  }
  std::vector<std::string> names;
  for (size_t i = 1; i <= joined.size(); ++i) {
    names.push_back(result_name(*formula.op, node.name, i));
    if (names_->contains(names.back())) return false;
  }
  for (size_t i = 0; i < joined.size(); ++i) {
    const Node& before = graph_.nodes[joined[i]];
    Value& result = graph_.values[before.result()];
    names_->insert(names[i]);
    result.name = std::move(names[i]);
    result.producer = reader;
    node.results.push_back(before.result());
    if (before.updates) node.more_updates.push_back(*before.updates);
    removal_.nodes[joined[i]] = 1;
  }
  node.op = formula.op;
  node.attributes = std::move(formula.attributes);
  node.inputs = std::move(formula.inputs);
  node.input_places.clear();
  return true;
}

Graph Fusion::finish() && { return without(std::move(graph_), removal_); }

}  // namespace graphc

#include <algorithm>
#include <set>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "compiler/graph/graph.h"
#include "compiler/graph/graph_request.h"
#include "runtime/base/text.h"

namespace graphc {
namespace {

Violation check_source_value(const Value& value) {
  if (value.producer) return graphrt::quoted_name(value.name) + " is no node, but has a producer";
  const Initializer& initializer = value.initializer;
  const bool has_data = initializer.kind == InitializerKind::kData;
  if (value.kind == ValueKind::kConstant && !has_data) {
    return "the constant " + graphrt::quoted_name(value.name) + " has no data";
  }
  const auto num_bytes = static_cast<int64_t>(initializer.data.size());
  if (value.kind != ValueKind::kInput && has_data && num_bytes != value.type.size_bytes()) {
    return graphrt::quoted_name(value.name) + " has " + std::to_string(num_bytes) +
           " bytes of data, but is " + to_string(value.type);
  }
  return std::nullopt;
}

bool is_result_of(const Node& node, ValueId value) {
  return std::find(node.results.begin(), node.results.end(), value) != node.results.end();
}

Violation check_values(const Graph& graph) {
  std::unordered_set<std::string_view> names;  // asked only whether it holds one
  names.reserve(graph.values.size());
  for (const ValueId id : graph.values.ids()) {
    const Value& value = graph.values[id];
    if (!is_identifier(value.name)) return graphrt::quoted_name(value.name) + " is no identifier";
    if (!names.insert(value.name).second)
      return "two values are named " + graphrt::quoted_name(value.name);
    if (!is_valid(value.type)) return graphrt::quoted_name(value.name) + " has no valid type";
    if (value.kind != ValueKind::kNode) {
      if (Violation violation = check_source_value(value)) return violation;
      continue;
    }
    const bool has_producer = value.producer && graph.nodes.contains(*value.producer);
    if (!has_producer || !is_result_of(graph.nodes[*value.producer], id)) {
      return graphrt::quoted_name(value.name) + " is no result of its producer";
    }
  }
  return std::nullopt;
}

Violation check_inputs(const Graph& graph, NodeId id) {
  const Node& node = graph.nodes[id];
  if (node.inputs.size() < node.op->min_inputs || node.inputs.size() > node.op->max_inputs) {
    return graphrt::quoted_name(node.name) + " has " + std::to_string(node.inputs.size()) +
           " operands";
  }
  if (!node.input_places.empty() && node.input_places.size() != node.inputs.size()) {
    return graphrt::quoted_name(node.name) +
           " has another number of operands than of places of operands";
  }
  for (const ValueId input : node.inputs) {
    if (!graph.values.contains(input))
      return graphrt::quoted_name(node.name) + " reads a value that is not there";
    const Value& value = graph.values[input];
    if (value.producer && *value.producer >= id) {
      return graphrt::quoted_name(node.name) + " stands before " +
             graphrt::quoted_name(value.name) + ", which it reads";
    }
  }
  return std::nullopt;
}

Violation check_attributes(const Node& node) {
  for (const Attribute& attribute : node.attributes) {
    const AttributeSpec* spec = find_attribute(*node.op, attribute.name);
    if (spec == nullptr || kind_of(attribute.value) != spec->kind) {
      return graphrt::quoted_name(node.name) + " has the attribute '" + attribute.name +
             "', which its operator does not take";
    }
  }
  for (const AttributeSpec& spec : node.op->attributes) {
    if (spec.is_required && node.attributes.find(spec.name) == nullptr) {
      return graphrt::quoted_name(node.name) + " lacks the attribute '" + std::string(spec.name) +
             "'";
    }
  }
  return std::nullopt;
}

Violation check_type(const Graph& graph, NodeId id) {
  const Node& node = graph.nodes[id];
  const auto inferred = infer_types(*node.op, graph.input_types(id), node.attributes);
  if (!inferred) return graphrt::quoted_name(node.name) + ": " + inferred.error().message;
  for (size_t i = 0; i < node.results.size(); ++i) {
    const Value& result = graph.values[node.results[i]];
    if ((*inferred)[i] == result.type) continue;
    return graphrt::quoted_name(result.name) + " is " + to_string((*inferred)[i]) +
           ", but is typed " + to_string(result.type);
  }
  return std::nullopt;
}

Violation check_update(const Graph& graph, ValueId updated, ValueId result,
                       IdVector<ValueId, char>& is_updated) {
  const Value& value = graph.values[result];
  const bool is_state =
      graph.values.contains(updated) && graph.values[updated].kind == ValueKind::kState;
  if (!is_state) return graphrt::quoted_name(value.name) + " updates what is no state";
  const Value& state = graph.values[updated];
  if (std::exchange(is_updated[updated], 1) != 0)
    return graphrt::quoted_name(state.name) + " is updated twice";
  if (value.type == state.type) return std::nullopt;
  return graphrt::quoted_name(value.name) + " is " + to_string(value.type) + ", but updates " +
         graphrt::quoted_name(state.name) + " of type " + to_string(state.type);
}

Violation check_updates(const Graph& graph, const Node& node, IdVector<ValueId, char>& is_updated) {
  const std::vector<ValueId> states = node.updated_states();
  const bool fits =
      node.more_updates.empty() || (node.updates && states.size() == node.results.size());
  if (!fits) return graphrt::quoted_name(node.name) + " updates states with some of its results";
  for (size_t i = 0; i < states.size(); ++i) {
    if (Violation violation = check_update(graph, states[i], node.results[i], is_updated)) {
      return violation;
    }
  }
  return std::nullopt;
}

Violation check_results(const Graph& graph, NodeId id) {
  const Node& node = graph.nodes[id];
  if (node.results.size() != node.op->num_results()) {
    return graphrt::quoted_name(node.name) + " has " + std::to_string(node.results.size()) +
           " results";
  }
  for (size_t i = 0; i < node.results.size(); ++i) {
    const ValueId result = node.results[i];
    const std::string name = result_name(*node.op, node.name, i);
    if (graph.values.contains(result) && graph.values[result].producer == id &&
        graph.values[result].name == name) {
      continue;
    }
    return graphrt::quoted_name(node.name) + " has no result of " +
           (i == 0 ? "its name" : "the name " + graphrt::quoted_name(name));
  }
  return std::nullopt;
}

Violation check_nodes(const Graph& graph) {
  IdVector<ValueId, char> is_updated(graph.values.size(), 0);
  for (const NodeId id : graph.nodes.ids()) {
    const Node& node = graph.nodes[id];
    if (node.op == nullptr) return graphrt::quoted_name(node.name) + " has no operator";
    if (Violation violation = check_results(graph, id)) return violation;
    if (Violation violation = check_inputs(graph, id)) return violation;
    if (Violation violation = check_attributes(node)) return violation;
    if (Violation violation = check_type(graph, id)) return violation;
    if (Violation violation = check_updates(graph, node, is_updated)) return violation;
  }
  return std::nullopt;
}

Violation check_training(const Graph& graph, const Training& training) {
  if (!graph.values.contains(training.loss)) return "the loss is no value of the graph";
  if (!training.parameters) return std::nullopt;
  for (const ListedParameter& parameter : *training.parameters) {
    const bool is_state = graph.values.contains(parameter.state) &&
                          graph.values[parameter.state].kind == ValueKind::kState;
    if (!is_state) return "a trained parameter is no state of the graph";
  }
  return std::nullopt;
}

Violation check_parallel(const Parallel& parallel) {
  if ((parallel.kind == ParallelKind::kBatch) == parallel.batch.empty()) {
    return "`parallel` divides a batch over no device, or none over some";
  }
  std::set<std::string> devices;
  for (const BatchPart& part : parallel.batch) {
    if (!devices.insert(part.device).second) return "'" + part.device + "' has two parts";
    if (part.rows && *part.rows < 1) return "the part of '" + part.device + "' has no rows";
  }
  return std::nullopt;
}

}  // namespace

Violation verify_graph(const Graph& graph) {
  if (Violation violation = check_values(graph)) return violation;
  if (Violation violation = check_nodes(graph)) return violation;
  for (const GraphOutput& output : graph.outputs) {
    if (!graph.values.contains(output.value)) return "an output is no value of the graph";
  }
  return std::nullopt;
}

Violation verify_request(const GraphRequest& request) {
  if (Violation violation = verify_graph(request.forward)) return violation;
  if (request.parallel) {
    if (Violation violation = check_parallel(*request.parallel)) return violation;
  }
  return request.training ? check_training(request.forward, *request.training) : std::nullopt;
}

}  // namespace graphc

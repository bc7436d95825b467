#include "compiler/graph/print_graph.h"

#include <utility>

#include "compiler/graph/print_literal.h"
#include "compiler/graph/print_parallel.h"
#include "compiler/graph/print_training.h"
#include "runtime/base/text.h"

namespace graphc {
namespace {

std::string random_stream(const Value& state, std::string arguments) {
  const Initializer& initializer = state.initializer;
  arguments += "seed=" + std::to_string(initializer.seed);
  if (initializer.stream != state.name) arguments += ", stream=" + print_word(initializer.stream);
  return "(" + arguments + ")";
}

std::string print_initializer(const Value& state) {
  const Initializer& initializer = state.initializer;
  switch (initializer.kind) {
    case InitializerKind::kZeros:
      return "zeros";
    case InitializerKind::kConstant:
      return "constant(" + format_number(initializer.low) + ")";
    case InitializerKind::kUniform:
      return "uniform" + random_stream(state, "low=" + format_number(initializer.low) + ", high=" +
                                                  format_number(initializer.high) + ", ");
    case InitializerKind::kHeNormal:
      return "he_normal" + random_stream(state, "");
    case InitializerKind::kXavier:
      return "xavier" + random_stream(state, "");
    case InitializerKind::kData:
      return print_literal(state.type, initializer.data);
  }
  return "";
}

std::string print_source(const Value& value) {
  const std::string type = " : " + to_string(value.type);
  if (value.kind == ValueKind::kConstant) {
    return "constant %" + value.name + type + " = " +
           print_literal(value.type, value.initializer.data) + "\n";
  }
  if (value.kind == ValueKind::kInput) {
    const std::string feed = value.feed_path ? " feed " + in_quotes(*value.feed_path) : "";
    return "input %" + value.name + type + feed + "\n";
  }
  return "state %" + value.name + type + " init " + print_initializer(value) +
         (value.device ? " device " + print_word(*value.device) : "") + "\n";
}

std::string print_node(const Graph& graph, const Node& node) {
  std::vector<std::string> results;
  std::vector<std::string> types;
  for (const ValueId result : node.results) {
    results.push_back("%" + graph.values[result].name);
    types.push_back(to_string(graph.type_of(result)));
  }
  std::string text = join(results, ", ") + " = " + std::string(node.op->name) + "(";
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    text += (i > 0 ? ", %" : "%") + graph.values[node.inputs[i]].name;
  }
  text += ")";
  std::string attributes;
  for (const Attribute& attribute : node.attributes) {
    attributes +=
        (attributes.empty() ? "" : ", ") + attribute.name + " = " + to_string(attribute.value);
  }
  if (!attributes.empty()) text += " {" + attributes + "}";
  text += " : " + join(types, ", ");
  if (node.device) text += " device " + print_word(*node.device);
  for (const std::string& device : node.also_on) text += ", " + print_word(device);
  if (node.keep) text += " keep";
  if (node.precision) text += " precision " + std::string(to_string(*node.precision));
  std::string separator = " updates %";
  for (const ValueId state : node.updated_states()) {
    text += std::exchange(separator, ", %") + graph.values[state].name;
  }
  return text + "\n";
}

}  // namespace

std::string print_word(const std::string& text) {
  return is_identifier(text) ? text : in_quotes(text);
}

std::string print_graph(const Graph& graph) {
  std::string text = "graph " + print_word(graph.name) + "\n";
  for (const ValueKind kind : {ValueKind::kInput, ValueKind::kState, ValueKind::kConstant}) {
    for (const Value& value : graph.values) {
      if (value.kind == kind) text += print_source(value);
    }
  }
  for (const Node& node : graph.nodes) text += print_node(graph, node);
  for (const GraphOutput& output : graph.outputs) {
    text += "output %" + graph.values[output.value].name;
    if (output.device) text += " on " + print_word(*output.device);
    text += "\n";
  }
  return text;
}

std::string print_request(const GraphRequest& request) {
  std::string text = print_graph(request.forward);
  if (request.training) text += print_training(*request.training, request.forward);
  if (request.parallel) text += print_parallel(*request.parallel);
  return text;
}

}  // namespace graphc

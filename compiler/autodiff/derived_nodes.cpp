#include "compiler/autodiff/derived_nodes.h"

#include <bit>
#include <cstring>
#include <utility>

#include "runtime/base/element.h"

namespace graphc {
namespace {

template <class T>
std::vector<std::byte> bytes_of_scalar(T value) {
  std::vector<std::byte> bytes(sizeof(T));
  std::memcpy(bytes.data(), &value, sizeof(T));
  return bytes;
}

}  // namespace

DerivedNodes::DerivedNodes(Graph graph) : graph_(std::move(graph)), names_(graph_) {}

ValueId DerivedNodes::add(std::string_view op, std::vector<ValueId> inputs, Attributes attributes,
                          const Origin& origin) {
  Node node;
  node.op = find_op(op);
  CHECK(node.op != nullptr, std::string(op));
  node.attributes = std::move(attributes);
  node.inputs = std::move(inputs);
  node.device = origin.device;
  node.device_where = origin.device_where;
  node.where = origin.where;
  std::vector<TensorType> types;
  for (const ValueId input : node.inputs) types.push_back(graph_.type_of(input));
  const auto given = infer_types(*node.op, types, node.attributes);
  CHECK(given.has_value(), given ? "" : given.error().message);

  for (const TensorType& type : *given) {
    Value value;
    value.type = type;
    value.where = origin.where;
    value.producer = NodeId(graph_.nodes.size());
    node.results.push_back(graph_.values.push_back(std::move(value)));
  }
  const ValueId result = node.result();
  graph_.nodes.push_back(std::move(node));
  return result;
}

void DerivedNodes::name(ValueId value, const std::string& wanted) {
  CHECK(is_unnamed(value), graph_.values[value].name);
  Node& node = graph_.nodes[*graph_.values[value].producer];
  node.name = names_.unique_node(wanted, *node.op);
  for (size_t i = 0; i < node.results.size(); ++i) {
    graph_.values[node.results[i]].name = result_name(*node.op, node.name, i);
  }
}

ValueId DerivedNodes::add_named(const std::string& wanted, std::string_view op,
                                std::vector<ValueId> inputs, Attributes attributes,
                                const Origin& origin) {
  const ValueId value = add(op, std::move(inputs), std::move(attributes), origin);
  name(value, wanted);
  return value;
}

ValueId DerivedNodes::add_state(const std::string& wanted, TensorType type,
                                const SourceRange& where, Initializer initializer) {
  Value state;
  state.kind = ValueKind::kState;
  state.name = names_.unique(wanted);
  state.type = std::move(type);
  state.initializer = std::move(initializer);
  state.where = where;
  return graph_.values.push_back(std::move(state));
}

ValueId DerivedNodes::scalar(double number, ElementType element, const SourceRange& where) {
  const auto rounded = static_cast<float>(number);
  const std::pair key(element, std::bit_cast<uint32_t>(rounded));
  const auto known = scalars_.find(key);
  if (known != scalars_.end()) return known->second;
  std::vector<std::byte> bytes = graphrt::with_float_type(element, [&](auto tag) {
    return bytes_of_scalar(graphrt::narrowed<typename decltype(tag)::Type>(rounded));
  });
  const ValueId value = add_constant("train.number", {element, {}}, std::move(bytes), where);
  scalars_.emplace(key, value);
  return value;
}

ValueId DerivedNodes::add_integer(const std::string& wanted, int64_t number, ElementType element,
                                  const SourceRange& where) {
  std::vector<std::byte> bytes = element == ElementType::kI64
                                     ? bytes_of_scalar(number)
                                     : bytes_of_scalar(static_cast<int32_t>(number));
  return add_constant(wanted, {element, {}}, std::move(bytes), where);
}

ValueId DerivedNodes::add_constant(const std::string& wanted, TensorType type,
                                   std::vector<std::byte> data, const SourceRange& where) {
  Value constant;
  constant.kind = ValueKind::kConstant;
  constant.name = names_.unique(wanted);
  constant.type = std::move(type);
  constant.initializer.kind = InitializerKind::kData;
  constant.initializer.data = std::move(data);
  constant.where = where;
  return graph_.values.push_back(std::move(constant));
}

void DerivedNodes::store_as(ValueId value, ElementType element) {
  Node& node = graph_.nodes[*graph_.values[value].producer];
  node.attributes.set("to", std::string(to_string(element)));
  graph_.values[value].type.element = element;
}

void DerivedNodes::update(ValueId state, ValueId value) {
  const std::optional<NodeId>& producer = graph_.values[value].producer;
  CHECK(producer.has_value(), "only a node's result updates " + graph_.values[state].name);
  graph_.nodes[*producer].updates = state;
}

Graph DerivedNodes::finish() && {
  for (const Value& value : graph_.values) CHECK(!value.name.empty(), "a derived node has no name");
  return std::move(graph_);
}

}  // namespace graphc

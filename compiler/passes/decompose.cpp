#include "compiler/passes/decompose.h"

#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/element.h"
#include "runtime/op/composite.h"

namespace graphc {
namespace {

class Decomposition {
 public:
  explicit Decomposition(Graph graph) : graph_(std::move(graph)) {
    for (const ValueId id : graph_.values.ids()) {
      const Value& value = graph_.values[id];
      names_.insert(value.name);
      if (std::optional<NumberKey> key = key_of(value)) scalars_.emplace(*std::move(key), id);
    }
  }

  Graph run() {
    for (Node& node : std::exchange(graph_.nodes, {})) {
      if (node.op->is_composite()) {
        replace(std::move(node));
      } else {
        add(std::move(node));
      }
    }
    return std::move(graph_);
  }

 private:
  void add(Node node) {
    const std::vector<ValueId> results = node.results;
    const NodeId id = graph_.nodes.push_back(std::move(node));
    for (const ValueId result : results) graph_.values[result].producer = id;
  }

  void replace(Node whole) {
    const graphrt::Expression expression = expression_of(*whole.op, whole.attributes);
    std::vector<ValueId> values;
    for (const graphrt::ExpressionStep& step : expression.steps) {
      switch (step.kind) {
        case graphrt::ExpressionStep::Kind::kVariable:
          values.push_back(whole.inputs[step.variable]);
          break;
        case graphrt::ExpressionStep::Kind::kNumber:
          values.push_back(
              scalar(step.number, graph_.type_of(whole.inputs[0]).element, whole.where));
          break;
        case graphrt::ExpressionStep::Kind::kCall:
          const bool is_last = &step == &expression.steps.back();
          values.push_back(call(step, values, whole, is_last));
      }
    }
  }

  /// The result of the node that computes `step`.
  ValueId call(const graphrt::ExpressionStep& step, const std::vector<ValueId>& values,
               const Node& whole, bool is_last) {
    Node node;
    node.op = find_op(to_string(step.function));
    node.attributes = attributes_of(step);
    for (const size_t operand : operands_of(step)) node.inputs.push_back(values[operand]);
    node.device = whole.device;
    node.also_on = whole.also_on;
    node.device_where = whole.device_where;
    node.where = whole.where;
    if (is_last) {
      node.name = whole.name;
      node.results = whole.results;
      node.updates = whole.updates;
      node.keep = whole.keep;
    } else {
      node.results = {new_value(node, whole.name + "." + std::string(node.op->name))};
      node.name = graph_.values[node.result()].name;
    }
    const ValueId result = node.result();
    add(std::move(node));
    return result;
  }

  ValueId new_value(const Node& node, const std::string& wanted) {
    std::vector<TensorType> types;
    for (const ValueId input : node.inputs) types.push_back(graph_.type_of(input));
    Value value;
    value.name = unique(wanted);
    value.type = infer_type(*node.op, types, node.attributes).value();
    value.where = node.where;
    return graph_.values.push_back(std::move(value));
  }

  /// A number without dimensions, by its bytes.
  using NumberKey = std::pair<ElementType, std::vector<std::byte>>;

  /// Nothing of what is no number in the graph.
  static std::optional<NumberKey> key_of(const Value& value) {
    if (value.kind != ValueKind::kConstant || !value.type.shape.empty()) return std::nullopt;
    if (value.initializer.kind != InitializerKind::kData) return std::nullopt;
    return NumberKey(value.type.element, value.initializer.data.to_vector());
  }

  /// A constant without dimensions; the same for the same number.
  ValueId scalar(double number, ElementType element, const SourceRange& where) {
    std::vector<std::byte> bytes = graphrt::with_float_type(element, [&](auto tag) {
      const auto stored = graphrt::narrowed<typename decltype(tag)::Type>(number);
      std::vector<std::byte> raw(sizeof stored);
      std::memcpy(raw.data(), &stored, sizeof stored);
      return raw;
    });
    const auto [known, is_new] = scalars_.try_emplace(NumberKey(element, bytes));
    if (!is_new) return known->second;
    Value value;
    value.kind = ValueKind::kConstant;
    value.name = unique("number");
    value.type = {element, {}};
    value.initializer.kind = InitializerKind::kData;
    value.initializer.data = std::move(bytes);
    value.where = where;
    known->second = graph_.values.push_back(std::move(value));
    return known->second;
  }

  std::string unique(const std::string& wanted) {
    std::string name = wanted;
    for (int number = 2; !names_.insert(name).second; ++number) {
      name = wanted + "_" + std::to_string(number);
    }
    return name;
  }

  Graph graph_;
  std::set<std::string> names_;
  std::map<NumberKey, ValueId> scalars_;
};

}  // namespace

Result<Graph> decompose(Graph graph, DiagnosticSink&) {
  return Decomposition(std::move(graph)).run();
}

}  // namespace graphc

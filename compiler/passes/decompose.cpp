#include "compiler/passes/decompose.h"

#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "compiler/graph/label_count.h"
#include "compiler/graph/unique_names.h"
#include "compiler/passes/append_node.h"
#include "runtime/base/element.h"
#include "runtime/op/composite.h"

namespace graphc {
namespace {

class Decomposition {
 public:
  Decomposition(Graph graph, bool is_for_parts)
      : graph_(std::move(graph)), is_for_parts_(is_for_parts), names_(graph_) {
    for (const ValueId id : graph_.values.ids()) {
      if (std::optional<NumberKey> key = key_of(graph_.values[id])) {
        scalars_.emplace(*std::move(key), id);
      }
    }
  }

  Graph run() {
    for (Node& node : std::exchange(graph_.nodes, {})) {
      if (node.op->is_composite()) {
        replace(node);
      } else if (is_for_parts_ && is_mean_of_counted(node)) {
        replace_mean(node);
      } else {
        append_node(graph_, std::move(node));
      }
    }
    return std::move(graph_);
  }

 private:
  void replace(const Node& whole) {
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
    std::vector<ValueId> inputs;
    for (const size_t operand : operands_of(step)) inputs.push_back(values[operand]);
    Node node = node_in_place_of(whole, to_string(step.function), inputs, attributes_of(step));
    return is_last ? add_last(std::move(node), whole) : add_named(std::move(node), whole);
  }

  bool is_mean_of_counted(const Node& node) const {
    if (node.op->row_total_rule == nullptr) return false;
    std::vector<TensorType> types;
    for (const ValueId input : node.inputs) types.push_back(graph_.type_of(input));
    return node.op->row_total_rule(types, graph_.type_of(node.result()), node.attributes) ==
           graphrt::RowTotal::kMeanOfCounted;
  }

  void replace_mean(const Node& whole) {
    Attributes attributes = whole.attributes;
    attributes.set("reduction", std::string("sum"));
    Node sum = node_in_place_of(whole, whole.op->name, whole.inputs, std::move(attributes));
    sum.name = whole.name + ".total";
    const ValueId total = add_named(std::move(sum), whole);
    const ValueId label = whole.inputs[1];
    const ElementType element = graph_.type_of(label).element;
    const int64_t ignored = whole.attributes.integer("ignore_index", 0);
    const auto add_part = [&](std::string_view op, std::vector<ValueId> inputs, Attributes given) {
      return add_named(node_in_place_of(whole, op, std::move(inputs), std::move(given)), whole);
    };
    const ValueId count = add_label_count(
        label, constant(element, bytes_of_integer(ignored, element), whole.where), add_part);
    add_last(node_in_place_of(whole, "div", {total, count}, {}), whole);
  }

  /// What `whole` is called and leads to becomes the node's.
  ValueId add_last(Node node, const Node& whole) {
    node.name = whole.name;
    node.results = whole.results;
    node.updates = whole.updates;
    node.keep = whole.keep;
    append_node(graph_, std::move(node));
    return whole.result();
  }

  /// Without a name of its own, the node is called by `whole` and its operator.
  ValueId add_named(Node node, const Node& whole) {
    if (node.name.empty()) node.name = whole.name + "." + std::string(node.op->name);
    return append_new_node(graph_, names_, std::move(node));
  }

  /// A number without dimensions, by its bytes.
  using NumberKey = std::pair<ElementType, std::vector<std::byte>>;

  /// Nothing of what is no number in the graph.
  static std::optional<NumberKey> key_of(const Value& value) {
    if (value.kind != ValueKind::kConstant || !value.type.shape.empty()) return std::nullopt;
    if (value.initializer.kind != InitializerKind::kData) return std::nullopt;
    return NumberKey(value.type.element, value.initializer.data.to_vector());
  }

  template <class T>
  static std::vector<std::byte> bytes_of(T stored) {
    std::vector<std::byte> raw(sizeof stored);
    std::memcpy(raw.data(), &stored, sizeof stored);
    return raw;
  }

  /// Requires: the type, i32 or i64, holds it.
  static std::vector<std::byte> bytes_of_integer(int64_t number, ElementType element) {
    return element == ElementType::kI64 ? bytes_of(number) : bytes_of(static_cast<int32_t>(number));
  }

  ValueId scalar(double number, ElementType element, const SourceRange& where) {
    return constant(element,
                    graphrt::with_float_type(
                        element,
                        [&](auto tag) {
                          return bytes_of(graphrt::narrowed<typename decltype(tag)::Type>(number));
                        }),
                    where);
  }

  /// A constant without dimensions; the same for the same number.
  ValueId constant(ElementType element, std::vector<std::byte> bytes, const SourceRange& where) {
    const auto [known, is_new] = scalars_.try_emplace(NumberKey(element, bytes));
    if (!is_new) return known->second;
    Value value;
    value.kind = ValueKind::kConstant;
    value.name = names_.unique("number");
    value.type = {element, {}};
    value.initializer.kind = InitializerKind::kData;
    value.initializer.data = std::move(bytes);
    value.where = where;
    known->second = graph_.values.push_back(std::move(value));
    return known->second;
  }

  Graph graph_;
  bool is_for_parts_;
  UniqueNames names_;
  std::map<NumberKey, ValueId> scalars_;
};

}  // namespace

Result<Graph> decompose(Graph graph, DiagnosticSink&) {
  return Decomposition(std::move(graph), false).run();
}

Result<GraphRequest> decompose_for_parts(GraphRequest request, DiagnosticSink&) {
  const bool is_for_parts = request.parallel.has_value();
  request.forward = Decomposition(std::move(request.forward), is_for_parts).run();
  return request;
}

}  // namespace graphc

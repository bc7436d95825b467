#include "compiler/passes/decompose.h"

#include <bit>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runtime/op/composite.h"

namespace graphc {
namespace {

class Decomposition {
 public:
  explicit Decomposition(Graph graph) : graph_(std::move(graph)) {
    for (const ValueId id : graph_.values.ids()) {
      const Value& value = graph_.values[id];
      names_.insert(value.name);
      if (is_number(value)) scalars_.emplace(bits_of(value), id);
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
    const ValueId result = node.result;
    graph_.values[result].producer = graph_.nodes.push_back(std::move(node));
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
          values.push_back(scalar(step.number, whole.where));
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
    if (step.function == graphrt::ElementFunction::kScale) {
      node.attributes.set("factor", step.number);
    }
    for (const size_t operand : operands_of(step)) node.inputs.push_back(values[operand]);
    node.device = whole.device;
    node.also_on = whole.also_on;
    node.device_where = whole.device_where;
    node.where = whole.where;
    if (is_last) {
      node.name = whole.name;
      node.result = whole.result;
      node.updates = whole.updates;
      node.keep = whole.keep;
    } else {
      node.result = new_value(node, whole.name + "." + std::string(node.op->name));
      node.name = graph_.values[node.result].name;
    }
    const ValueId result = node.result;
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

  static bool is_number(const Value& value) {
    return value.kind == ValueKind::kConstant && value.type == TensorType{ElementType::kF32, {}} &&
           value.initializer.kind == InitializerKind::kData;
  }

  static uint32_t bits_of(const Value& number) {
    uint32_t bits = 0;
    std::memcpy(&bits, number.initializer.data.data(), sizeof(bits));
    return bits;
  }

  /// A constant f32[]; the same for the same number.
  ValueId scalar(double number, const SourceRange& where) {
    const auto bits = std::bit_cast<uint32_t>(static_cast<float>(number));
    const auto known = scalars_.find(bits);
    if (known != scalars_.end()) return known->second;
    std::vector<std::byte> bytes(sizeof(bits));
    std::memcpy(bytes.data(), &bits, sizeof(bits));
    Value value;
    value.kind = ValueKind::kConstant;
    value.name = unique("number");
    value.type = {ElementType::kF32, {}};
    value.initializer.kind = InitializerKind::kData;
    value.initializer.data = std::move(bytes);
    value.where = where;
    const ValueId constant = graph_.values.push_back(std::move(value));
    scalars_.emplace(bits, constant);
    return constant;
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
  std::map<uint32_t, ValueId> scalars_;  ///< by their bits, which NaN has, too
};

}  // namespace

Result<Graph> decompose(Graph graph, DiagnosticSink&) {
  return Decomposition(std::move(graph)).run();
}

}  // namespace graphc

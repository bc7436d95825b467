#include "compiler/emit/value_numbers.h"

#include <algorithm>
#include <tuple>

namespace graphc {

bool ValueNumbers::IsBefore::operator()(const Computation& a, const Computation& b) const {
  if (std::tie(a.op, a.operands) != std::tie(b.op, b.operands)) {
    return std::tie(a.op, a.operands) < std::tie(b.op, b.operands);
  }
  return std::lexicographical_compare(
      a.attributes.begin(), a.attributes.end(), b.attributes.begin(), b.attributes.end(),
      [](const Attribute& x, const Attribute& y) {
        return std::tie(x.name, x.value) < std::tie(y.name, y.value);
      });
}

ValueNumbers::ValueNumbers(const Graph& graph) : number_(graph.values.size()) {
  for (const ValueId id : graph.values.ids()) {
    const Value& value = graph.values[id];
    if (value.kind == ValueKind::kInput || value.kind == ValueKind::kState) add(id, next());
    if (value.kind != ValueKind::kConstant) continue;
    const Content content{to_string(value.type), value.initializer.data};
    add(id, constants_.emplace(content, next()).first->second);
  }
  for (const Node& node : graph.nodes) {  // a node stands behind those it reads
    Computation computation{node.op->name, {}, node.attributes};
    for (const ValueId input : node.inputs) computation.operands.push_back(number_[input]);
    const ValueNumber first = computations_.emplace(std::move(computation), next()).first->second;
    for (size_t i = 0; i < node.results.size(); ++i) {
      add(node.results[i], ValueNumber(first.index() + i));
    }
  }
}

void ValueNumbers::add(ValueId value, ValueNumber number) {
  number_[value] = number;
  if (number == next()) first_value_.push_back(value);
}

std::optional<ValueNumber> ValueNumbers::find(std::string_view op,
                                              const std::vector<ValueNumber>& operands,
                                              const Attributes& attributes) const {
  const auto at = computations_.find({op, operands, attributes});
  if (at == computations_.end()) return std::nullopt;
  return at->second;
}

std::optional<ValueNumber> ValueNumbers::find_constant(const TensorType& type,
                                                       const SharedBytes& data) const {
  const auto at = constants_.find({to_string(type), data});
  if (at == constants_.end()) return std::nullopt;
  return at->second;
}

}  // namespace graphc

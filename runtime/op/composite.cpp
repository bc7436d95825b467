#include "runtime/op/composite.h"

#include <array>
#include <charconv>

#include "runtime/base/check.h"
#include "runtime/base/text.h"
#include "runtime/op/row_rules.h"
#include "runtime/op/type_rules.h"

namespace graphrt {
namespace {

struct CompositeRow {
  std::string_view name;
  size_t num_operands;
  std::string_view parameters;
  std::string_view formula;
  std::string_view docs;
};

constexpr std::array kComposites = {
#define GRAPHC_COMPOSITE(name, num_operands, parameters, formula, docs) \
  CompositeRow{#name, num_operands, parameters, formula, docs},
#include "runtime/op/composites.def"
};

constexpr std::array<std::string_view, 3> kOperandNames = {"x0", "x1", "x2"};

/// All operands are floats of one type and are broadcast to each other.
TypeResult type_of_composite(Types inputs, const Attributes&) {
  if (auto error = find_non_float(inputs)) return tl::unexpected(*std::move(error));
  TensorType result = inputs[0];
  for (size_t i = 1; i < inputs.size(); ++i) {
    std::optional<Shape> shape = broadcast_shape(result.shape, inputs[i].shape);
    if (!shape) {
      return refuse("cannot broadcast " + to_string(result) + " and " + to_string(inputs[i]), i);
    }
    result.shape = *std::move(shape);
  }
  return result;
}

/// The attributes of every row, which their operators point to.
const std::vector<std::vector<AttributeSpec>>& attributes_of_all() {
  static const std::vector<std::vector<AttributeSpec>> attributes = [] {
    std::vector<std::vector<AttributeSpec>> all;
    for (const CompositeRow& row : kComposites) {
      all.emplace_back();
      for (const FormulaParameter& parameter : parse_parameters(row.parameters)) {
        all.back().push_back({parameter.name, AttributeKind::kFloat, false, parameter.docs});
      }
    }
    return all;
  }();
  return attributes;
}

}  // namespace

std::vector<FormulaParameter> parse_parameters(std::string_view text) {
  std::vector<FormulaParameter> parameters;
  if (text.empty()) return parameters;
  for (std::string_view part : split(text, ',')) {
    part = trim(part);
    const size_t space = part.find(' ');
    FormulaParameter parameter{part.substr(0, space), part.substr(space + 1)};
    const std::string_view number = parameter.docs.substr(1, parameter.docs.size() - 2);
    const auto [end, code] =
        std::from_chars(number.data(), number.data() + number.size(), parameter.otherwise);
    CHECK(code == std::errc() && end == number.data() + number.size(), std::string(text));
    parameters.push_back(parameter);
  }
  return parameters;
}

std::vector<OpInfo> all_composites() {
  std::vector<OpInfo> ops;
  for (size_t i = 0; i < kComposites.size(); ++i) {
    const CompositeRow& row = kComposites[i];
    ops.push_back({.name = row.name,
                   .operands = row.num_operands == 1 ? "x: float" : "x0, x1, ...: float, broadcast",
                   .result = row.docs,
                   .min_inputs = row.num_operands,
                   .max_inputs = row.num_operands,
                   .attributes = attributes_of_all()[i],
                   .type_rule = type_of_composite,
                   .in_place = InPlace::kAnyOperand,
                   .row_rule = rows_of_elementwise,
                   .formula = row.formula,
                   .parameters = row.parameters});
  }
  return ops;
}

Expression expression_of(const OpInfo& op, const Attributes& attributes) {
  std::vector<NamedNumber> numbers;
  for (const FormulaParameter& parameter : parse_parameters(op.parameters)) {
    numbers.push_back({parameter.name, attributes.number(parameter.name, parameter.otherwise)});
  }
  return parse_expression(op.formula, std::span(kOperandNames).first(op.max_inputs), numbers);
}

}  // namespace graphrt

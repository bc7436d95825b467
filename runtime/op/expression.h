#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "runtime/op/attribute.h"
#include "runtime/op/element_function.h"

namespace graphrt {

/// One value of an expression.
struct ExpressionStep {
  enum class Kind : uint8_t { kVariable, kNumber, kCall };
  Kind kind = Kind::kVariable;
  size_t variable = 0;                               ///< kVariable
  double number = 0;                                 ///< kNumber; of a call of `scale`, its factor
  ElementFunction function = ElementFunction::kAdd;  ///< kCall
  std::array<size_t, 2> operands = {};               ///< kCall: steps before this one
  bool operator==(const ExpressionStep&) const = default;
};

/// The steps that the operands of a call are; none of others.
std::span<const size_t> operands_of(const ExpressionStep& step);

/// Those of the operator that the step calls: the factor of a scale.
Attributes attributes_of(const ExpressionStep& step);

/// A formula of element functions, in which every value is there once. The last step is what it
/// gives; all others are used.
struct Expression {
  std::vector<ExpressionStep> steps;
};

struct NamedNumber {
  std::string_view name;
  double number;
};

/// Reads `mul(sigmoid(x0), x0)`: calls, the names of `variables` and of `numbers`, and numbers as
/// such. The second operand of `scale` is a number in either form.
/// Requires: a formula of element_functions.def or composites.def; the tests read all of them.
/// Source: hash consing, as in A. Ershov, "On programming of arithmetic operations", 1958.
Expression parse_expression(std::string_view text, std::span<const std::string_view> variables,
                            std::span<const NamedNumber> numbers);

}  // namespace graphrt

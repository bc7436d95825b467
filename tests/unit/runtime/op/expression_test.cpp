#include "runtime/op/expression.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>

#include "runtime/op/composite.h"
#include "runtime/op/op_table.h"

namespace graphrt {
namespace {

using Kind = ExpressionStep::Kind;

constexpr std::array<std::string_view, 2> kOperands = {"x0", "x1"};
constexpr std::array<std::string_view, 4> kOfGradients = {"g", "x0", "x1", "y"};

TEST(Expression, HasEveryValueOnce) {
  const Expression expression = parse_expression("mul(add(x0, x1), add(x0, x1))", kOperands, {});
  ASSERT_EQ(expression.steps.size(), 4);
  EXPECT_EQ(expression.steps[2].function, ElementFunction::kAdd);
  EXPECT_EQ(expression.steps[3].operands, (std::array<size_t, 2>{2, 2}));
}

TEST(Expression, KnowsNumbersByTheirNames) {
  const std::array numbers = {NamedNumber{"alpha", 0.25}};
  const Expression expression =
      parse_expression("scale(maximum(x0, -1.5), alpha)", kOperands, numbers);
  ASSERT_EQ(expression.steps.size(), 4);
  EXPECT_EQ(expression.steps[1].kind, Kind::kNumber);
  EXPECT_EQ(expression.steps[1].number, -1.5);
  EXPECT_EQ(expression.steps[3].number, 0.25);
}

/// What every step but the last is for.
void expect_all_used(const Expression& expression, std::string_view name) {
  std::set<size_t> used = {expression.steps.size() - 1};
  for (const ExpressionStep& step : expression.steps) {
    for (const size_t operand : operands_of(step)) used.insert(operand);
  }
  EXPECT_EQ(used.size(), expression.steps.size()) << name;
}

TEST(Expression, ReadsTheGradientOfEveryElementFunction) {
  const std::array factor = {NamedNumber{"factor", 2}};
  int num_formulas = 0;
  for (const std::string& name : element_function_names()) {
    const ElementFunction function = *find_element_function(name);
    const size_t num_operands = takes_pair(function) ? 2 : 1;
    // Of all operands, or of none.
    EXPECT_EQ(gradient_formula(function, 0).empty(),
              gradient_formula(function, num_operands - 1).empty())
        << name;
    EXPECT_TRUE(takes_pair(function) || gradient_formula(function, 1).empty()) << name;
    for (size_t i = 0; i < num_operands; ++i) {
      const std::string_view formula = gradient_formula(function, i);
      if (formula.empty()) continue;
      expect_all_used(parse_expression(formula, kOfGradients, factor), name);
      ++num_formulas;
    }
  }
  EXPECT_GT(num_formulas, 20);
}

TEST(ElementFunctions, AreLinearWhereTheirGradientsAreConstant) {
  std::set<std::string> linear;
  for (const std::string& name : element_function_names()) {
    if (is_linear(*find_element_function(name))) linear.insert(name);
  }
  EXPECT_EQ(linear, (std::set<std::string>{"add", "scale", "sub"}));
}

TEST(Composites, UseAllTheirOperandsAndParameters) {
  int num_composites = 0;
  for (const OpInfo& op : all_ops()) {
    if (!op.is_composite()) continue;
    ++num_composites;
    const Expression expression = expression_of(op, {});
    expect_all_used(expression, op.name);
    EXPECT_EQ(expression.steps.back().kind, Kind::kCall) << op.name;
    size_t num_variables = 0;
    for (const ExpressionStep& step : expression.steps) {
      if (step.kind == Kind::kVariable) ++num_variables;
    }
    EXPECT_EQ(num_variables, op.min_inputs) << op.name;
    for (const AttributeSpec& attribute : op.attributes) {
      Attributes changed;
      changed.set(std::string(attribute.name), 0.375);
      EXPECT_NE(expression_of(op, changed).steps, expression.steps) << op.name;
    }
  }
  EXPECT_GE(num_composites, 11);
}

TEST(Composites, HaveTheParametersOfTheirRow) {
  const auto parameters = parse_parameters("alpha (0.2), beta (0.5)");
  ASSERT_EQ(parameters.size(), 2);
  EXPECT_EQ(parameters[1].name, "beta");
  EXPECT_EQ(parameters[1].docs, "(0.5)");
  EXPECT_EQ(parameters[1].otherwise, 0.5);
  EXPECT_TRUE(parse_parameters("").empty());
}

}  // namespace
}  // namespace graphrt

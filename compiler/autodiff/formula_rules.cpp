#include "compiler/autodiff/formula_rules.h"

#include <array>
#include <functional>
#include <utility>

#include "runtime/op/composite.h"
#include "runtime/op/expression.h"

namespace graphc {
namespace {

using graphrt::ElementFunction;
using graphrt::Expression;
using graphrt::ExpressionStep;

/// What gradient formulas are over, in this order.
constexpr std::array<std::string_view, 4> kVariables = {"g", "x0", "x1", "y"};
/// What a variable stands for; asked for where the formula has it.
using Variables = std::function<Gradient(size_t)>;

Expression gradient_expression(ElementFunction function, size_t operand, double factor) {
  const std::array numbers = {graphrt::NamedNumber{"factor", factor}};
  return graphrt::parse_expression(gradient_formula(function, operand), kVariables, numbers);
}

/// One formula, as nodes.
class FormulaNodes {
 public:
  FormulaNodes(NodeGradient& node, const Expression& expression, const Variables& variables)
      : node_(node) {
    for (const ExpressionStep& step : expression.steps) {
      switch (step.kind) {
        case ExpressionStep::Kind::kVariable:
          values_.push_back(variables(step.variable));
          break;
        case ExpressionStep::Kind::kNumber:
          values_.push_back(node.scalar(step.number));
          break;
        case ExpressionStep::Kind::kCall:
          values_.push_back(call(step));
      }
    }
  }

  Gradient result() const { return values_.back(); }

 private:
  Gradient call(const ExpressionStep& step) {
    const Gradient& first = values_[step.operands[0]];
    if (step.function == ElementFunction::kScale) return node_.scaled(first, step.number);
    if (!takes_pair(step.function)) return node_.add(to_string(step.function), {tensor(first)});
    const ValueId second = tensor(values_[step.operands[1]]);
    if (step.function == ElementFunction::kMul) return node_.product(first, second);
    if (step.function == ElementFunction::kDiv) return node_.quotient(first, second);
    return node_.add(to_string(step.function), {tensor(first), second});
  }

  ValueId tensor(const Gradient& gradient) { return node_.tensor_of(gradient); }

  NodeGradient& node_;
  std::vector<Gradient> values_;
};

/// The formula's outermost factor, taken off: the gradient of an operand that was repeated is summed
/// before it is multiplied.
double take_factor(Expression& expression) {
  const ExpressionStep& last = expression.steps.back();
  const bool is_scale = last.kind == ExpressionStep::Kind::kCall &&
                        last.function == ElementFunction::kScale &&
                        last.operands[0] + 2 == expression.steps.size();
  if (!is_scale) return 1;
  const double factor = last.number;
  expression.steps.pop_back();
  return factor;
}

/// Back through a formula, from its last step to its variables.
class FormulaBackward {
 public:
  FormulaBackward(NodeGradient& node, Expression expression)
      : node_(node),
        steps_(std::move(expression.steps)),
        values_(steps_.size()),
        gradients_(steps_.size()) {
    for (const ExpressionStep& step : steps_) {
      bool needs = step.kind == ExpressionStep::Kind::kVariable && node.needs(step.variable);
      for (const size_t operand : operands_of(step)) needs = needs || needs_[operand];
      needs_.push_back(needs);
      types_.push_back(type_of(step));
    }
  }

  void run() {
    gradients_.back() = node_.gradient_tensor();
    values_.back() = node_.result();
    for (size_t i = steps_.size(); i-- > 0;) {
      if (!gradients_[i]) continue;
      if (steps_[i].kind == ExpressionStep::Kind::kVariable) {
        node_.give(steps_[i].variable, *gradients_[i]);
      }
      pass_on(i);
    }
  }

 private:
  TensorType type_of(const ExpressionStep& step) const {
    if (step.kind == ExpressionStep::Kind::kVariable) return node_.operand_type(step.variable);
    if (step.kind == ExpressionStep::Kind::kNumber) return {node_.result_type().element, {}};
    std::vector<TensorType> types;
    for (const size_t operand : operands_of(step)) types.push_back(types_[operand]);
    return infer_type(*find_op(to_string(step.function)), types, attributes_of(step)).value();
  }

  /// Adds what step `i` gives its operands to their gradients.
  void pass_on(size_t i) {
    const ExpressionStep& step = steps_[i];
    const auto operands = operands_of(step);
    for (size_t which = 0; which < operands.size(); ++which) {
      const size_t operand = operands[which];
      if (!needs_[operand]) continue;
      const Variables variables = [&](size_t variable) -> Gradient {
        if (variable == 0) return *gradients_[i];
        return variable == 3 ? value(i) : value(operands[variable - 1]);
      };
      Expression expression = gradient_expression(step.function, which, step.number);
      const double factor = take_factor(expression);
      const Gradient part = FormulaNodes(node_, expression, variables).result();
      add_to(operand, node_.scaled(node_.reduced_to(types_[operand], part), factor));
    }
  }

  void add_to(size_t step, const Gradient& part) {
    const ValueId tensor = node_.tensor_of(part);
    std::optional<ValueId>& gradient = gradients_[step];
    gradient = gradient ? node_.add("add", {*gradient, tensor}) : tensor;
  }

  /// What a step gives, computed again where it is asked for.
  ValueId value(size_t i) {
    if (values_[i]) return *values_[i];
    const ExpressionStep& step = steps_[i];
    if (step.kind == ExpressionStep::Kind::kVariable) {
      values_[i] = node_.operand(step.variable);
    } else if (step.kind == ExpressionStep::Kind::kNumber) {
      values_[i] = node_.scalar(step.number);
    } else {
      std::vector<ValueId> operands;
      for (const size_t operand : operands_of(step)) operands.push_back(value(operand));
      values_[i] = node_.add(to_string(step.function), std::move(operands), attributes_of(step));
    }
    return *values_[i];
  }

  NodeGradient& node_;
  std::vector<ExpressionStep> steps_;
  std::vector<bool> needs_;        ///< whether the gradient of a step is asked for
  std::vector<TensorType> types_;  ///< of the steps
  std::vector<std::optional<ValueId>> values_;
  std::vector<std::optional<ValueId>> gradients_;
};

}  // namespace

void gradient_of_element_function(NodeGradient& node) {
  const ElementFunction function = *graphrt::find_element_function(node.op().name);
  const Variables variables = [&](size_t variable) -> Gradient {
    if (variable == 0) return node.gradient();
    return variable == 3 ? node.result() : node.operand(variable - 1);
  };
  for (size_t i = 0; i < node.num_operands(); ++i) {
    if (!node.needs(i)) continue;
    Expression expression = gradient_expression(function, i, node.attributes().number("factor", 1));
    const double factor = take_factor(expression);
    const Gradient gradient = FormulaNodes(node, expression, variables).result();
    node.give(i, node.scaled(node.reduced_to(node.operand_type(i), gradient), factor));
  }
}

void gradient_of_composite(NodeGradient& node) {
  FormulaBackward(node, expression_of(node.op(), node.attributes())).run();
}

}  // namespace graphc

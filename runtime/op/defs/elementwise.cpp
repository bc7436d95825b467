// Operators that compute every element of the result from the elements of the same index.
#include "runtime/op/defs/defs.h"

#include <algorithm>
#include <string>
#include <vector>

#include "runtime/base/text.h"
#include "runtime/op/chain.h"
#include "runtime/op/row_rules.h"
#include "runtime/op/type_rules.h"

namespace graphrt {
namespace {

/// That a chain uses another number of inputs than there are, or leaves one out.
std::optional<OpError> find_unused(const Chain& chain, size_t num_inputs) {
  const std::vector<size_t> used = inputs_of(chain);
  const size_t largest = *std::max_element(used.begin(), used.end());
  if (largest >= num_inputs) {
    const std::string last = num_inputs == 1 ? "" : " to x" + std::to_string(num_inputs - 1);
    return OpError{"uses x" + std::to_string(largest) + " in its formula; its inputs are x0" + last,
                   {},
                   "formula"};
  }
  for (size_t i = 0; i < num_inputs; ++i) {
    if (std::find(used.begin(), used.end(), i) != used.end()) continue;
    return OpError{"does not use x" + std::to_string(i) + " in its formula", i, "formula"};
  }
  return std::nullopt;
}

bool ends_with(const Shape& shape, const Shape& end) {
  return end.size() <= shape.size() && std::equal(end.rbegin(), end.rend(), shape.rbegin());
}

/// Of the operands of the innermost call, the one with more dimensions.
const TensorType& type_of_start(Types inputs, const Chain& chain) {
  const TensorType& start = inputs[chain.start];
  const std::optional<size_t>& beside = chain.steps.front().input;
  return beside && inputs[*beside].rank() > start.rank() ? inputs[*beside] : start;
}

TypeResult type_of_arithmetic(Types inputs, const Attributes&) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].element != ElementType::kBool) continue;
    return refuse("works on numbers; got " + to_string(inputs[i]) + "; cast it to i32", i);
  }
  return type_of_broadcast_pair(inputs);
}

TypeResult type_of_comparison(Types inputs, const Attributes&) {
  TypeResult result = type_of_broadcast_pair(inputs);
  if (result) result->element = ElementType::kBool;
  return result;
}

TypeResult type_of_logic(Types inputs, const Attributes&) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].element == ElementType::kBool) continue;
    return refuse("works on bool only; got " + to_string(inputs[i]) + "; cast it to bool", i);
  }
  if (inputs.size() == 1) return inputs[0];
  return type_of_broadcast_pair(inputs);
}

TypeResult type_of_select(Types inputs, const Attributes&) {
  if (inputs[0].element != ElementType::kBool) {
    return refuse("chooses by a bool; got " + to_string(inputs[0]) + "; cast it to bool", 0);
  }
  TypeResult either = type_of_broadcast_pair(inputs.subspan(1));
  if (!either) {
    if (either.error().input) ++*either.error().input;
    return either;
  }
  std::optional<Shape> shape = broadcast_shape(inputs[0].shape, either->shape);
  if (!shape) {
    return refuse("cannot broadcast " + to_string(inputs[0]) + " and " + to_string(*either) +
                      ": from the last dimension on, sizes must be equal or 1",
                  0);
  }
  return TensorType{either->element, *std::move(shape)};
}

TypeResult type_of_cast(Types inputs, const Attributes& attributes) {
  const std::string_view to = attributes.text("to", "");
  std::vector<std::string> known;
  for (const ElementType element : kElementTypes) {
    if (to_string(element) == to) return TensorType{element, inputs[0].shape};
    known.emplace_back(to_string(element));
  }
  return refuse_attribute(
      "to", "knows no element type '" + std::string(to) + "'; there are " + join(known, ", "));
}

TypeResult type_of_zip(Types inputs, const Attributes&) {
  if (auto error = find_non_float(inputs)) return tl::unexpected(*std::move(error));
  return type_of_broadcast_pair(inputs);
}

TypeResult type_of_map(Types inputs, const Attributes&) {
  if (auto error = find_non_float(inputs)) return tl::unexpected(*std::move(error));
  return inputs[0];
}

TypeResult type_of_elementwise(Types inputs, const Attributes& attributes) {
  if (auto error = find_non_float(inputs)) return tl::unexpected(*std::move(error));
  const Result<Chain> chain = parse_chain(attributes.text("formula", ""));
  if (!chain) return refuse_attribute("formula", chain.error().message);
  if (auto error = find_unused(*chain, inputs.size())) return tl::unexpected(*std::move(error));
  const TensorType& result = type_of_start(inputs, *chain);
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (ends_with(result.shape, inputs[i].shape)) continue;
    return refuse("starts with " + to_string(result) + " and needs that shape, or the end of it, " +
                      "of every operand; got " + to_string(inputs[i]),
                  i);
  }
  return result;
}

Work work_of_chain(Types inputs, Types results, const Attributes& attributes) {
  Work work = work_of_streaming(inputs, results, attributes);
  const auto chain = parse_chain(attributes.text("formula", ""));
  if (!chain) return work;  // the type rule refuses it
  const auto num_slow = std::count_if(chain->steps.begin(), chain->steps.end(),
                                      [](const ChainStep& step) { return is_slow(step.function); });
  const auto num_more = static_cast<double>(std::max<int64_t>(num_slow - 1, 0));
  work.num_bytes += num_more * 2 * static_cast<double>(results[0].size_bytes());
  return work;
}

constexpr std::array kFactorOfScale = {
    AttributeSpec{"factor", AttributeKind::kFloat, true, "(required)"}};
constexpr std::array kFormula = {
    AttributeSpec{"formula", AttributeKind::kText, true,
                  "(required): a chain of element functions, as `mul(relu(add(x0, x1)), x2)`"}};

constexpr std::array kCastTo = {
    AttributeSpec{"to", AttributeKind::kText, true, "(required): the type of elements, as `bf16`"}};

OpInfo comparison_op(std::string_view name, std::string_view result) {
  return {.name = name,
          .operands = "a, b of one type, broadcast",
          .result = result,
          .min_inputs = 2,
          .max_inputs = 2,
          .type_rule = type_of_comparison,
          .in_place = InPlace::kAnyOperand,
          .row_rule = rows_of_elementwise,
          .is_piecewise_constant = true};
}

OpInfo logic_op(std::string_view name, std::string_view result) {
  OpInfo op = comparison_op(name, result);
  op.operands = "a, b: bool, broadcast";
  op.type_rule = type_of_logic;
  return op;
}

/// Of an element function, without what depends on its kind.
OpInfo element_op(std::string_view name, std::string_view result) {
  return {.name = name,
          .operands = {},
          .result = result,
          .in_place = InPlace::kAnyOperand,
          .row_rule = rows_of_elementwise,
          .is_linear = is_linear(*find_element_function(name))};
}

// One for each kind of element_functions.def.

OpInfo define_Map(OpInfo op) {
  op.operands = "x: float";
  op.type_rule = type_of_map;
  return op;
}

OpInfo define_Scaled(OpInfo op) {
  op = define_Map(op);
  op.attributes = kFactorOfScale;
  return op;
}

OpInfo define_pair(OpInfo op, std::string_view operands, TypeRule type_rule) {
  op.operands = operands;
  op.min_inputs = op.max_inputs = 2;
  op.type_rule = type_rule;
  return op;
}

OpInfo define_Pair(OpInfo op) {
  return define_pair(op, "gradient, x or y: float, same type", type_of_float_pair);
}

OpInfo define_Zip(OpInfo op) { return define_pair(op, "a, b: float, broadcast", type_of_zip); }

OpInfo define_Arithmetic(OpInfo op) {
  return define_pair(op, "a, b: numbers of one type, broadcast", type_of_arithmetic);
}

}  // namespace

#define GRAPHC_ELEMENT_FUNCTION(name, Functor, kind, speed, gradient_0, gradient_1, docs) \
  OpInfo op_##name() { return define_##kind(element_op(#name, docs)); }
#include "runtime/op/element_functions.def"

OpInfo op_elementwise() {
  return {
      .name = "elementwise",
      .operands =
          "x0, and up to x7: float, of one type; all of one shape or of the last dimensions of it",
      .result = "that shape",
      .min_inputs = 1,
      .max_inputs = kMaxChainInputs,
      .attributes = kFormula,
      .type_rule = type_of_elementwise,
      .work_rule = work_of_chain,
      .in_place = InPlace::kAnyOperand,
      .row_rule = rows_of_elementwise};
}

#define GRAPHC_COMPARISON(name, symbol) \
  OpInfo op_##name() { return comparison_op(#name, "bool: a " #symbol " b"); }
#include "runtime/op/comparisons.def"

OpInfo op_logical_and() { return logic_op("logical_and", "a and b"); }
OpInfo op_logical_or() { return logic_op("logical_or", "a or b"); }

OpInfo op_logical_not() {
  OpInfo op = logic_op("logical_not", "not x");
  op.operands = "x: bool";
  op.min_inputs = op.max_inputs = 1;
  return op;
}

OpInfo op_select() {
  return {.name = "select",
          .operands = "condition: bool; a, b of one type; all broadcast",
          .result = "a where the condition holds, else b",
          .min_inputs = 3,
          .max_inputs = 3,
          .type_rule = type_of_select,
          .in_place = InPlace::kAnyOperand,
          .row_rule = rows_of_elementwise};
}

OpInfo op_cast() {
  return {.name = "cast",
          .operands = "x",
          .result =
              "x as another type: floats to the nearest; floats to integers towards 0, at most "
              "to the ends of the type, NaN to 0; integers wrap around; as bool, what is not "
              "0 is true",
          .attributes = kCastTo,
          .type_rule = type_of_cast,
          .in_place = InPlace::kAnyOperand,
          .row_rule = rows_of_elementwise};
}

}  // namespace graphrt

#include "element_cases.h"

#include <algorithm>

#include "training_cases.h"

namespace graphrt {
namespace {

/// The integers of a tensor of i32 as i64.
Tensor as_i64(const Tensor& tensor) {
  Tensor result = zeros({ElementType::kI64, tensor.type.shape});
  std::ranges::copy(tensor.as<int32_t>(), result.as<int64_t>().begin());
  return result;
}

Tensor as_element(const Tensor& tensor, ElementType element) {
  if (tensor.type.element == element) return tensor;
  return element == ElementType::kI64 ? as_i64(tensor) : floats_as(tensor, element);
}

/// What a use differs by: the type of elements of each operand.
using Elements = std::vector<ElementType>;

/// All ways to let each operand be of one of its types.
std::vector<Elements> all_ways(const std::vector<Elements>& choices) {
  std::vector<Elements> ways = {{}};
  for (const Elements& choice : choices) {
    std::vector<Elements> longer;
    for (const Elements& way : ways) {
      for (const ElementType element : choice) {
        longer.push_back(way);
        longer.back().push_back(element);
      }
    }
    ways = std::move(longer);
  }
  return ways;
}

ElementType any_float(Dice& dice) {
  constexpr std::array kFloats = {ElementType::kF32, ElementType::kBF16, ElementType::kF16};
  return kFloats[static_cast<size_t>(dice.between(0, std::ssize(kFloats) - 1))];
}

bool is_taken(const OpInfo& op, const OperatorUse& use, const Elements& way,
              const Attributes& attributes) {
  std::vector<TensorType> types = types_of(use.inputs);
  for (size_t i = 0; i < types.size(); ++i) types[i].element = way[i];
  return infer_type(op, types, attributes).has_value();
}

}  // namespace

OperatorUse in_other_elements(Dice& dice, std::string_view op, const OperatorUse& use) {
  const OpInfo& info = *find_op(op);
  const ElementType element = dice.flip() ? ElementType::kBF16 : ElementType::kF16;
  const ElementType of_result = any_float(dice);
  OperatorUse other = use;
  const bool may_ask = find_attribute(info, "to") && use.attributes.find("to") == nullptr;
  const bool asks = may_ask && dice.flip();
  if (asks) other.attributes.set("to", std::string(to_string(of_result)));
  std::vector<Elements> choices;
  Elements as_before;
  for (const Tensor& input : use.inputs) {
    as_before.push_back(input.type.element);
    Elements choice = {input.type.element};
    if (input.type.element == ElementType::kI32) choice.push_back(ElementType::kI64);
    if (input.type.element == ElementType::kF32) choice.push_back(element);
    if (input.type.element == ElementType::kF32 && asks) choice.push_back(of_result);
    choices.push_back(std::move(choice));
  }
  std::vector<Elements> ways = all_ways(choices);
  std::erase_if(ways, [&](const Elements& way) {
    return (way == as_before && !asks) || !is_taken(info, use, way, other.attributes);
  });
  if (ways.empty()) return use;
  const Elements& way = ways[static_cast<size_t>(dice.between(0, std::ssize(ways) - 1))];
  for (size_t i = 0; i < way.size(); ++i) other.inputs[i] = as_element(use.inputs[i], way[i]);
  return other;
}

}  // namespace graphrt

#include "training_cases.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "kernel_test_support.h"

namespace graphrt {

/// Square roots have no negative operands.
OperatorUse sqrt_use(Dice& dice) {
  Tensor x = dice.f32(dice.any_shape());
  for (float& element : x.as<float>()) element = std::abs(element);
  return {{std::move(x)}, {}};
}

/// Few different numbers: many are equal.
OperatorUse comparison_use(Dice& dice) {
  const Shape whole = dice.any_shape();
  const Shape other = dice.stretchable(whole);
  const ElementType element = dice.any_element();
  OperatorUse use{{dice.numbers(element, whole), dice.numbers(element, other)}, {}};
  if (dice.flip()) std::swap(use.inputs[0], use.inputs[1]);
  return use;
}

OperatorUse logic_use(Dice& dice) {
  const Shape whole = dice.any_shape();
  return {{dice.numbers(ElementType::kBool, whole),
           dice.numbers(ElementType::kBool, dice.stretchable(whole))},
          {}};
}

OperatorUse not_use(Dice& dice) {
  return {{dice.numbers(ElementType::kBool, dice.any_shape())}, {}};
}

OperatorUse select_use(Dice& dice) {
  const Shape whole = dice.any_shape();
  const ElementType element = dice.any_element();
  return {{dice.numbers(ElementType::kBool, dice.stretchable(whole)),
           dice.numbers(element, dice.stretchable(whole)), dice.numbers(element, whole)},
          {}};
}

OperatorUse cast_use(Dice& dice) {
  const ElementType from = dice.any_element();
  const Shape shape = dice.any_shape();
  const std::string to(to_string(dice.any_element()));
  return {{from == ElementType::kF32 ? dice.f32(shape) : dice.numbers(from, shape)},
          with({{"to", to}})};
}

OperatorUse broadcast_use(Dice& dice) {
  const Shape whole = dice.any_shape();
  return {{dice.any(dice.stretchable(whole))}, with({{"shape", whole}})};
}

OperatorUse pad_use(Dice& dice) {
  const Shape shape = dice.shape(dice.between(1, 4));
  const int64_t axis = dice.axis(shape);
  return {{dice.any(shape)},
          with({{"axis", axis}, {"before", dice.between(0, 4)}, {"after", dice.between(0, 4)}})};
}

OperatorUse f32_pair_use(Dice& dice) {
  const Shape shape = dice.any_shape();
  return {{dice.f32(shape), dice.f32(shape)}, {}};
}

/// A gradient of a mean, with its scale and a factor or without.
OperatorUse loss_grad_use(Dice& dice) {
  OperatorUse use = f32_pair_use(dice);
  if (dice.flip()) use.attributes.set("scale", 0.3);
  if (dice.flip()) use.inputs.push_back(tensor_of<float>({}, {2.5F}));
  return use;
}

OperatorUse softmax_use(Dice& dice) {
  if (dice.flip()) {
    return {{dice.f32(dice.shape(dice.between(2, 4)))}, with({{"causal", true}})};
  }
  const Shape shape = dice.shape(dice.between(1, 4));
  return {{dice.f32(shape)}, with({{"axis", dice.axis(shape)}})};
}

/// Any pair will do: the formula asks for no probabilities. They keep its sums small.
OperatorUse softmax_grad_use(Dice& dice) {
  OperatorUse use = softmax_use(dice);
  Tensor y = run_reference("softmax", use.inputs, use.attributes);
  use.attributes.erase("causal");
  use.inputs.push_back(std::move(y));
  return use;
}

namespace {

/// Of so many classes. Half of the labels that do not count name one, too; some rows may get such a
/// label.
void leave_out_labels(Dice& dice, int64_t num_classes, OperatorUse& use) {
  const int64_t ignored = dice.flip() ? -100 : dice.between(0, num_classes - 1);
  use.attributes.set("ignore_index", ignored);
  const int64_t one_in = dice.between(1, 4);
  for (int32_t& label : use.inputs[1].as<int32_t>()) {
    if (dice.between(1, one_in) == 1) label = static_cast<int32_t>(ignored);
  }
}

}  // namespace

/// A third of the labels are right.
OperatorUse accuracy_use(Dice& dice) {
  const Shape shape = dice.shape(2);
  Tensor logits = dice.f32(shape);
  Tensor label = run_reference("argmax", {logits}, {});
  for (int32_t& x : label.as<int32_t>()) x += static_cast<int32_t>(dice.between(-1, 1));
  OperatorUse use{{std::move(logits), std::move(label)}, {}};
  if (dice.flip()) leave_out_labels(dice, shape[1], use);
  if (dice.flip()) use.attributes.set("reduction", std::string(dice.flip() ? "sum" : "mean"));
  return use;
}

OperatorUse cross_entropy_use_of(Dice& dice, const Shape& shape) {
  OperatorUse use{{dice.f32(shape), dice.i32({shape[0]}, 0, shape[1] - 1)}, {}};
  if (dice.flip()) leave_out_labels(dice, shape[1], use);
  if (dice.flip()) use.attributes.set("label_smoothing", dice.flip() ? 0.1 : 1.0);
  return use;
}

OperatorUse cross_entropy_use(Dice& dice) {
  OperatorUse use = cross_entropy_use_of(dice, dice.shape(2));
  if (dice.flip()) use.attributes.set("reduction", std::string(dice.flip() ? "sum" : "mean"));
  return use;
}

OperatorUse cross_entropy_grad_use_of(Dice& dice, const Shape& shape) {
  OperatorUse use = cross_entropy_use_of(dice, shape);
  if (dice.flip()) use.attributes.set("scale", 0.3);
  if (dice.flip()) use.inputs.push_back(dice.f32({}));
  return use;
}

OperatorUse cross_entropy_grad_use(Dice& dice) {
  return cross_entropy_grad_use_of(dice, dice.shape(2));
}

OperatorUse f32_use(Dice& dice) { return {{dice.f32(dice.any_shape())}, {}}; }

Tensor floats_as(const Tensor& tensor, ElementType element) {
  Tensor result = zeros({element, tensor.type.shape});
  with_float_type(element, [&](auto tag) {
    using T = typename decltype(tag)::Type;
    std::transform(tensor.as<float>().begin(), tensor.as<float>().end(), result.as<T>().begin(),
                   [](float x) { return T(x); });
  });
  return result;
}

OperatorUse element_function_use(Dice& dice, std::string_view op) {
  const OpInfo& info = *find_op(op);
  const std::vector<TensorType> stretched = {{ElementType::kF32, {2, 1}}, {ElementType::kF32, {2}}};
  OperatorUse use;
  if (info.max_inputs == 1) {
    use = f32_use(dice);
  } else {
    use = infer_type(info, stretched, {}) ? hypot_use(dice) : f32_pair_use(dice);
  }
  constexpr std::array kFloats = {ElementType::kF32, ElementType::kBF16, ElementType::kF16};
  const ElementType element = kFloats[static_cast<size_t>(dice.between(0, 2))];
  for (Tensor& input : use.inputs) input = floats_as(input, element);
  return use;
}

OperatorUse hypot_use(Dice& dice) {
  const Shape whole = dice.any_shape();
  OperatorUse use{{dice.f32(whole), dice.f32(dice.stretchable(whole))}, {}};
  if (dice.flip()) std::swap(use.inputs[0], use.inputs[1]);
  return use;
}

/// On both sides of a norm of 2.
OperatorUse clip_factor_use(Dice& dice) {
  Tensor number = zeros({ElementType::kF32, {}});
  number.as<float>()[0] = static_cast<float>(dice.between(0, 32)) / 4;
  OperatorUse use{{std::move(number)}, with({{"max_norm", 2.0}})};
  if (dice.flip()) use.attributes.set("of_norm", true);
  return use;
}

}  // namespace graphrt

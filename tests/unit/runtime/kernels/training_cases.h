#pragma once

#include <cmath>
#include <utility>
#include <vector>

#include "dice.h"
#include "kernel_test_support.h"
#include "layer_cases.h"

namespace graphrt {

using DrawnCase = OperatorUse;

// What training takes besides products and maps: losses, gradients, and the inverses of reductions
// and slices. Shapes are those of the dice, on the CPU as on GPUs.

/// Square roots have no negative operands.
inline DrawnCase sqrt_case(Dice& dice) {
  Tensor x = dice.f32(dice.any_shape());
  for (float& element : x.as<float>()) element = std::abs(element);
  return {{std::move(x)}, {}};
}

/// Few different numbers: many are equal.
inline DrawnCase equal_case(Dice& dice) {
  const Shape whole = dice.any_shape();
  const Shape other = dice.stretchable(whole);
  DrawnCase drawn{{dice.i32(whole, -2, 2), dice.i32(other, -2, 2)}, {}};
  if (dice.flip()) std::swap(drawn.inputs[0], drawn.inputs[1]);
  if (dice.flip()) return drawn;
  for (Tensor& input : drawn.inputs) {
    Tensor floats = zeros({ElementType::kF32, input.type.shape});
    for (size_t i = 0; i < floats.as<float>().size(); ++i) {
      floats.as<float>()[i] = static_cast<float>(input.as<int32_t>()[i]) / 4;
    }
    input = std::move(floats);
  }
  return drawn;
}

inline DrawnCase broadcast_case(Dice& dice) {
  const Shape whole = dice.any_shape();
  return {{dice.any(dice.stretchable(whole))}, with({{"shape", whole}})};
}

inline DrawnCase pad_case(Dice& dice) {
  const Shape shape = dice.shape(dice.between(1, 4));
  const int64_t axis = dice.axis(shape);
  return {{dice.any(shape)},
          with({{"axis", axis}, {"before", dice.between(0, 4)}, {"after", dice.between(0, 4)}})};
}

inline DrawnCase f32_pair_case(Dice& dice) {
  const Shape shape = dice.any_shape();
  return {{dice.f32(shape), dice.f32(shape)}, {}};
}

/// A gradient of a mean, with its scale or without.
inline DrawnCase loss_grad_case(Dice& dice) {
  DrawnCase drawn = f32_pair_case(dice);
  if (dice.flip()) drawn.attributes.set("scale", 0.3);
  return drawn;
}

inline DrawnCase softmax_case(Dice& dice) {
  if (dice.flip()) {
    return {{dice.f32(dice.shape(dice.between(2, 4)))}, with({{"causal", true}})};
  }
  const Shape shape = dice.shape(dice.between(1, 4));
  return {{dice.f32(shape)}, with({{"axis", dice.axis(shape)}})};
}

/// Any pair will do: the formula asks for no probabilities. They keep its sums small.
inline DrawnCase softmax_grad_case(Dice& dice) {
  DrawnCase drawn = softmax_case(dice);
  Tensor y = run_reference("softmax", drawn.inputs, drawn.attributes);
  drawn.attributes.erase("causal");
  drawn.inputs.push_back(std::move(y));
  return drawn;
}

/// A third of the labels are right.
inline DrawnCase accuracy_case(Dice& dice) {
  const Shape shape = dice.shape(2);
  Tensor logits = dice.f32(shape);
  Tensor label = run_reference("argmax", {logits}, {});
  for (int32_t& x : label.as<int32_t>()) x += static_cast<int32_t>(dice.between(-1, 1));
  return {{std::move(logits), std::move(label)}, {}};
}

inline DrawnCase cross_entropy_case(Dice& dice) {
  const Shape shape = dice.shape(2);
  return {{dice.f32(shape), dice.i32({shape[0]}, 0, shape[1] - 1)}, {}};
}

inline DrawnCase cross_entropy_grad_case(Dice& dice) {
  DrawnCase drawn = cross_entropy_case(dice);
  if (dice.flip()) drawn.attributes.set("scale", 0.3);
  return drawn;
}

inline DrawnCase f32_case(Dice& dice) { return {{dice.f32(dice.any_shape())}, {}}; }

/// On both sides of a norm of 2.
inline DrawnCase clip_factor_case(Dice& dice) {
  Tensor sum_of_squares = zeros({ElementType::kF32, {}});
  sum_of_squares.as<float>()[0] = static_cast<float>(dice.between(0, 32)) / 4;
  return {{std::move(sum_of_squares)}, with({{"max_norm", 2.0}})};
}

}  // namespace graphrt

#include "layer_cases.h"

#include "loss_scale_cases.h"

namespace graphrt {
namespace {

/// At least one dimension.
Shape shape_of_rows(Dice& dice) { return dice.shape(dice.between(1, 4)); }

/// Rows of elements that are almost equal have a deviation near to 0, which makes every rounding
/// large: an epsilon that no deviation disappears beside.
void set_epsilon(Dice& dice, OperatorUse& use) {
  if (dice.flip()) use.attributes.set("epsilon", 0.01);
}

/// Elements that are nowhere below 0, where a mean of squares is none.
Tensor squares(Dice& dice, const Shape& shape) {
  Tensor tensor = dice.f32(shape);
  for (float& x : tensor.as<float>()) x = x * x;
  return tensor;
}

/// Some elements of `numbers` that are so large that floats do not hold their squares, and those
/// of `averages` as such are kept: as minus their root.
void make_outside_of_floats(Dice& dice, Tensor& averages, Tensor& numbers) {
  constexpr float kLarge = 1e24F;
  for (size_t i = 0; i < numbers.as<float>().size(); ++i) {
    if (dice.flip()) continue;
    averages.as<float>()[i] = -kLarge * (1 + averages.as<float>()[i]);
    numbers.as<float>()[i] *= kLarge;
  }
}

/// A rate from one of its two sources.
void add_rate(Dice& dice, OperatorUse& use) {
  if (dice.flip()) {
    use.inputs.push_back(tensor_of<float>({}, {0.03F}));
    return;
  }
  use.attributes.set("learning_rate", 0.05);
}

/// In half of the cases; behind all other operands. In a quarter, steps may be skipped.
void add_factor(Dice& dice, OperatorUse& use) {
  if (!dice.flip()) return;
  const bool may_skip = dice.flip();
  use.inputs.push_back(may_skip ? factor_or_nan(dice) : tensor_of<float>({}, {0.3F}));
  if (may_skip) use.attributes.set("skips", true);
  if (!may_skip || dice.flip()) use.attributes.set("scaled", true);
}

Tensor random_step(Dice& dice) { return dice.i32({}, 0, 20); }

}  // namespace

OperatorUse norm_use(Dice& dice) {
  const Shape shape = shape_of_rows(dice);
  OperatorUse use{{dice.f32(shape), dice.f32({shape.back()})}, {}};
  set_epsilon(dice, use);
  return use;
}

OperatorUse norm_with_shift_use(Dice& dice) {
  OperatorUse use = norm_use(dice);
  use.inputs.push_back(dice.f32(use.inputs[1].type.shape));
  return use;
}

OperatorUse norm_grad_use(Dice& dice) {
  OperatorUse use = norm_use(dice);
  use.inputs.insert(use.inputs.begin(), dice.f32(use.inputs[0].type.shape));
  if (dice.flip()) use.inputs.push_back(dice.f32(use.inputs[0].type.shape));
  return use;
}

OperatorUse norm_scale_grad_use(Dice& dice) {
  OperatorUse use = norm_grad_use(dice);
  use.inputs.resize(2);
  return use;
}

OperatorUse embedding_use(Dice& dice) {
  const int64_t num_rows = dice.between(1, 100);
  // A few indices name no row.
  return {{dice.f32({num_rows, dice.shape(1)[0]}),
           dice.i32(dice.shape(dice.between(0, 3)), -1, num_rows)},
          {}};
}

OperatorUse embedding_grad_use(Dice& dice) {
  const int64_t num_rows = dice.between(1, 100);
  const Shape shape = shape_of_rows(dice);
  return {{dice.f32(shape), dice.i32({shape.begin(), shape.end() - 1}, -1, num_rows)},
          with({{"rows", num_rows}})};
}

OperatorUse dropout_use(Dice& dice) {
  OperatorUse use{{dice.f32(dice.shape(dice.between(0, 4))), random_step(dice)},
                  with({{"rate", 0.3}, {"seed", dice.between(-5, 5)}})};
  if (dice.flip()) use.attributes.set("first", dice.between(0, 1000));
  return use;
}

OperatorUse sgd_use(Dice& dice) {
  const Shape shape = dice.shape(dice.between(0, 4));
  OperatorUse use{{dice.f32(shape), dice.f32(shape)}, {}};
  add_rate(dice, use);
  if (dice.flip()) use.attributes.set("weight_decay", 0.1);
  add_factor(dice, use);
  return use;
}

OperatorUse momentum_use(Dice& dice) {
  const Shape shape = dice.shape(dice.between(0, 4));
  OperatorUse use{{dice.f32(shape), dice.f32(shape)}, with({{"momentum", 0.9}})};
  if (dice.flip()) {
    use.inputs.push_back(dice.f32(shape));
    use.attributes.set("weight_decay", 0.1);
  }
  add_factor(dice, use);
  return use;
}

OperatorUse moving_average_use(Dice& dice) {
  const Shape shape = dice.shape(dice.between(0, 4));
  OperatorUse use{{dice.f32(shape), dice.f32(shape)}, with({{"decay", 0.9}})};
  add_factor(dice, use);
  return use;
}

OperatorUse average_of_squares_use(Dice& dice) {
  const Shape shape = dice.shape(dice.between(0, 4));
  OperatorUse use{{squares(dice, shape), dice.f32(shape)}, with({{"decay", 0.9}})};
  if (dice.flip()) make_outside_of_floats(dice, use.inputs[0], use.inputs[1]);
  add_factor(dice, use);
  return use;
}

OperatorUse adam_use(Dice& dice) {
  const Shape shape = dice.shape(dice.between(0, 4));
  OperatorUse use{{dice.f32(shape), dice.f32(shape), squares(dice, shape), random_step(dice)}, {}};
  if (dice.between(0, 4) == 0) use.inputs.back() = tensor_of<int32_t>({}, {-1});
  if (dice.flip()) make_outside_of_floats(dice, use.inputs[2], use.inputs[1]);
  // Without it, a v of 0 makes an update of millions.
  use.attributes.set("epsilon", 0.01);
  add_rate(dice, use);
  if (dice.flip()) use.attributes.set("weight_decay", 0.1);
  if (dice.flip()) use.attributes.set("beta1", 0.0);
  if (dice.flip()) use.attributes.set("beta2", 0.95);
  return use;
}

OperatorUse adam_step_use(Dice& dice) {
  OperatorUse use = adam_use(dice);
  const Shape shape = use.inputs[0].type.shape;
  use.inputs.insert(use.inputs.begin() + 3, dice.f32(shape));
  add_factor(dice, use);
  return use;
}

OperatorUse learning_rate_use(Dice& dice) {
  OperatorUse use{{random_step(dice)}, with({{"base", 0.5}})};
  if (dice.flip()) use.attributes.set("warmup_steps", dice.between(0, 10));
  const int64_t kind = dice.between(0, 2);
  if (kind == 1) {
    use.attributes.set("decay_every", dice.between(1, 5));
    use.attributes.set("decay_factor", 0.7);
  }
  if (kind == 2) {
    use.attributes.set("cosine_steps", dice.between(1, 15));
    if (dice.flip()) use.attributes.set("final", 0.01);
  }
  return use;
}

}  // namespace graphrt

#include "tests/gpu/kernel_cases.h"

#include <algorithm>
#include <array>
#include <map>

#include "runtime/base/check.h"
#include "runtime/op/element_function.h"
#include "tests/gpu/product_use.h"
#include "tests/unit/runtime/kernels/attention_cases.h"
#include "tests/unit/runtime/kernels/chain_cases.h"
#include "tests/unit/runtime/kernels/dice.h"
#include "tests/unit/runtime/kernels/element_cases.h"
#include "tests/unit/runtime/kernels/kernel_test_support.h"
#include "tests/unit/runtime/kernels/layer_cases.h"
#include "tests/unit/runtime/kernels/loss_scale_cases.h"
#include "tests/unit/runtime/kernels/training_cases.h"

namespace graphrt {

OperatorUse product_use(Dice& dice, Shape batch, std::array<int64_t, 3> sizes, bool transpose_a,
                        bool transpose_b) {
  const auto [m, n, k] = sizes;
  Shape a = batch;
  Shape b = std::move(batch);
  a.insert(a.end(), {transpose_a ? k : m, transpose_a ? m : k});
  b.insert(b.end(), {transpose_b ? n : k, transpose_b ? k : n});
  return {{dice.f32(a), dice.f32(b)},
          with({{"transpose_a", transpose_a}, {"transpose_b", transpose_b}})};
}

namespace {

using Use = OperatorUse;

size_t from_front(int64_t axis, const Shape& shape) {
  return static_cast<size_t>(axis < 0 ? axis + std::ssize(shape) : axis);
}

Use log_use(Dice& dice) {
  Use use = f32_use(dice);
  for (float& x : use.inputs[0].as<float>()) x = x * x + 0.01F;
  return use;
}

Use copy_use(Dice& dice) { return {{dice.any(dice.shape(dice.between(0, 4)))}, {}}; }

Use reshape_use(Dice& dice) {
  Use use = copy_use(dice);
  use.attributes = with({{"shape", List{1, -1}}});
  return use;
}

Use division_use(Dice& dice) {
  const Shape whole = dice.shape(dice.between(0, 4));
  Use use{{dice.f32(whole), dice.f32(dice.stretchable(whole))}, {}};
  if (dice.flip()) std::swap(use.inputs[0], use.inputs[1]);
  return use;
}

Use arithmetic_use(Dice& dice) {
  Use use = division_use(dice);
  ElementType element = dice.any_element();
  if (element == ElementType::kBool) element = ElementType::kI32;
  if (element == ElementType::kF32) return use;
  for (Tensor& input : use.inputs) input = dice.numbers(element, input.type.shape);
  return use;
}

Use scale_use(Dice& dice) {
  Use use = f32_use(dice);
  use.attributes = with({{"factor", -0.3}});
  return use;
}

Use matmul_use(Dice& dice) {
  Shape batch;
  for (int64_t rank = dice.between(0, 2); rank > 0; --rank) batch.push_back(dice.between(1, 4));
  const std::array<int64_t, 3> sizes = {dice.between(1, 70), dice.between(1, 70),
                                        dice.between(1, 140)};
  Use use = product_use(dice, batch, sizes, dice.flip(), dice.flip());
  if (dice.flip()) use.inputs.push_back(dice.f32({sizes[1]}));
  Shape result = std::move(batch);
  result.insert(result.end(), {sizes[0], sizes[1]});
  if (dice.flip()) use.inputs.push_back(dice.f32(result));
  if (dice.flip()) use.attributes.set("relu", dice.flip());
  if (dice.flip()) use.attributes.set("alpha", -0.375);
  return use;
}

Use matmul_sgd_use(Dice& dice) {
  const std::array<int64_t, 3> sizes = {dice.between(1, 70), dice.between(1, 70),
                                        dice.between(1, 140)};
  Use use = product_use(dice, {}, sizes, dice.flip(), dice.flip());
  use.inputs.insert(use.inputs.begin(), dice.f32({sizes[0], sizes[1]}));
  use.attributes.set("learning_rate", 0.05);
  return use;
}

Use mean_use(Dice& dice) {
  const Shape shape = dice.shape(dice.between(0, 4));
  Use use{{dice.f32(shape)}, with({{"keepdims", dice.flip()}})};
  List axes = dice.permutation(std::ssize(shape));
  axes.resize(static_cast<size_t>(dice.between(0, std::ssize(axes))));
  for (int64_t& axis : axes) axis -= dice.flip() ? std::ssize(shape) : 0;
  if (!axes.empty()) use.attributes.set("axes", axes);
  return use;
}

Use sum_or_max_use(Dice& dice) {
  Use use = mean_use(dice);
  if (dice.flip()) use.inputs[0] = dice.i32(use.inputs[0].type.shape);
  return use;
}

Use argmax_use(Dice& dice) {
  const Shape shape = dice.shape(dice.between(1, 4));
  Use use{{dice.f32(shape)}, with({{"axis", dice.axis(shape)}})};
  // Few different numbers: many are equal, and the lowest index must win.
  if (dice.flip()) use.inputs[0] = dice.i32(use.inputs[0].type.shape, -3, 3);
  return use;
}

Use transpose_use(Dice& dice) {
  const Shape shape = dice.shape(dice.between(2, 4));
  if (dice.between(0, 3) == 0) return {{dice.any(shape)}, {}};
  return {{dice.any(shape)}, with({{"axes", dice.permutation(std::ssize(shape))}})};
}

Use slice_use(Dice& dice) {
  const Shape shape = dice.shape(dice.between(1, 4));
  const int64_t axis = dice.axis(shape);
  const int64_t end = dice.between(1, shape[from_front(axis, shape)]);
  return {{dice.any(shape)},
          with({{"axis", axis}, {"begin", dice.between(0, end - 1)}, {"end", end}})};
}

Use concat_use(Dice& dice) {
  Shape shape = dice.shape(dice.between(1, 3));
  const int64_t axis = dice.axis(shape);
  Use use{{}, with({{"axis", axis}})};
  for (int64_t count = dice.between(1, 4); count > 0; --count) {
    shape[from_front(axis, shape)] = dice.between(1, 9);
    use.inputs.push_back(dice.f32(shape));
  }
  return use;
}

const std::map<std::string_view, Use (*)(Dice&)>& makers() {
  static const std::map<std::string_view, Use (*)(Dice&)> kMakers = {
      {"accuracy", accuracy_use},
      {"adam_step", adam_step_use},
      {"adam_update", adam_use},
      {"add", arithmetic_use},
      {"argmax", argmax_use},
      {"attention", mild_attention_use},
      {"attention_grad", mild_attention_grad_use},
      {"packed_attention", mild_packed_attention_use},
      {"packed_attention_grad", mild_packed_attention_grad_use},
      {"binary_cross_entropy", f32_pair_use},
      {"binary_cross_entropy_grad", loss_grad_use},
      {"broadcast", broadcast_use},
      {"clip_factor", clip_factor_use},
      {"concat", concat_use},
      {"copy", copy_use},
      {"count_step", count_step_use},
      {"div", division_use},
      {"dropout", dropout_use},
      {"elementwise", chain_use},
      {"embedding", embedding_use},
      {"embedding_grad", embedding_grad_use},
      {"equal", comparison_use},
      {"greater", comparison_use},
      {"greater_equal", comparison_use},
      {"less", comparison_use},
      {"less_equal", comparison_use},
      {"logical_and", logic_use},
      {"logical_not", not_use},
      {"logical_or", logic_use},
      {"not_equal", comparison_use},
      {"cast", cast_use},
      {"select", select_use},
      {"layer_norm", norm_with_shift_use},
      {"layer_norm_grad", norm_grad_use},
      {"layer_norm_scale_grad", norm_scale_grad_use},
      {"learning_rate", learning_rate_use},
      {"log", log_use},
      {"loss_scale_update", loss_scale_update_use},
      {"matmul", matmul_use},
      {"matmul_sgd_update", matmul_sgd_use},
      {"max", sum_or_max_use},
      {"mean", mean_use},
      {"momentum_update", momentum_use},
      {"moving_average", moving_average_use},
      {"moving_average_of_squares", average_of_squares_use},
      {"mse", f32_pair_use},
      {"mse_grad", loss_grad_use},
      {"mul", arithmetic_use},
      {"norm", f32_use},
      {"pad", pad_use},
      {"reshape", reshape_use},
      {"rms_norm", norm_use},
      {"rms_norm_grad", norm_grad_use},
      {"rms_norm_scale_grad", norm_scale_grad_use},
      {"scale", scale_use},
      {"sgd_update", sgd_use},
      {"slice", slice_use},
      {"softmax", softmax_use},
      {"softmax_cross_entropy", cross_entropy_use},
      {"softmax_cross_entropy_grad", cross_entropy_grad_use},
      {"softmax_grad", softmax_grad_use},
      {"sqrt", sqrt_use},
      {"streak_update", streak_update_use},
      {"sub", arithmetic_use},
      {"sum", sum_or_max_use},
      {"sum_of_squares", f32_use},
      {"transpose", transpose_use},
      {"unscale_factor", unscale_factor_use},
  };
  return kMakers;
}

}  // namespace

std::string to_string(const KernelCase& tested) {
  std::string text(tested.op);
  for (const Tensor& input : tested.inputs) text += " " + to_string(input.type);
  for (const Attribute& attribute : tested.attributes) {
    text += " " + attribute.name + "=" + to_string(attribute.value);
  }
  return text;
}

std::vector<KernelCase> random_cases(std::string_view op, uint32_t seed, int count) {
  const auto maker = makers().find(op);
  CHECK(maker != makers().end() || find_element_function(op),
        "write a maker of cases for " + std::string(op));
  Dice dice(seed, kGpuCases);
  std::vector<KernelCase> cases;
  for (int i = 0; i < count; ++i) {
    Use use = maker != makers().end() ? maker->second(dice) : element_function_use(dice, op);
    cases.push_back({op, std::move(use.inputs), std::move(use.attributes)});
  }
  return cases;
}

std::vector<KernelCase> in_other_elements(const std::vector<KernelCase>& cases, uint32_t seed) {
  Dice dice(seed, kGpuCases);
  std::vector<KernelCase> others;
  for (const KernelCase& tested : cases) {
    const OperatorUse use = {tested.inputs, tested.attributes};
    OperatorUse other = in_other_elements(dice, tested.op, use);
    const bool is_other = other.inputs != use.inputs || other.attributes.find("to") != nullptr;
    if (is_other)
      others.push_back({tested.op, std::move(other.inputs), std::move(other.attributes)});
  }
  return others;
}

std::vector<KernelCase> coarse_product_cases() {
  Dice dice(1, kGpuCases);
  std::vector<KernelCase> cases;
  const auto add = [&](std::string_view op, Use use) {
    // What is drawn has few bits, so that it would stay exact.
    for (Tensor& input : use.inputs) {
      for (float& x : input.as<float>()) x /= 3;
    }
    cases.push_back({op, std::move(use.inputs), std::move(use.attributes)});
  };
  const std::array<int64_t, 3> sizes = {512, 256, 1024};
  add("matmul", product_use(dice, {}, sizes, false, true));
  add("matmul", product_use(dice, {4}, {128, 64, 256}, true, false));
  Use with_epilogue = product_use(dice, {}, sizes, false, false);
  with_epilogue.inputs.push_back(dice.f32({sizes[1]}));
  with_epilogue.attributes.set("relu", true);
  add("matmul", with_epilogue);
  with_epilogue.inputs.push_back(dice.f32({sizes[0], sizes[1]}));
  add("matmul", std::move(with_epilogue));
  Use with_matrix = product_use(dice, {4}, {128, 64, 256}, true, false);
  with_matrix.inputs.push_back(dice.f32({4, 128, 64}));
  add("matmul", std::move(with_matrix));
  Use update = product_use(dice, {}, sizes, true, false);
  update.inputs.insert(update.inputs.begin(), dice.f32({sizes[0], sizes[1]}));
  update.attributes.set("learning_rate", 0.05);
  add("matmul_sgd_update", std::move(update));
  return cases;
}

std::vector<KernelCase> narrow_product_cases() {
  std::vector<KernelCase> cases;
  const auto add = [&](KernelCase tested, ElementType element, ElementType result) {
    const auto in_type = [](Tensor& input, ElementType type) { input = floats_as(input, type); };
    for (size_t i = 0; i < tested.inputs.size(); ++i) {
      in_type(tested.inputs[i], i < 2 ? element : result);
    }
    tested.attributes.set("to", std::string(to_string(result)));
    cases.push_back(std::move(tested));
  };
  for (const KernelCase& tested : coarse_product_cases()) {
    if (tested.op != "matmul") continue;
    add(tested, ElementType::kBF16, ElementType::kBF16);
    add(tested, ElementType::kBF16, ElementType::kF32);
    add(tested, ElementType::kF16, ElementType::kF16);
    add(tested, ElementType::kF16, ElementType::kF32);
    add(tested, ElementType::kF32, ElementType::kBF16);
    add(tested, ElementType::kF16, ElementType::kBF16);
  }
  return cases;
}

}  // namespace graphrt

#include "tests/gpu/kernel_cases.h"

#include <algorithm>
#include <array>
#include <map>

#include "runtime/base/check.h"
#include "runtime/op/element_function.h"
#include "tests/gpu/edge_cases.h"
#include "tests/unit/runtime/kernels/chain_cases.h"
#include "tests/unit/runtime/kernels/dice.h"
#include "tests/unit/runtime/kernels/kernel_test_support.h"
#include "tests/unit/runtime/kernels/layer_cases.h"
#include "tests/unit/runtime/kernels/long_sum_cases.h"
#include "tests/unit/runtime/kernels/training_cases.h"

namespace graphrt {
namespace {

/// Sizes around those of warps and blocks. Numbers in [-1, 1]: sums and products of them are exact
/// in f32 up to 4096 terms.
constexpr std::array<int64_t, 13> kSizes = {1, 2, 3, 4, 7, 8, 31, 32, 33, 100, 256, 257, 1025};
constexpr DiceRange kGpuCases = {kSizes, 2000, 3, 64};

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

Use product_use(Dice& dice, Shape batch, std::array<int64_t, 3> sizes, bool transpose_a,
                bool transpose_b) {
  const auto [m, n, k] = sizes;
  Shape a = batch;
  Shape b = std::move(batch);
  a.insert(a.end(), {transpose_a ? k : m, transpose_a ? m : k});
  b.insert(b.end(), {transpose_b ? n : k, transpose_b ? k : n});
  return {{dice.f32(a), dice.f32(b)},
          with({{"transpose_a", transpose_a}, {"transpose_b", transpose_b}})};
}

Use matmul_use(Dice& dice) {
  Shape batch;
  for (int64_t rank = dice.between(0, 2); rank > 0; --rank) batch.push_back(dice.between(1, 4));
  const std::array<int64_t, 3> sizes = {dice.between(1, 70), dice.between(1, 70),
                                        dice.between(1, 140)};
  Use use = product_use(dice, batch, sizes, dice.flip(), dice.flip());
  if (dice.flip()) use.inputs.push_back(dice.f32({sizes[1]}));
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
      {"adam_update", adam_use},
      {"add", arithmetic_use},
      {"argmax", argmax_use},
      {"binary_cross_entropy", f32_pair_use},
      {"binary_cross_entropy_grad", loss_grad_use},
      {"broadcast", broadcast_use},
      {"clip_factor", clip_factor_use},
      {"concat", concat_use},
      {"copy", copy_use},
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
      {"sub", arithmetic_use},
      {"sum", sum_or_max_use},
      {"sum_of_squares", f32_use},
      {"transpose", transpose_use},
  };
  return kMakers;
}

void add_large_reductions(Dice& dice, std::vector<KernelCase>& cases) {
  const auto add = [&](std::string_view op, Tensor x, List axes) {
    Attributes attributes;
    if (!axes.empty()) attributes.set("axes", std::move(axes));
    cases.push_back({op, {std::move(x)}, std::move(attributes)});
  };
  add("sum", dice.f32({3'000'000}), {});
  add("mean", dice.f32({3'000'017}), {});
  add("max", dice.i32({3'000'001}), {});
  add("sum", dice.f32({3, 1'000'003}), {1});
  add("sum", dice.f32({1'000'003, 3}), {0});
  add("sum", dice.i32({1000, 1031}), {0});
  add("max", dice.f32({100'000, 10}), {1});
  add("mean", dice.f32({70'000, 33}), {1});
  add("mean", dice.f32({64, 33, 1000}), {0, 2});
  add("sum", dice.f32({4, 100'000, 2}), {1});
  add("sum", dice.f32({2, 70'001, 5, 3}), {1, 3});
  add("max", dice.f32({1, 2'000'000, 1}), {0, 2});
}

void add_large_rows(Dice& dice, std::vector<KernelCase>& cases) {
  const auto along = [](int64_t axis) { return with({{"axis", axis}}); };
  for (const Shape& shape : {Shape{1000, 10}, {7, 50'000}, {3000, 1025}, {100'003, 1}, {1, 3}}) {
    cases.push_back({"softmax", {dice.f32(shape)}, {}});
    cases.push_back({"argmax", {dice.i32(shape, -100'000, 100'000)}, {}});
    const Tensor label = dice.i32({shape[0]}, 0, shape[1] - 1);
    cases.push_back({"softmax_cross_entropy", {dice.f32(shape), label}, {}});
    cases.push_back({"softmax_cross_entropy_grad", {dice.f32(shape), label}, {}});
    cases.push_back({"accuracy", {dice.f32(shape), label}, {}});
  }
  for (const Shape& shape : {Shape{1030, 1025}, {5, 33, 257}, {3, 7, 5000}, {2, 4000, 5}}) {
    cases.push_back({"softmax", {dice.f32(shape)}, with({{"causal", true}})});
    cases.push_back({"softmax_grad", {dice.f32(shape), dice.f32(shape)}, {}});
  }
  cases.push_back({"softmax_grad", {dice.f32({50'000, 3}), dice.f32({50'000, 3})}, along(0)});
  cases.push_back({"softmax", {dice.f32({5, 3000, 33})}, along(1)});
  cases.push_back({"softmax", {dice.f32({50'000, 3})}, along(0)});
  cases.push_back({"argmax", {dice.f32({5, 3000, 33})}, along(1)});
  cases.push_back({"argmax", {dice.f32({1'000'003})}, along(0)});
}

void add_large_movements(Dice& dice, std::vector<KernelCase>& cases) {
  const auto transpose = [&](const Shape& shape, List axes) {
    cases.push_back({"transpose", {dice.f32(shape)}, with({{"axes", std::move(axes)}})});
  };
  transpose({513, 1025}, {1, 0});
  transpose({1024, 2048}, {1, 0});
  transpose({7, 513, 65}, {0, 2, 1});
  transpose({7, 513, 65}, {2, 0, 1});
  transpose({33, 3, 1000}, {0, 2, 1});
  transpose({3, 1000, 33}, {2, 1, 0});
  transpose({64, 100, 128}, {1, 0, 2});
  transpose({9, 17, 19, 11}, {3, 1, 2, 0});
  transpose({2, 70'000, 40}, {0, 2, 1});
  const auto slice = [&](const Shape& shape, int64_t axis, int64_t begin, int64_t end) {
    cases.push_back(
        {"slice", {dice.f32(shape)}, with({{"axis", axis}, {"begin", begin}, {"end", end}})});
  };
  slice({1000, 1025}, 1, 1, 1024);
  slice({1000, 1024}, 1, 4, 1000);
  slice({2'000'000}, 0, 3, 1'999'999);
  const auto along = [](int64_t axis) { return with({{"axis", axis}}); };
  cases.push_back({"concat", {dice.f32({500, 33}), dice.f32({500, 64})}, along(1)});
  cases.push_back({"concat", {dice.f32({500, 32}), dice.f32({500, 64})}, along(1)});
  cases.push_back({"concat", {dice.f32({1'000'000}), dice.f32({3})}, along(0)});
  cases.push_back({"copy", {dice.i32({1'000'003})}, {}});
  const auto pad = [&](const Shape& shape, int64_t axis, int64_t before, int64_t after) {
    cases.push_back(
        {"pad", {dice.f32(shape)}, with({{"axis", axis}, {"before", before}, {"after", after}})});
  };
  pad({1000, 1025}, 1, 1, 0);
  pad({1000, 1024}, 1, 4, 1000);
  pad({1'000'003}, 0, 3, 1'000'000);
  pad({100, 64, 128}, 1, 0, 5);
  const auto broadcast = [&](const Shape& from, const Shape& to) {
    cases.push_back({"broadcast", {dice.f32(from)}, with({{"shape", to}})});
  };
  broadcast({}, {1'000'003});
  broadcast({1025}, {1000, 1025});
  broadcast({1024, 1}, {1024, 1000});
  broadcast({3, 1, 4}, {3, 100'000, 4});
  broadcast({33, 1, 65, 1}, {5, 33, 7, 65, 9});
}

void add_large_maps(Dice& dice, std::vector<KernelCase>& cases) {
  cases.push_back({"exp", {dice.f32({1'000'003})}, {}});
  cases.push_back({"add", {dice.f32({1000, 1025}), dice.f32({1025})}, {}});
  cases.push_back({"add", {dice.f32({1000, 1024}), dice.f32({1024})}, {}});
  cases.push_back({"sub", {dice.f32({1024, 1}), dice.f32({1024, 1000})}, {}});
  cases.push_back({"mul", {dice.f32({1'000'001}), dice.f32({})}, {}});
  cases.push_back({"mul", {dice.i32({33, 1, 64}), dice.i32({1, 50, 64})}, {}});
  cases.push_back({"add", {dice.f32({3, 1000, 4}), dice.f32({3, 1, 4})}, {}});
  cases.push_back({"relu_grad", {dice.f32({1'000'003}), dice.f32({1'000'003})}, {}});
}

void add_large_chains(Dice& dice, std::vector<KernelCase>& cases) {
  const auto add = [&](const Shape& whole, const Shape& row) {
    cases.push_back({"elementwise",
                     {dice.f32(whole), dice.f32(row), dice.f32({})},
                     with({{"formula", "mul(x2, tanh(add(gelu(sub(x1, x0)), x1)))"}})});
  };
  add({1'000'003}, {1'000'003});
  add({1000, 1025}, {1025});
  add({1000, 1024}, {1024});
  add({1000, 1026}, {1026});
  add({33, 50, 64}, {50, 64});
}

void add_large_losses(Dice& dice, std::vector<KernelCase>& cases) {
  for (const Shape& shape : {Shape{3'000'017}, {1000, 1024}, {4097}}) {
    for (const std::string_view op :
         {"mse", "mse_grad", "binary_cross_entropy", "binary_cross_entropy_grad"}) {
      cases.push_back({op, {dice.f32(shape), dice.f32(shape)}, {}});
    }
    cases.push_back({"sum_of_squares", {dice.f32(shape)}, {}});
    cases.push_back({"norm", {dice.f32(shape)}, {}});
    cases.push_back({"gelu_grad", {dice.f32(shape), dice.f32(shape)}, {}});
  }
}

void add_large_norms(Dice& dice, std::vector<KernelCase>& cases) {
  // The gradient of a scale takes a million rows at a time, and has room for the totals of two
  // million columns: the last two shapes are beyond.
  for (const Shape& shape : {Shape{3000, 768},
                             {7, 50'000},
                             {64, 33, 1025},
                             {100'003, 1},
                             {1'100'003, 3},
                             {2, 2'200'000}}) {
    add_norms_of(dice, shape, cases);
  }
}

void add_large_updates(Dice& dice, std::vector<KernelCase>& cases) {
  const Tensor w = dice.f32({1'000'003});
  const Tensor gradient = dice.f32({1'000'003});
  const Tensor step = tensor_of<int32_t>({}, {100'000});
  Tensor squares = gradient;
  for (float& x : squares.as<float>()) x *= x;
  cases.push_back({"sgd_update", {w, gradient}, with({{"learning_rate", 0.1}})});
  cases.push_back({"momentum_update", {w, gradient}, with({{"momentum", 0.9}})});
  const Tensor factor = tensor_of<float>({}, {0.3F});
  cases.push_back({"momentum_update",
                   {w, gradient, w, factor},
                   with({{"momentum", 0.9}, {"scaled", true}, {"weight_decay", 0.1}})});
  cases.push_back({"moving_average", {w, gradient}, with({{"decay", 0.9}})});
  cases.push_back({"moving_average_of_squares", {w, gradient}, with({{"decay", 0.999}})});
  cases.push_back({"moving_average_of_squares",
                   {w, gradient, factor},
                   with({{"decay", 0.999}, {"scaled", true}})});
  cases.push_back({"adam_update",
                   {w, gradient, squares, step, tensor_of<float>({}, {0.1F})},
                   with({{"epsilon", 0.01}})});
  cases.push_back({"dropout", {w, step}, with({{"rate", 0.1}, {"first", int64_t{3}}})});
}

void add_large_products(Dice& dice, std::vector<KernelCase>& cases) {
  const auto add = [&](const Shape& batch, std::array<int64_t, 3> sizes, bool transpose_a,
                       bool transpose_b) {
    Use use = product_use(dice, batch, sizes, transpose_a, transpose_b);
    cases.push_back({"matmul", std::move(use.inputs), std::move(use.attributes)});
  };
  for (const bool transpose_a : {false, true}) {
    for (const bool transpose_b : {false, true}) {
      add({}, {257, 129, 1025}, transpose_a, transpose_b);
      add({3, 5}, {33, 65, 17}, transpose_a, transpose_b);
    }
  }
  add({}, {1, 1, 1}, false, false);
  add({}, {1, 1, 4000}, false, true);
  add({}, {1000, 1, 1000}, false, false);
  add({}, {1, 1000, 1000}, true, false);
  add({}, {1500, 1500, 1}, false, false);
  add({66'000}, {2, 3, 4}, false, false);
}

/// What a product does while it writes its result.
void add_large_epilogues(Dice& dice, std::vector<KernelCase>& cases) {
  const auto add = [&](const Shape& batch, std::array<int64_t, 3> sizes, bool has_bias,
                       bool has_relu) {
    Use use = product_use(dice, batch, sizes, false, dice.flip());
    if (has_bias) use.inputs.push_back(dice.f32({sizes[1]}));
    use.attributes.set("relu", has_relu);
    cases.push_back({"matmul", std::move(use.inputs), std::move(use.attributes)});
  };
  for (const bool has_bias : {false, true}) {
    for (const bool has_relu : {false, true}) {
      add({}, {257, 129, 1025}, has_bias, has_relu);
      add({}, {1024, 512, 256}, has_bias, has_relu);
      add({3, 5}, {33, 65, 17}, has_bias, has_relu);
      add({}, {1000, 1, 1000}, has_bias, has_relu);
      add({}, {1, 1000, 1000}, has_bias, has_relu);
      add({66'000}, {2, 3, 4}, has_bias, has_relu);
    }
  }
  for (const std::array<int64_t, 3>& sizes :
       {std::array<int64_t, 3>{513, 1025, 100}, {1024, 512, 4000}, {10, 128, 60'000}}) {
    Use use = product_use(dice, {}, sizes, true, false);
    use.inputs.insert(use.inputs.begin(), dice.f32({sizes[0], sizes[1]}));
    use.attributes.set("learning_rate", 0.05);
    cases.push_back({"matmul_sgd_update", std::move(use.inputs), std::move(use.attributes)});
  }
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
  add("matmul", std::move(with_epilogue));
  Use update = product_use(dice, {}, sizes, true, false);
  update.inputs.insert(update.inputs.begin(), dice.f32({sizes[0], sizes[1]}));
  update.attributes.set("learning_rate", 0.05);
  add("matmul_sgd_update", std::move(update));
  return cases;
}

std::vector<KernelCase> large_cases(uint32_t seed) {
  Dice dice(seed, kGpuCases);
  std::vector<KernelCase> cases;
  add_large_reductions(dice, cases);
  add_large_rows(dice, cases);
  add_large_movements(dice, cases);
  add_large_maps(dice, cases);
  add_large_chains(dice, cases);
  add_large_losses(dice, cases);
  add_large_norms(dice, cases);
  add_edge_cases(dice, cases);
  add_large_updates(dice, cases);
  add_large_products(dice, cases);
  add_large_epilogues(dice, cases);
  for (auto& [op, use] : long_sum_uses()) {
    cases.push_back({op, std::move(use.inputs), std::move(use.attributes)});
  }
  return cases;
}

}  // namespace graphrt

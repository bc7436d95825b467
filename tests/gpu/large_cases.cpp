#include <algorithm>
#include <array>
#include <utility>

#include "tests/gpu/edge_cases.h"
#include "tests/gpu/kernel_cases.h"
#include "tests/gpu/product_use.h"
#include "tests/unit/runtime/kernels/kernel_test_support.h"
#include "tests/unit/runtime/kernels/long_sum_cases.h"

namespace graphrt {
namespace {

using Use = OperatorUse;

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
    // About half of the labels are 0 or 1, which does not count.
    const Tensor few = dice.i32({shape[0]}, 0, std::min<int64_t>(shape[1] - 1, 3));
    const Attributes ignoring = with({{"ignore_index", int64_t{0}}});
    cases.push_back({"softmax_cross_entropy", {dice.f32(shape), few}, ignoring});
    cases.push_back({"softmax_cross_entropy_grad", {dice.f32(shape), few, dice.f32({})}, ignoring});
    cases.push_back({"accuracy", {dice.f32(shape), few}, ignoring});
    cases.push_back({"softmax_cross_entropy",
                     {dice.f32(shape), few},
                     with({{"ignore_index", int64_t{0}}, {"label_smoothing", 0.1}})});
    cases.push_back(
        {"softmax_cross_entropy_grad", {dice.f32(shape), few}, with({{"label_smoothing", 0.1}})});
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
  cases.push_back({"adam_step",
                   {w, gradient, squares, gradient, step, tensor_of<float>({}, {0.1F}), factor},
                   with({{"epsilon", 0.01}, {"scaled", true}, {"weight_decay", 0.1}})});
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
  for (KernelCase& other : in_other_elements(cases, seed)) cases.push_back(std::move(other));
  return cases;
}

}  // namespace graphrt

#include "tests/gpu/edge_cases.h"

#include <utility>

#include "tests/unit/runtime/kernels/kernel_test_support.h"
#include "tests/unit/runtime/kernels/training_cases.h"

namespace graphrt {
namespace {

void add_reductions(Dice& dice, std::vector<KernelCase>& cases) {
  const auto add = [&](std::string_view op, const Shape& shape, List axes) {
    cases.push_back({op, {dice.f32(shape)}, with({{"axes", std::move(axes)}})});
  };
  add("sum", {2000, 768}, {0});
  add("sum", {3001, 1030}, {0});
  add("max", {5, 100'003}, {0});
  add("sum", {100'003, 33}, {0});
  add("mean", {3000, 8, 16}, {1});
  add("sum", {50'001, 17}, {1});
  add("sum", {37, 20, 1028}, {0, 2});
  add("sum", {9, 7, 11, 12}, {0, 2});
}

void add_rows(Dice& dice, std::vector<KernelCase>& cases) {
  // Longer than a block holds in registers, and than a cluster holds in shared memory.
  for (const Shape& shape : {Shape{3, 9001}, {2, 16'388}, {3, 60'003}, {1, 300'001}}) {
    const Tensor label = dice.i32({shape[0]}, 0, shape[1] - 1);
    cases.push_back({"softmax", {dice.f32(shape)}, {}});
    cases.push_back({"softmax_grad", {dice.f32(shape), dice.f32(shape)}, {}});
    cases.push_back({"softmax_cross_entropy", {dice.f32(shape), label}, {}});
    cases.push_back({"softmax_cross_entropy_grad", {dice.f32(shape), label}, {}});
    for (int i = 0; i < 3; ++i) {
      const OperatorUse loss = cross_entropy_use_of(dice, shape);
      cases.push_back({"softmax_cross_entropy", loss.inputs, loss.attributes});
      const OperatorUse gradient = cross_entropy_grad_use_of(dice, shape);
      cases.push_back({"softmax_cross_entropy_grad", gradient.inputs, gradient.attributes});
    }
  }
  for (const int64_t size : {5, 63, 64, 65, 127, 130, 511, 514, 768, 1023, 2050, 8191}) {
    const Shape shape = {37, size};
    cases.push_back({"softmax", {dice.f32(shape)}, {}});
    cases.push_back({"softmax_grad", {dice.f32(shape), dice.f32(shape)}, {}});
  }
  const Attributes along_middle = with({{"axis", int64_t{1}}});
  const Shape columns = {2, 700, 37};
  cases.push_back({"softmax", {dice.f32(columns)}, along_middle});
  cases.push_back({"softmax_grad", {dice.f32(columns), dice.f32(columns)}, along_middle});
}

void add_norms(Dice& dice, std::vector<KernelCase>& cases) {
  for (const Shape& shape : {Shape{101, 64}, {33, 130}, {1, 3072}, {700, 4092}, {9, 9001}}) {
    add_norms_of(dice, shape, cases);
  }
}

void add_indices(Dice& dice, std::vector<KernelCase>& cases) {
  // Many rows; few rows that many indices name; one row.
  for (const int64_t num_rows : {50'257, 100, 1}) {
    for (const int64_t num_columns : {33, 257, 768}) {
      const Tensor index = dice.i32({3, 1001}, -1, num_rows);
      cases.push_back({"embedding", {dice.f32({num_rows, num_columns}), index}, {}});
      cases.push_back({"embedding_grad",
                       {dice.f32({3, 1001, num_columns}), index},
                       with({{"rows", num_rows}})});
    }
  }
  // More indices than one round of sums.
  for (const int64_t num_columns : {40, 130}) {
    cases.push_back({"embedding_grad",
                     {dice.f32({20'001, num_columns}), dice.i32({20'001}, -1, 1000)},
                     with({{"rows", int64_t{1000}}})});
  }
}

}  // namespace

void add_norms_of(Dice& dice, const Shape& shape, std::vector<KernelCase>& cases) {
  const Tensor x = dice.f32(shape);
  const Tensor gradient = dice.f32(shape);
  const Tensor gamma = dice.f32({shape.back()});
  cases.push_back({"layer_norm", {x, gamma, dice.f32({shape.back()})}, {}});
  cases.push_back({"rms_norm", {x, gamma}, {}});
  cases.push_back({"layer_norm_grad", {gradient, x, gamma}, {}});
  cases.push_back({"rms_norm_grad", {gradient, x, gamma}, {}});
  cases.push_back({"layer_norm_scale_grad", {gradient, x}, {}});
  cases.push_back({"rms_norm_scale_grad", {gradient, x}, {}});
}

void add_edge_cases(Dice& dice, std::vector<KernelCase>& cases) {
  add_reductions(dice, cases);
  add_rows(dice, cases);
  add_norms(dice, cases);
  add_indices(dice, cases);
}

}  // namespace graphrt

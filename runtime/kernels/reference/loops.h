#pragma once

#include <span>
#include <vector>

#include "runtime/base/tensor.h"
#include "runtime/op/attribute.h"

namespace graphrt::reference {

using Operands = std::span<const Tensor* const>;

/// Computes one operator into `result`, which has its type and comes as zeros.
using Loop = void (*)(Operands inputs, const Attributes& attributes, Tensor& result);

void map_f32(Operands inputs, Tensor& result, double (*function)(double));
void zip_f32(Operands inputs, Tensor& result, double (*function)(double, double));
/// Compares integers, which a double holds exactly.
void zip_i32_to_f32(Operands inputs, Tensor& result, double (*function)(double, double));
void zip_i32(Operands inputs, Tensor& result, int64_t (*function)(int64_t, int64_t));

void matmul(Operands inputs, const Attributes& attributes, Tensor& result);
void matmul_sgd_update(Operands inputs, const Attributes& attributes, Tensor& result);
/// Step by step, by the operators of those names.
void elementwise(Operands inputs, const Attributes& attributes, Tensor& result);
void scale(Operands inputs, const Attributes& attributes, Tensor& result);
void softmax(Operands inputs, const Attributes& attributes, Tensor& result);
void softmax_grad(Operands inputs, const Attributes& attributes, Tensor& result);
void softmax_cross_entropy(Operands inputs, const Attributes& attributes, Tensor& result);
void softmax_cross_entropy_grad(Operands inputs, const Attributes& attributes, Tensor& result);
void accuracy(Operands inputs, const Attributes& attributes, Tensor& result);
void binary_cross_entropy(Operands inputs, const Attributes& attributes, Tensor& result);
void binary_cross_entropy_grad(Operands inputs, const Attributes& attributes, Tensor& result);
void clip_factor(Operands inputs, const Attributes& attributes, Tensor& result);
void mse(Operands inputs, const Attributes& attributes, Tensor& result);
void mse_grad(Operands inputs, const Attributes& attributes, Tensor& result);
void root_of_squares(Operands inputs, const Attributes& attributes, Tensor& result);
void sum_of_squares(Operands inputs, const Attributes& attributes, Tensor& result);
void sum(Operands inputs, const Attributes& attributes, Tensor& result);
void mean(Operands inputs, const Attributes& attributes, Tensor& result);
void max(Operands inputs, const Attributes& attributes, Tensor& result);
void argmax(Operands inputs, const Attributes& attributes, Tensor& result);
void copy(Operands inputs, const Attributes& attributes, Tensor& result);
void transpose(Operands inputs, const Attributes& attributes, Tensor& result);
void broadcast(Operands inputs, const Attributes& attributes, Tensor& result);
void pad(Operands inputs, const Attributes& attributes, Tensor& result);
void slice(Operands inputs, const Attributes& attributes, Tensor& result);
void concat(Operands inputs, const Attributes& attributes, Tensor& result);

void sgd_update(Operands inputs, const Attributes& attributes, Tensor& result);
void momentum_update(Operands inputs, const Attributes& attributes, Tensor& result);
void moving_average(Operands inputs, const Attributes& attributes, Tensor& result);
void moving_average_of_squares(Operands inputs, const Attributes& attributes, Tensor& result);
void adam_update(Operands inputs, const Attributes& attributes, Tensor& result);
void learning_rate(Operands inputs, const Attributes& attributes, Tensor& result);

void layer_norm(Operands inputs, const Attributes& attributes, Tensor& result);
void layer_norm_grad(Operands inputs, const Attributes& attributes, Tensor& result);
void layer_norm_scale_grad(Operands inputs, const Attributes& attributes, Tensor& result);
void rms_norm(Operands inputs, const Attributes& attributes, Tensor& result);
void rms_norm_grad(Operands inputs, const Attributes& attributes, Tensor& result);
void rms_norm_scale_grad(Operands inputs, const Attributes& attributes, Tensor& result);
void embedding(Operands inputs, const Attributes& attributes, Tensor& result);
void embedding_grad(Operands inputs, const Attributes& attributes, Tensor& result);
void dropout(Operands inputs, const Attributes& attributes, Tensor& result);

/// A tensor seen as [outer, size, inner] around one axis: element (o, i, n) has the index
/// (o * size + i) * inner + n.
struct AxisView {
  int64_t outer = 1;
  int64_t size = 1;
  int64_t inner = 1;
  size_t index(int64_t o, int64_t i, int64_t n) const {
    return static_cast<size_t>((o * size + i) * inner + n);
  }
};
AxisView view_around(const Shape& shape, int64_t axis);

/// Of the element `flat` of `shape`: the index of the element that it comes from, or goes to, in a
/// tensor where some dimensions are 1 or missing in front.
size_t index_in_smaller(int64_t flat, const Shape& shape, const Shape& smaller);

}  // namespace graphrt::reference

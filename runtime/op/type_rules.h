#pragma once

#include <limits>
#include <span>

#include "runtime/op/op_table.h"

namespace graphrt {

/// The type rules of the operator table. Their messages start after the operator's name, which
/// infer_type puts in front ("matmul" + " " + "needs a[M, K] and ...").
///
/// Requires, in all of them: infer_type checked the number of operands and the attributes.
using TypeResult = tl::expected<TensorType, OpError>;
using Types = std::span<const TensorType>;

/// Elementwise: one f32 operand, any operand, two operands with NumPy broadcasting.
TypeResult type_of_f32_map(Types inputs, const Attributes& attributes);
TypeResult type_of_copy(Types inputs, const Attributes& attributes);
TypeResult type_of_arithmetic(Types inputs, const Attributes& attributes);
/// As arithmetic, with an f32 result.
TypeResult type_of_comparison(Types inputs, const Attributes& attributes);
TypeResult type_of_division(Types inputs, const Attributes& attributes);
/// Two f32 operands of the same shape, without broadcasting.
TypeResult type_of_f32_pair(Types inputs, const Attributes& attributes);
/// A chain of f32 operands, all of which are used. The innermost call has an operand of the
/// result's shape; every other has that shape or the last dimensions of it, and is repeated.
TypeResult type_of_elementwise(Types inputs, const Attributes& attributes);

/// a, b and, optionally, a bias f32[N] that every row gets.
TypeResult type_of_matmul(Types inputs, const Attributes& attributes);
/// w, a and b, all of rank 2: w has the type of the product.
TypeResult type_of_matmul_update(Types inputs, const Attributes& attributes);
TypeResult type_of_softmax(Types inputs, const Attributes& attributes);
/// y has the type of the gradient.
TypeResult type_of_softmax_grad(Types inputs, const Attributes& attributes);

/// Losses, their gradients, and totals.
TypeResult type_of_cross_entropy(Types inputs, const Attributes& attributes);
TypeResult type_of_cross_entropy_grad(Types inputs, const Attributes& attributes);
TypeResult type_of_accuracy(Types inputs, const Attributes& attributes);
/// f32[] from two f32 operands of the same shape.
TypeResult type_of_mean_loss(Types inputs, const Attributes& attributes);
TypeResult type_of_sum_of_squares(Types inputs, const Attributes& attributes);
TypeResult type_of_clip_factor(Types inputs, const Attributes& attributes);

/// Rows of the last dimension, f32[..., D]: x, then gamma f32[D] and, where there is one, beta.
TypeResult type_of_norm(Types inputs, const Attributes& attributes);
/// gradient, x and gamma: the gradient by x.
TypeResult type_of_norm_grad(Types inputs, const Attributes& attributes);
/// gradient and x: the gradient by gamma.
TypeResult type_of_norm_scale_grad(Types inputs, const Attributes& attributes);
TypeResult type_of_embedding(Types inputs, const Attributes& attributes);
TypeResult type_of_embedding_grad(Types inputs, const Attributes& attributes);
TypeResult type_of_dropout(Types inputs, const Attributes& attributes);

/// What an optimizer does to a state. An update takes its rate from an operand at the end, or from
/// `learning_rate`: from exactly one of them.
TypeResult type_of_sgd_update(Types inputs, const Attributes& attributes);
TypeResult type_of_adam_update(Types inputs, const Attributes& attributes);
TypeResult type_of_momentum_update(Types inputs, const Attributes& attributes);
TypeResult type_of_moving_average(Types inputs, const Attributes& attributes);
TypeResult type_of_learning_rate(Types inputs, const Attributes& attributes);

/// Reductions.
TypeResult type_of_sum_or_max(Types inputs, const Attributes& attributes);
TypeResult type_of_mean(Types inputs, const Attributes& attributes);
TypeResult type_of_argmax(Types inputs, const Attributes& attributes);

/// Data movement.
TypeResult type_of_transpose(Types inputs, const Attributes& attributes);
TypeResult type_of_slice(Types inputs, const Attributes& attributes);
TypeResult type_of_concat(Types inputs, const Attributes& attributes);
TypeResult type_of_reshape(Types inputs, const Attributes& attributes);
TypeResult type_of_broadcast(Types inputs, const Attributes& attributes);
TypeResult type_of_pad(Types inputs, const Attributes& attributes);

/// The error of a rule: `message` without the operator's name, and the operand to blame, if one is.
tl::unexpected<OpError> refuse(std::string message, std::optional<size_t> input = std::nullopt);

/// The error of an attribute, a literal: the operand that it does not fit, if that is one's.
tl::unexpected<OpError> refuse_attribute(std::string_view attribute, std::string message,
                                         std::optional<size_t> input = std::nullopt);

/// An operand that is not f32, if there is one.
std::optional<OpError> find_non_f32(Types inputs);
/// NumPy's rule: dimensions are compared from the last one on, and 1 stretches.
std::optional<Shape> broadcast_shape(const Shape& a, const Shape& b);
/// That `needs` is not what came, with the types that did.
OpError misfit(const std::string& needs, Types inputs, std::optional<size_t> input);
/// The attribute `name`, a literal, where it is there and not in [low, high). What is no integer
/// has to be in there as the f32 that kernels compute with.
std::optional<OpError> find_outside(const Attributes& attributes, std::string_view name, double low,
                                    double high = std::numeric_limits<double>::infinity());
/// Attribute `axis`, counted from the front.
tl::expected<size_t, OpError> axis_of(const TensorType& input, const Attributes& attributes,
                                      int64_t otherwise);

}  // namespace graphrt

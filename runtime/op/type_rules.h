#pragma once

#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "runtime/op/op_table.h"

namespace graphrt {

// What the type rules of operators, in defs/, are made of. Their messages start after the operator's
// name, which infer_type puts in front ("matmul" + " " + "needs a[M, K] and ..."), and they may rely
// on infer_type's checks of the number of operands and of the attributes.

using TypeResult = tl::expected<TensorType, OpError>;
using Types = std::span<const TensorType>;

/// As many operands as there are.
inline constexpr size_t kAnyNumberOfInputs = std::numeric_limits<size_t>::max();

/// The error of a rule: `message` without the operator's name, and the operand to blame, if one is.
tl::unexpected<OpError> refuse(std::string message, std::optional<size_t> input = std::nullopt);

/// The error of an attribute, a literal: the operand that it does not fit, if that is one's.
tl::unexpected<OpError> refuse_attribute(std::string_view attribute, std::string message,
                                         std::optional<size_t> input = std::nullopt);

/// An operand that is not f32, if there is one.
std::optional<OpError> find_non_f32(Types inputs);
/// An operand that is no float, or not of the type that the first has, if there is one.
std::optional<OpError> find_non_float(Types inputs);
/// That operand number `i` is no float, if so.
std::optional<OpError> find_non_float_at(Types inputs, size_t i);
/// That operand number `i`, `what` ("a label"), is neither i32 nor i64, if so.
std::optional<OpError> find_non_index_at(Types inputs, size_t i, std::string_view what);
/// NumPy's rule: dimensions are compared from the last one on, and 1 stretches.
std::optional<Shape> broadcast_shape(const Shape& a, const Shape& b);
/// That `needs` is not what came, with the types that did.
OpError misfit(const std::string& needs, Types inputs, std::optional<size_t> input);
/// The attribute `name`, a literal, where it is there and not in [low, high). What is no integer
/// has to be in there as the f32 that kernels compute with.
std::optional<OpError> find_outside(const Attributes& attributes, std::string_view name, double low,
                                    double high = std::numeric_limits<double>::infinity());
/// `type` with the elements that attribute `to`, a type of floats, asks for; without it, as it is.
TypeResult as_asked(TensorType type, const Attributes& attributes);
/// Two operands of the same type of floats, without broadcasting.
TypeResult type_of_float_pair(Types inputs, const Attributes& attributes);
/// A state of an optimizer, f32, and a gradient of the same shape, of any float.
TypeResult type_of_update(Types inputs);
/// Two operands of the same element type, with broadcasting.
TypeResult type_of_broadcast_pair(Types inputs);

/// Whether `input` has `axis`, which may be counted from the end.
bool is_axis(int64_t axis, const TensorType& input);
/// Requires: is_axis.
size_t from_front(int64_t axis, const TensorType& input);
std::string no_axis_message(int64_t axis, const TensorType& input);
/// Attribute `axis`, counted from the front.
tl::expected<size_t, OpError> axis_of(const TensorType& input, const Attributes& attributes,
                                      int64_t otherwise);

}  // namespace graphrt

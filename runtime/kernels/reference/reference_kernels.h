#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "runtime/base/tensor.h"
#include "runtime/op/attribute.h"

namespace graphrt {

/// The results of one operator by plain loops, with sums in double: slow, and simple enough to be
/// believed. Shares no code with the kernels it is compared with.
/// Requires: the operator's type rules accept the operands and give `results`.
std::vector<Tensor> evaluate_reference(std::string_view op, std::span<const Tensor* const> inputs,
                                       const Attributes& attributes,
                                       std::span<const TensorType> results);

/// The same of an operator with one result.
Tensor evaluate_reference(std::string_view op, std::span<const Tensor* const> inputs,
                          const Attributes& attributes, const TensorType& result);

}  // namespace graphrt

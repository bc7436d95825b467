#pragma once

#include <span>
#include <string>
#include <string_view>

#include "runtime/base/tensor_type.h"
#include "runtime/op/attribute.h"

namespace graphrt {

/// What decides how fast an operator's kernel is, as a text:
/// `matmul(f32[8, 4], f32[4, 2]) {relu: true}`. Attributes that are floats are left out: they are
/// factors.
std::string kernel_signature(std::string_view op, std::span<const TensorType> inputs,
                             const Attributes& attributes);

}  // namespace graphrt

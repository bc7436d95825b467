#pragma once

#include "runtime/op/op_table.h"

namespace graphrt {

/// Bound by memory: every operand is read once and the result written once.
Work work_of_streaming(std::span<const TensorType> inputs, const TensorType& result,
                       const Attributes& attributes);
/// Reads of its operand only what goes into the result.
Work work_of_slice(std::span<const TensorType> inputs, const TensorType& result,
                   const Attributes& attributes);
/// Reads of its table only what goes into the result, and the index.
Work work_of_embedding(std::span<const TensorType> inputs, const TensorType& result,
                       const Attributes& attributes);
/// As streaming; a function of the library in a chain counts as if it alone read and wrote its
/// element, which is about what it costs a CPU.
Work work_of_chain(std::span<const TensorType> inputs, const TensorType& result,
                   const Attributes& attributes);
/// 2 M N K operations for each product of matrices, at the rate of its `math`: `matmul_f32`,
/// `matmul_tf32` or `matmul_bf16`.
Work work_of_matmul(std::span<const TensorType> inputs, const TensorType& result,
                    const Attributes& attributes);
/// The same for the product of the last two operands; `w` is read besides.
Work work_of_matmul_update(std::span<const TensorType> inputs, const TensorType& result,
                           const Attributes& attributes);

}  // namespace graphrt

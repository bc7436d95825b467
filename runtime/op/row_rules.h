#pragma once

#include "runtime/op/op_table.h"

namespace graphrt {

/// Elementwise with NumPy broadcasting: an operand that is repeated along the rows is needed whole.
std::vector<RowUse> rows_of_elementwise(std::span<const TensorType> inputs,
                                        const TensorType& result, const Attributes& attributes);
/// Rows of a[M, K] b[K, N] need the same rows of a, and all of b and of a bias; of several
/// products, each pair.
std::vector<RowUse> rows_of_matmul(std::span<const TensorType> inputs, const TensorType& result,
                                   const Attributes& attributes);
/// The same for the product of the last two operands, and the same rows of `w`.
std::vector<RowUse> rows_of_matmul_update(std::span<const TensorType> inputs,
                                          const TensorType& result, const Attributes& attributes);
/// Along `axis`, by default the last: row by row unless it is the first.
std::vector<RowUse> rows_of_axis(std::span<const TensorType> inputs, const TensorType& result,
                                 const Attributes& attributes);
/// As along `axis`; where `causal`, a row's columns depend on its number among the rows of its
/// matrix, so whole matrices are needed.
std::vector<RowUse> rows_of_softmax(std::span<const TensorType> inputs, const TensorType& result,
                                    const Attributes& attributes);
/// Row by row unless rows themselves, axis 0, are put in front or behind.
std::vector<RowUse> rows_of_pad(std::span<const TensorType> inputs, const TensorType& result,
                                const Attributes& attributes);
/// Over `axes`, by default all: row by row unless the first is one of them.
std::vector<RowUse> rows_of_reduction(std::span<const TensorType> inputs, const TensorType& result,
                                      const Attributes& attributes);
/// Along the last axis: row by row if there are rows. Operands f32[D] are needed whole.
std::vector<RowUse> rows_of_norm(std::span<const TensorType> inputs, const TensorType& result,
                                 const Attributes& attributes);
/// All of the table, and the index of each row.
std::vector<RowUse> rows_of_embedding(std::span<const TensorType> inputs, const TensorType& result,
                                      const Attributes& attributes);
/// Row by row if `scale` is given: what stands for it otherwise depends on the number of rows.
std::vector<RowUse> rows_of_loss_grad(std::span<const TensorType> inputs, const TensorType& result,
                                      const Attributes& attributes);

}  // namespace graphrt

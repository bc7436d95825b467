#pragma once

#include <span>
#include <vector>

#include "runtime/op/op_table.h"

namespace graphrt {

// The row rules that operators of several kinds share.

/// Elementwise with NumPy broadcasting: an operand that is repeated along the rows is needed whole.
std::vector<RowUse> rows_of_elementwise(std::span<const TensorType> inputs,
                                        const TensorType& result, const Attributes& attributes);
/// Along `axis`, by default the last: row by row unless it is the first.
std::vector<RowUse> rows_of_axis(std::span<const TensorType> inputs, const TensorType& result,
                                 const Attributes& attributes);

}  // namespace graphrt

#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "runtime/base/tensor_type.h"

namespace graphrt {

/// One loop of a nest that walks through up to four tensors at once.
/// Units: elements.
struct StridedDim {
  int64_t size = 1;
  std::array<int64_t, 4> strides = {};
};

/// The same walk in as few loops as possible: loops of one turn go, and neighbours that step
/// through all tensors as one loop would become one. At least one loop remains.
std::vector<StridedDim> collapse(const std::vector<StridedDim>& dims);

/// Row-major strides of a shape.
std::vector<int64_t> row_major_strides(const Shape& shape);

/// Strides that read `operand` as if it had the shape `result` (NumPy broadcasting): 0 where a
/// dimension is stretched or missing.
std::vector<int64_t> broadcast_strides(const Shape& operand, const Shape& result);

/// The walk of `result = f(a, b)` with broadcasting, collapsed; strides of a, b and the result.
/// Ensures: the innermost strides are 0 or 1.
std::vector<StridedDim> broadcast_loops(const Shape& a, const Shape& b, const Shape& result);
/// The same of `result = f(a, b, c)`.
std::vector<StridedDim> broadcast_loops(const Shape& a, const Shape& b, const Shape& c,
                                        const Shape& result);

/// The walk of a transposition, collapsed, in the order of the result; strides of the operand and
/// the result. Axis i of the result is axis axes[i] of the operand; negative axes count from the
/// end; no axes swap the last two.
std::vector<StridedDim> transpose_loops(const Shape& operand, const Shape& result,
                                        const std::vector<int64_t>& axes);

/// The walk of a reduction, collapsed: `kept` loops name a result, `reduced` loops run over what
/// goes into it. Strides of the operand and the result.
struct ReductionLoops {
  std::vector<StridedDim> kept;
  std::vector<StridedDim> reduced;
};

/// Requires: `axes` counted from the front, sorted.
ReductionLoops reduction_loops(const Shape& operand, const std::vector<int64_t>& axes);

/// A tensor seen as [outer, size, inner] around one axis.
struct AxisSplit {
  int64_t outer = 1;
  int64_t size = 1;
  int64_t inner = 1;
};

/// Negative axes count from the end.
AxisSplit split_at(const Shape& shape, int64_t axis);

}  // namespace graphrt

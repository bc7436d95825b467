#include "runtime/base/strides.h"

#include <algorithm>
#include <functional>
#include <numeric>

namespace graphrt {
namespace {

/// Whether stepping through `outer` is the same as going on after the end of `inner`.
bool continues(const StridedDim& outer, const StridedDim& inner) {
  for (size_t tensor = 0; tensor < outer.strides.size(); ++tensor) {
    if (outer.strides[tensor] != inner.strides[tensor] * inner.size) return false;
  }
  return true;
}

/// The axis of the operand that every axis of a transposition's result is.
std::vector<size_t> permutation_of(size_t rank, const std::vector<int64_t>& axes) {
  std::vector<size_t> permutation(rank);
  for (size_t i = 0; i < rank; ++i) {
    const int64_t axis = axes.empty() ? static_cast<int64_t>(i) : axes[i];
    permutation[i] = static_cast<size_t>(axis < 0 ? axis + static_cast<int64_t>(rank) : axis);
  }
  if (axes.empty() && rank >= 2) std::swap(permutation[rank - 1], permutation[rank - 2]);
  return permutation;
}

/// The walk through `shape`, with the strides of every tensor.
std::vector<StridedDim> loops_of(const std::vector<std::vector<int64_t>>& strides,
                                 const Shape& shape) {
  std::vector<StridedDim> dims;
  for (size_t i = 0; i < shape.size(); ++i) {
    StridedDim dim{shape[i]};
    for (size_t tensor = 0; tensor < strides.size(); ++tensor) {
      dim.strides[tensor] = strides[tensor][i];
    }
    dims.push_back(dim);
  }
  return collapse(dims);
}

}  // namespace

std::vector<StridedDim> collapse(const std::vector<StridedDim>& dims) {
  std::vector<StridedDim> collapsed;
  for (const StridedDim& dim : dims) {
    if (dim.size == 1) continue;
    if (collapsed.empty() || !continues(collapsed.back(), dim)) {
      collapsed.push_back(dim);
      continue;
    }
    collapsed.back() = {collapsed.back().size * dim.size, dim.strides};
  }
  if (collapsed.empty()) collapsed.emplace_back();
  return collapsed;
}

std::vector<int64_t> row_major_strides(const Shape& shape) {
  std::vector<int64_t> strides(shape.size());
  int64_t stride = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= shape[i];
  }
  return strides;
}

std::vector<int64_t> broadcast_strides(const Shape& operand, const Shape& result) {
  const std::vector<int64_t> own = row_major_strides(operand);
  const size_t num_missing = result.size() - operand.size();
  std::vector<int64_t> strides(result.size(), 0);
  for (size_t i = 0; i < operand.size(); ++i) {
    if (operand[i] != 1) strides[num_missing + i] = own[i];
  }
  return strides;
}

std::vector<StridedDim> broadcast_loops(const Shape& a, const Shape& b, const Shape& result) {
  return loops_of(
      {broadcast_strides(a, result), broadcast_strides(b, result), row_major_strides(result)},
      result);
}

std::vector<StridedDim> broadcast_loops(const Shape& a, const Shape& b, const Shape& c,
                                        const Shape& result) {
  return loops_of({broadcast_strides(a, result), broadcast_strides(b, result),
                   broadcast_strides(c, result), row_major_strides(result)},
                  result);
}

std::vector<StridedDim> transpose_loops(const Shape& operand, const Shape& result,
                                        const std::vector<int64_t>& axes) {
  const std::vector<size_t> permutation = permutation_of(result.size(), axes);
  const std::vector<int64_t> from = row_major_strides(operand);
  const std::vector<int64_t> to = row_major_strides(result);
  std::vector<StridedDim> dims;
  for (size_t i = 0; i < result.size(); ++i) {
    dims.push_back({result[i], {from[permutation[i]], to[i], 0}});
  }
  return collapse(dims);
}

ReductionLoops reduction_loops(const Shape& operand, const std::vector<int64_t>& axes) {
  constexpr size_t kResult = 1;
  const std::vector<int64_t> in = row_major_strides(operand);
  std::vector<StridedDim> dims(operand.size());
  int64_t out_stride = 1;
  for (size_t i = dims.size(); i-- > 0;) {
    const bool is_reduced = std::binary_search(axes.begin(), axes.end(), static_cast<int64_t>(i));
    dims[i] = {operand[i], {in[i], is_reduced ? 0 : out_stride, 0}};
    if (!is_reduced) out_stride *= operand[i];
  }
  ReductionLoops loops;
  for (const StridedDim& dim : collapse(dims)) {
    (dim.strides[kResult] == 0 ? loops.reduced : loops.kept).push_back(dim);
  }
  return loops;
}

AxisSplit split_at(const Shape& shape, int64_t axis) {
  const auto at = shape.begin() + (axis < 0 ? axis + std::ssize(shape) : axis);
  return {std::accumulate(shape.begin(), at, int64_t{1}, std::multiplies<>()), *at,
          std::accumulate(at + 1, shape.end(), int64_t{1}, std::multiplies<>())};
}

}  // namespace graphrt

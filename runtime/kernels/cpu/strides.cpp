#include "runtime/kernels/cpu/strides.h"

#include <functional>
#include <numeric>

namespace graphrt::cpu {
namespace {

/// Whether stepping through `outer` is the same as going on after the end of `inner`.
bool continues(const StridedDim& outer, const StridedDim& inner) {
  for (size_t tensor = 0; tensor < outer.strides.size(); ++tensor) {
    if (outer.strides[tensor] != inner.strides[tensor] * inner.size) return false;
  }
  return true;
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

AxisSplit split_at(const Shape& shape, int64_t axis) {
  const auto at = shape.begin() + (axis < 0 ? axis + std::ssize(shape) : axis);
  return {std::accumulate(shape.begin(), at, int64_t{1}, std::multiplies<>()), *at,
          std::accumulate(at + 1, shape.end(), int64_t{1}, std::multiplies<>())};
}

}  // namespace graphrt::cpu

#pragma once

#include "runtime/base/strides.h"
#include "runtime/kernels/cuda/team.cuh"

namespace graphrt::cuda {

// For operators that look at one row at a time, a row being all elements along one axis. A team of
// threads takes a row. Threads without a row have one of no elements, because all threads of a
// block take part in its reductions.

/// The rows of a tensor: row (o, n) has the number o * inner + n and a stride of `inner`.
struct Rows {
  AxisSplit split;
  int64_t num_rows;
  TeamLayout layout;

  unsigned num_blocks() const { return num_blocks_for(num_rows, layout.teams_per_block()); }

  __device__ int64_t start_of(int64_t row) const {
    if (split.inner == 1) return row * split.size;
    const int64_t o = row / split.inner;
    return o * split.size * split.inner + (row - o * split.inner);
  }
};

inline Rows rows_of(const Shape& shape, int64_t axis) {
  const AxisSplit split = split_at(shape, axis);
  const int64_t num_rows = split.outer * split.inner;
  return {split, num_rows, team_layout_for(num_rows, split.size, split.inner)};
}

}  // namespace graphrt::cuda

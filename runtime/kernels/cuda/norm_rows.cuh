#pragma once

#include "runtime/base/strides.h"
#include "runtime/kernels/cuda/held_rows.cuh"
#include "runtime/kernels/cuda/norm_rules.cuh"
#include "runtime/kernels/cuda/prepare.h"
#include "runtime/kernels/cuda/team.cuh"

namespace graphrt::cuda {

// Norms of rows that are read as often as they are needed. A team of threads takes a row; threads
// without a row have one of no elements, because all threads of a block take part in its
// reductions.

/// What every row is multiplied with, where element i of a row is at hand; 0 outside of rows.
template <bool kIsAligned, class T>
__device__ Vector<float, kWidest> read_beside_row(const T* x, int i, int size) {
  if (size % kWidest == 0) return read_vector<kIsAligned>(x, i, size, 0);
  return read_vector<false>(x, i, size, 0);  // rows begin anywhere between vectors
}

/// Tensors of rows.
struct NormRows {
  int64_t num_rows;
  int64_t size;
  NormNumbers numbers;
  TeamLayout layout;

  unsigned num_blocks() const { return num_blocks_for(num_rows, layout.teams_per_block()); }
};

inline NormRows norm_rows_of(const TensorType& type, double epsilon) {
  const AxisSplit split = split_at(type.shape, -1);
  return {split.outer,
          split.size,
          {epsilon, 1 / static_cast<double>(split.size)},
          team_layout_for(split.outer, split.size, 1)};
}

/// The row of the calling thread's team.
struct OwnRow {
  Team team;
  int64_t number;
  int64_t size;   ///< 0 where there is none
  int64_t start;  ///< of its elements

  __device__ explicit OwnRow(const NormRows& rows)
      : team(rows.layout),
        number(int64_t{blockIdx.x} * rows.layout.teams_per_block() + team.index()),
        size(number < rows.num_rows ? rows.size : 0),
        start(size > 0 ? number * size : 0) {}
};

template <class Norm>
__device__ RowScale scale_of_long_row(const float* x, const OwnRow& row,
                                      const NormNumbers& numbers) {
  const float shift = Norm::shift_of(x[0]);
  Sums sums = {0, 0};
#pragma unroll 4
  for (int64_t i = row.team.lane(); i < row.size; i += row.team.width()) {
    sums.add_square_of(made_double(x[i]) - static_cast<double>(shift));
  }
  return Norm::scale_of(row.team.reduce(sums, AddSums{}), shift, numbers);
}

/// Kernels for rows that are too long to be held.
template <class Norm>
KernelResult make_long_norm(const NormRows& rows);
template <class Norm>
KernelResult make_long_norm_gradient(const NormRows& rows);

}  // namespace graphrt::cuda

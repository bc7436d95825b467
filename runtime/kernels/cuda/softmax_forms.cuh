#pragma once

#include <optional>

#include "runtime/kernels/cuda/exp_sum.cuh"
#include "runtime/kernels/cuda/prepare.h"
#include "runtime/kernels/cuda/totals.cuh"

namespace graphrt::cuda {

/// How many elements row number `row` uses: `num_causal_rows` are the rows of a matrix whose row i
/// uses columns 0 .. i, the others being 0 in the result; 0 where all rows use all columns.
__device__ inline int64_t num_used_of(int64_t row, int64_t size, int64_t num_causal_rows) {
  return num_causal_rows > 0 ? min(size, row % num_causal_rows + 1) : size;
}

/// y * (gradient - sum(gradient * y)). In double: the difference may cancel out, or be too large
/// for f32.
__device__ inline float softmax_gradient(float gradient, float y, double mean) {
  return static_cast<float>(made_double(y) * (made_double(gradient) - mean));
}

/// y * (gradient - mean). For 16-bit elements in floats, with a mean in two of them.
template <class T>
class SoftmaxMean {
 public:
  __device__ explicit SoftmaxMean(double mean)
      : mean_(mean),
        first_(static_cast<float>(mean)),
        rest_(static_cast<float>(mean - static_cast<double>(first_))) {}
  __device__ float gradient(float gradient, float y) const {
    if constexpr (kAreNarrow<T>) return y * ((gradient - first_) - rest_);
    return softmax_gradient(gradient, y, mean_);
  }

 private:
  double mean_;
  float first_;
  float rest_;
};

/// As floats.
template <int kLanes>
__device__ float sum_of_products(const Vector<float, kLanes>& a, const Vector<float, kLanes>& b) {
  float sum = 0;
#pragma unroll
  for (int i = 0; i < kLanes; ++i) sum = fmaf(a.lane[i], b.lane[i], sum);
  return sum;
}

/// Kernels for rows of T that are too long to be held. Requires: are_wide_rows_possible().
template <class T>
KernelResult make_wide_softmax(int64_t num_rows, int64_t size, int64_t num_causal_rows);
template <class T>
KernelResult make_wide_softmax_grad(int64_t num_rows, int64_t size);

// Softmax along an axis that is not the last: rows whose neighbours lie side by side. A block takes
// as many neighbours as fill a cache line, and keeps them in shared memory.

/// Rows of `size` elements, `inner` apart; row (o, n) starts at o * size * inner + n.
struct SoftmaxColumns {
  int64_t inner;
  int size;
  int width;           ///< neighbouring rows of a block
  unsigned num_tiles;  ///< of the neighbours
  unsigned num_blocks;
  unsigned threads_per_block;

  size_t shared_bytes() const { return static_cast<size_t>(size) * width * sizeof(float); }
};

/// Nothing where shared memory does not hold rows.
std::optional<SoftmaxColumns> softmax_columns_of(const AxisSplit& split);

template <class T>
KernelResult make_softmax_columns(const SoftmaxColumns& columns);
template <class T>
KernelResult make_softmax_grad_columns(const SoftmaxColumns& columns);

}  // namespace graphrt::cuda

#pragma once

#include "runtime/base/strides.h"
#include "runtime/kernels/cuda/device_types.cuh"
#include "runtime/kernels/cuda/held_rows.cuh"
#include "runtime/kernels/cuda/norm_rules.cuh"
#include "runtime/kernels/cuda/prepare.h"
#include "runtime/kernels/cuda/team.cuh"

namespace graphrt::cuda {

// Norms of rows that are read as often as they are needed. A team of threads takes a row; threads
// without a row have one of no elements, because all threads of a block take part in its
// reductions.

/// What every row of T is multiplied with, or what is added to it: of the same type, or f32, which
/// threads tell apart.
template <class T>
struct BesideRows {
  const std::byte* data;  ///< null: nothing
  bool is_f32;

  /// Operand number `index`, where it is there.
  static BesideRows operand(const KernelArguments& at, size_t index, ElementType element) {
    return {at.inputs.size() > index ? at.inputs[index] : nullptr, element == ElementType::kF32};
  }

  /// The same of a tensor of rows of T.
  static BesideRows rows_of_operand(const KernelArguments& at, size_t index) {
    return {at.inputs.size() > index ? at.inputs[index] : nullptr, std::is_same_v<T, float>};
  }
  /// Of a tensor of rows: the row that begins at element number `start`.
  __device__ BesideRows at_row(int64_t start) const {
    return {data != nullptr ? data + start * int64_t{sizeof(T)} : nullptr, is_f32};
  }

  /// Makes the compiler read what it has read before: the cache has more room than registers.
  __device__ void read_again() { asm volatile("" : "+l"(data)); }

  /// Where element i of a row is at hand; 0 outside of rows.
  template <int kLanes, bool kIsAligned>
  __device__ Vector<float, kLanes> read(int i, int size) const {
    if (std::is_same_v<T, float> || is_f32) return read_as<float, kLanes, kIsAligned>(i, size);
    return read_as<T, kLanes, kIsAligned>(i, size);
  }

  __device__ float at(int64_t i) const {
    if (std::is_same_v<T, float> || is_f32) return reinterpret_cast<const float*>(data)[i];
    return widened(reinterpret_cast<const T*>(data)[i]);
  }

 private:
  template <class Element, int kLanes, bool kIsAligned>
  __device__ Vector<float, kLanes> read_as(int i, int size) const {
    const auto* x = reinterpret_cast<const Element*>(data);
    if (size % kLanes == 0) return read_vector<kLanes, kIsAligned>(x, i, size, 0);
    return read_vector<kLanes, false>(x, i, size, 0);  // rows begin anywhere between vectors
  }
};

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

template <class Norm, class T>
__device__ RowScale scale_of_long_row(const T* x, const OwnRow& row, const NormNumbers& numbers) {
  const float shift = Norm::shift_of(widened(x[0]));
  Sums sums = {0, 0};
#pragma unroll 4
  for (int64_t i = row.team.lane(); i < row.size; i += row.team.width()) {
    sums.add_square_of(made_double(widened(x[i])) - static_cast<double>(shift));
  }
  return Norm::scale_of(row.team.reduce(sums, AddSums{}), shift, numbers);
}

/// Rows of 16-bit elements that are no longer than this are computed in double: most of a gradient
/// may cancel out in them.
inline constexpr int64_t kLongestExactNorm = 32;

/// Kernels for longer ones that are held (narrow_rows.cuh).
template <class Norm, class T>
KernelResult make_narrow_norm(const HeldRows& rows, const NormNumbers& numbers, ElementType beside);
template <class Norm, class T>
KernelResult make_narrow_norm_gradient(const HeldRows& rows, const NormNumbers& numbers,
                                       ElementType beside);

/// Kernels for rows of T that are too long to be held, for what lies beside them of such a type.
template <class Norm, class T>
KernelResult make_long_norm(const NormRows& rows, ElementType beside);
template <class Norm, class T>
KernelResult make_long_norm_gradient(const NormRows& rows, ElementType beside);

}  // namespace graphrt::cuda

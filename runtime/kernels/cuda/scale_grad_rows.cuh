#pragma once

#include <algorithm>
#include <bit>
#include <optional>

#include "runtime/kernels/cuda/held_rows.cuh"
#include "runtime/kernels/cuda/norm_rows.cuh"
#include "runtime/kernels/cuda/norm_rules.cuh"
#include "runtime/kernels/cuda/reduce_passes.cuh"

namespace graphrt::cuda {

/// How blocks share rows, which are read once. A thread has the same columns of all rows that it
/// takes, and keeps a total for each. Short rows are taken by a part of a warp, longer ones by a
/// block.
struct ScaleGradRows {
  int64_t num_rows;
  int size;
  NormNumbers numbers;
  int width;           ///< threads that share a row: a part of a warp, or whole warps, a block
  int num_vectors;     ///< of a thread
  int64_t chunk_size;  ///< rows of a block

  bool is_in_warp() const { return width <= kThreadsPerWarp; }
  unsigned threads_per_block() const {
    return static_cast<unsigned>(is_in_warp() ? kThreadsPerBlock : width);
  }
  unsigned num_blocks() const { return num_blocks_for(num_rows, chunk_size); }
  /// Each with a total for every column.
  int64_t num_totals() const {
    const int64_t num_warps = kThreadsPerBlock / kThreadsPerWarp;
    return num_blocks() * (is_in_warp() ? num_warps : 1);
  }
};

/// Rows that a thread has under way at once.
constexpr int num_rows_at_once(int num_vectors) { return kMaxHeldVectors / num_vectors; }

/// Nothing where rows are too long.
inline std::optional<ScaleGradRows> scale_grad_rows_of(const NormRows& all) {
  constexpr int64_t kWantedBlocks = 396;  // three on each multiprocessor of a large GPU
  const int64_t num_rows = all.num_rows;
  const int64_t size = all.size;
  const int64_t num_vectors = (size + kWidest - 1) / kWidest;
  if (num_vectors > kThreadsPerBlock * kMaxHeldVectors) return std::nullopt;
  ScaleGradRows rows = {.num_rows = num_rows,
                        .size = static_cast<int>(size),
                        .numbers = all.numbers,
                        .width = 0,
                        .num_vectors = 1,
                        .chunk_size = 0};
  if (num_vectors <= kThreadsPerWarp) {
    rows.width = static_cast<int>(std::bit_ceil(static_cast<uint64_t>(num_vectors)));
  } else {
    while (num_vectors > kThreadsPerBlock * rows.num_vectors &&
           rows.num_vectors < kMaxHeldVectors) {
      rows.num_vectors *= 2;
    }
    const int64_t num_threads = num_blocks_for(num_vectors, rows.num_vectors);
    rows.width = static_cast<int>(num_blocks_for(num_threads, kThreadsPerWarp)) * kThreadsPerWarp;
  }
  const int64_t rows_at_once =
      num_rows_at_once(rows.num_vectors) * (rows.threads_per_block() / rows.width);
  const int64_t num_turns = num_blocks_for(num_rows, rows_at_once);
  rows.chunk_size = num_blocks_for(num_turns, kWantedBlocks) * rows_at_once;
  constexpr int64_t kMaxTotals = kMaxScratchBytes / sizeof(double);
  if (rows.num_totals() * size > kMaxTotals) return std::nullopt;
  return rows;
}

/// How a thread's four columns lie.
enum class ColumnForm {
  kAligned,    ///< side by side, at aligned addresses
  kUnaligned,  ///< side by side
  kApart,      ///< as far as the team is wide: rows fit no vectors
};

/// The columns of a thread.
template <int kVectors, ColumnForm kForm>
class ColumnVectors {
 public:
  __device__ ColumnVectors(const ScaleGradRows& rows, int lane)
      : width_(rows.width), size_(rows.size), lane_(lane) {}

  __device__ int at(int vector, int lane) const {
    if constexpr (kForm == ColumnForm::kApart) return (vector * kWidest + lane) * width_ + lane_;
    return (vector * width_ + lane_) * kWidest + lane;
  }

  /// Of the row that begins at x; `otherwise` behind it.
  template <class T>
  __device__ void read(const T* x, bool has_row, float otherwise,
                       Vector<float, kWidest> (&vectors)[kVectors]) const {
    const int size = has_row ? size_ : 0;
#pragma unroll
    for (int k = 0; k < kVectors; ++k) {
      if constexpr (kForm == ColumnForm::kApart) {
#pragma unroll
        for (int i = 0; i < kWidest; ++i) {
          const int column = at(k, i);
          vectors[k].lane[i] = column < size ? widened(x[column]) : otherwise;
        }
      } else {
        constexpr bool kIsAligned = kForm == ColumnForm::kAligned;
        vectors[k] = read_vector<kWidest, kIsAligned>(x, at(k, 0), size, otherwise);
      }
    }
  }

 private:
  int width_;
  int size_;
  int lane_;
};

/// The sums of all threads of a block, for each of them; of several rows at once. In every step of
/// a warp, half of the threads add up half of the numbers: all together takes a fifth of the
/// exchanges that each number alone would take.
template <int kRows>
class BlockSums {
 public:
  /// Requires: all threads of the block, whole warps, call it.
  __device__ ManySums<kRows> reduce(const ManySums<kRows>& sums) {
    __shared__ ManySums<kRows> of_warps[2][kThreadsPerBlock / kThreadsPerWarp];
    turn_ = 1 - turn_;
    constexpr int kNumbers = 2 * kRows;
    double numbers[kNumbers];
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      numbers[2 * r] = sums.of[r].first;
      numbers[2 * r + 1] = sums.of[r].second;
    }
    const auto lane = static_cast<int>(threadIdx.x) % kThreadsPerWarp;
    int number = 0;
    int distance = kThreadsPerWarp / 2;
#pragma unroll
    for (int half = kNumbers / 2; half > 0; half /= 2, distance /= 2) {
      const bool is_upper = (lane & distance) != 0;
#pragma unroll
      for (int i = 0; i < half; ++i) {
        const double kept = is_upper ? numbers[i + half] : numbers[i];
        numbers[i] = kept + shuffle_xor(is_upper ? numbers[i] : numbers[i + half], distance);
      }
      number += is_upper ? half : 0;
    }
#pragma unroll
    for (int i = kThreadsPerWarp / 2 / kNumbers; i > 0; i /= 2) {
      numbers[0] += shuffle_xor(numbers[0], i);
    }
    const auto warp = static_cast<int>(threadIdx.x) / kThreadsPerWarp;
    if (lane % (kThreadsPerWarp / kNumbers) == 0) {
      Sums& target = of_warps[turn_][warp].of[number / 2];
      (number % 2 == 0 ? target.first : target.second) = numbers[0];
    }
    __syncthreads();
    ManySums<kRows> total = of_warps[turn_][0];
    const int num_warps = static_cast<int>(blockDim.x) / kThreadsPerWarp;
    for (int other = 1; other < num_warps; ++other) {
      total = AddManySums<kRows>{}(total, of_warps[turn_][other]);
    }
    return total;
  }

 private:
  int turn_ = 0;
};

/// The second pass: adds up the totals of every column that the scratch memory holds.
Result<void> add_totals(const ReductionPass<uint32_t>& pass, const KernelArguments& at,
                        ElementType result, const CudaQueue& queue);

/// A kernel for rows of T, of 16 bits; null where they are too long, or odd.
template <class Norm, class T>
std::unique_ptr<const CudaKernel> make_narrow_scale_gradient(const NormRows& all,
                                                             ElementType result);

/// A kernel for rows of T of any size, whose result is of such a type.
template <class Norm, class T>
KernelResult make_long_scale_gradient(const NormRows& rows, ElementType result);

}  // namespace graphrt::cuda

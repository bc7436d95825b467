#pragma once

#include <algorithm>
#include <bit>
#include <cstring>

#include "runtime/kernels/cuda/launch.cuh"

namespace graphrt::cuda {

inline constexpr int kThreadsPerWarp = 32;

/// How a block's threads share rows: `width` threads, a power of two, are a team and take one row
/// together. Where a row lies side by side in memory, so do the threads of its team. Where
/// neighbouring rows do, teams are interleaved: neighbouring threads belong to neighbouring rows.
///
///     thread          0 1 2 3 4 5 6 7
///     side by side    a a a a b b b b     width 4
///     interleaved     a b c d a b c d     width 2
struct TeamLayout {
  int width;
  bool is_interleaved;

  __host__ __device__ int teams_per_block() const { return kThreadsPerBlock / width; }
};

/// `num_adjacent`: how many rows lie side by side, element by element; 1 where rows themselves do.
/// Depends on nothing else, so that results have the same bits on every GPU.
inline TeamLayout team_layout_for(int64_t num_rows, int64_t row_size, int64_t num_adjacent) {
  const auto at_most = [](int64_t limit, int64_t size) {
    return std::min(limit, static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(size))));
  };
  if (num_adjacent > 1) {
    const int64_t teams = at_most(kThreadsPerWarp, num_adjacent);
    return {static_cast<int>(at_most(kThreadsPerBlock / teams, row_size)), true};
  }
  constexpr int64_t kLongRow = 1024;
  constexpr int64_t kFewRows = 2048;  // too few warps to keep a GPU busy
  if (row_size > kLongRow || (row_size > kLongRow / 4 && num_rows < kFewRows)) {
    return {kThreadsPerBlock, false};
  }
  return {static_cast<int>(at_most(kThreadsPerWarp, row_size)), false};
}

template <class T>
__device__ T shuffle_xor(T value, int mask) {
  static_assert(sizeof(T) % sizeof(unsigned) == 0);
  constexpr unsigned kWholeWarp = 0xffffffff;
  unsigned words[sizeof(T) / sizeof(unsigned)];
  memcpy(words, &value, sizeof(T));
  for (unsigned& word : words) word = __shfl_xor_sync(kWholeWarp, word, mask);
  memcpy(&value, words, sizeof(T));
  return value;
}

/// The values of groups of `width` neighbouring threads combined, for each of the group.
/// Requires: whole warps call it; `width`, a power of two, is at most that of a warp.
template <class T, class Combine>
__device__ T reduce_warp(T value, int width, Combine combine) {
  for (int distance = width / 2; distance > 0; distance /= 2) {
    value = combine(value, shuffle_xor(value, distance));
  }
  return value;
}

/// The calling thread's team.
class Team {
 public:
  __device__ explicit Team(TeamLayout layout) : layout_(layout) {
    const auto thread = static_cast<int>(threadIdx.x);
    const int num_teams = layout.teams_per_block();
    lane_ = layout.is_interleaved ? thread / num_teams : thread % layout.width;
    index_ = layout.is_interleaved ? thread % num_teams : thread / layout.width;
  }

  __device__ int lane() const { return lane_; }
  __device__ int width() const { return layout_.width; }
  /// Of the team in its block.
  __device__ int index() const { return index_; }

  /// All lanes' values combined in an order that the layout alone decides; every lane gets the
  /// result. Requires: all threads of the block call it; `combine` is commutative.
  template <class T, class Combine>
  __device__ T reduce(T value, Combine combine) const {
    if (!layout_.is_interleaved && layout_.width <= kThreadsPerWarp) {
      return reduce_warp(value, layout_.width, combine);
    }
    if (!layout_.is_interleaved) return reduce_warps(value, combine);
    return reduce_in_shared_memory(value, combine);
  }

 private:
  /// Of several whole warps.
  template <class T, class Combine>
  __device__ T reduce_warps(T value, Combine combine) const {
    __shared__ T values[kThreadsPerBlock / kThreadsPerWarp];
    value = reduce_warp(value, kThreadsPerWarp, combine);
    const auto thread = static_cast<int>(threadIdx.x);
    if (thread % kThreadsPerWarp == 0) values[thread / kThreadsPerWarp] = value;
    __syncthreads();
    const int num_warps = layout_.width / kThreadsPerWarp;
    value = values[(thread - lane_) / kThreadsPerWarp + lane_ % num_warps];
    __syncthreads();  // the next reduction writes the same values
    return reduce_warp(value, num_warps, combine);
  }

  template <class T, class Combine>
  __device__ T reduce_in_shared_memory(T value, Combine combine) const {
    __shared__ T values[kThreadsPerBlock];
    const auto thread = static_cast<int>(threadIdx.x);
    const int lane_stride = layout_.is_interleaved ? layout_.teams_per_block() : 1;
    values[thread] = value;
    for (int half = layout_.width / 2; half > 0; half /= 2) {
      __syncthreads();
      if (lane_ < half) {
        values[thread] = combine(values[thread], values[thread + half * lane_stride]);
      }
    }
    __syncthreads();
    const T whole = values[thread - lane_ * lane_stride];
    __syncthreads();  // the next reduction writes the same values
    return whole;
  }

  TeamLayout layout_;
  int lane_;
  int index_;
};

}  // namespace graphrt::cuda

#pragma once

#include <algorithm>

#include "runtime/kernels/cuda/storage.cuh"
#include "runtime/kernels/cuda/team.cuh"

namespace graphrt::cuda {

/// Rows side by side that are too short for threads to share: a block brings a tile of them into
/// shared memory, along memory, and then each thread takes a row.
struct ShortRows {
  static constexpr int64_t kLongest = 64;
  static constexpr int kTileElements = 4096;

  int64_t num_rows;
  int size;           ///< of a row
  int rows_per_tile;  ///< at most the threads of a block

  unsigned num_blocks() const { return num_blocks_for(num_rows, rows_per_tile); }
  __device__ int64_t first_row() const { return int64_t{blockIdx.x} * rows_per_tile; }
  /// Of the block's tile.
  __device__ int rows_in_tile() const {
    return static_cast<int>(min(int64_t{rows_per_tile}, num_rows - first_row()));
  }
};

/// Whether threads had better take whole rows: those that fit no vectors, or leave most of a team
/// without work.
inline bool are_short(int64_t size) {
  return size <= ShortRows::kLongest && !(size % kWidest == 0 && size >= 32);
}

inline ShortRows short_rows_of(int64_t num_rows, int64_t size) {
  const int64_t rows_per_tile =
      std::min<int64_t>(ShortRows::kTileElements / size, kThreadsPerBlock);
  return {num_rows, static_cast<int>(size), static_cast<int>(rows_per_tile)};
}

/// A word is left free behind every 32, so that threads that read at the same place of their rows
/// find them in different banks.
template <class T>
struct ShortRowTile {
  T words[ShortRows::kTileElements + ShortRows::kTileElements / 32];

  __device__ T& at(int element) { return words[element + element / 32]; }

  /// Requires: all threads of the block call it, and synchronise before they read.
  template <class Stored>
  __device__ void read(const ShortRows& rows, const Stored* x) {
    x += rows.first_row() * rows.size;
    const int num_elements = rows.rows_in_tile() * rows.size;
    const auto thread = static_cast<int>(threadIdx.x);
    // All at once: a tile is as much as a thread has under way elsewhere.
    constexpr int kOfThread = ShortRows::kTileElements / kThreadsPerBlock;
    Stored elements_of_thread[kOfThread];
#pragma unroll
    for (int k = 0; k < kOfThread; ++k) {
      const int i = thread + k * kThreadsPerBlock;
      if (i < num_elements) elements_of_thread[k] = x[i];
    }
#pragma unroll
    for (int k = 0; k < kOfThread; ++k) {
      const int i = thread + k * kThreadsPerBlock;
      if (i < num_elements) at(i) = widened(elements_of_thread[k]);
    }
  }

  /// Requires: all threads of the block call it, synchronised after they wrote.
  template <class Stored>
  __device__ void write(const ShortRows& rows, Stored* y) {
    y += rows.first_row() * rows.size;
    const int num_elements = rows.rows_in_tile() * rows.size;
#pragma unroll 8
    for (int i = static_cast<int>(threadIdx.x); i < num_elements; i += kThreadsPerBlock) {
      y[i] = narrowed<Stored>(at(i));
    }
  }
};

}  // namespace graphrt::cuda

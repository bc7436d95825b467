#pragma once

#include <algorithm>
#include <bit>
#include <span>

#include "runtime/base/strides.h"
#include "runtime/kernels/cuda/launch.cuh"

namespace graphrt::cuda {

/// Divides by a number that every thread divides by. Hopper has no instruction that divides: 32 bits
/// are multiplied with the reciprocal instead, which is exact for dividends below 2^31.
template <class Index>
struct Divisor {
  Index number;

  __device__ Index quotient(Index dividend) const { return dividend / number; }
};

template <>
struct Divisor<uint32_t> {
  uint32_t number;
  uint32_t factor;
  uint32_t shift;

  __device__ uint32_t quotient(uint32_t dividend) const {
    return (__umulhi(dividend, factor) + dividend) >> shift;
  }
};

template <class Index>
Divisor<Index> divisor_of(int64_t number) {
  if constexpr (sizeof(Index) == sizeof(uint64_t)) {
    return {static_cast<Index>(number)};
  } else {
    const auto divisor = static_cast<uint64_t>(number);
    const auto shift = static_cast<uint32_t>(std::bit_width(divisor - 1));
    const uint64_t factor = (((uint64_t{1} << shift) - divisor) << 32) / divisor + 1;
    return {static_cast<uint32_t>(divisor), static_cast<uint32_t>(factor), shift};
  }
}

/// Loops in a form that kernels take as an argument: from the number of a turn, counted in
/// row-major order, to the offset in every operand.
/// Units: elements.
template <class Index, int kNumOperands>
struct Walk {
  struct Offsets {
    Index of[kNumOperands];
  };

  int num_loops;  ///< at least 1
  Divisor<Index> size[kMaxRank];
  Index stride[kNumOperands][kMaxRank];

  __device__ Offsets offsets_at(Index turn) const {
    Offsets offsets = {};
    for (int loop = num_loops - 1; loop > 0; --loop) {
      const Index rest = size[loop].quotient(turn);
      add(offsets, turn - rest * size[loop].number, loop);
      turn = rest;
    }
    add(offsets, turn, 0);
    return offsets;
  }

  __device__ void add(Offsets& offsets, Index position, int loop) const {
    for (int operand = 0; operand < kNumOperands; ++operand) {
      offsets.of[operand] += position * stride[operand][loop];
    }
  }
};

/// No loops are one turn.
template <class Index, int kNumOperands>
Walk<Index, kNumOperands> walk_of(std::span<const StridedDim> loops) {
  Walk<Index, kNumOperands> walk = {};
  walk.num_loops = std::max(1, static_cast<int>(loops.size()));
  walk.size[0] = divisor_of<Index>(1);
  for (size_t loop = 0; loop < loops.size(); ++loop) {
    walk.size[loop] = divisor_of<Index>(loops[loop].size);
    for (size_t operand = 0; operand < kNumOperands; ++operand) {
      walk.stride[operand][loop] = static_cast<Index>(loops[loop].strides[operand]);
    }
  }
  return walk;
}

/// Vectors that a thread moves, one behind the other: all are read before the first is written.
inline constexpr int kMovesPerThread = 4;

/// Blocks of threads that each move so many of them.
inline unsigned num_moving_blocks_for(int64_t num_vectors) {
  return num_blocks_for(num_vectors, int64_t{kThreadsPerBlock} * kMovesPerThread);
}

/// Writes to[i] = read(i) in vectors of kSize, where read(i) gives elements i to i + kSize.
/// Requires: num_moving_blocks_for() blocks; the calling thread's kernel does nothing else.
template <int kSize, class T, class Index, class Read>
__device__ void move_vectors(T* to, Index num_vectors, Read read) {
  const Index first = static_cast<Index>(blockIdx.x) * (kThreadsPerBlock * kMovesPerThread) +
                      static_cast<Index>(threadIdx.x);
  Vector<T, kSize> vectors[kMovesPerThread];
#pragma unroll
  for (int k = 0; k < kMovesPerThread; ++k) {
    const Index i = first + k * kThreadsPerBlock;
    if (i < num_vectors) vectors[k] = read(i * kSize);
  }
#pragma unroll
  for (int k = 0; k < kMovesPerThread; ++k) {
    const Index i = first + k * kThreadsPerBlock;
    if (i < num_vectors) store<kSize>(to + static_cast<int64_t>(i) * kSize, vectors[k]);
  }
}

/// Whether `num_turns` of the innermost loop can be one: each operand stands still in them, or runs
/// along with every vector of it aligned.
inline bool takes_vectors(std::span<const StridedDim> loops, size_t num_operands,
                          int64_t num_turns = kWidest) {
  const StridedDim& innermost = loops.back();
  const auto fits = [&](size_t operand) {
    if (innermost.strides[operand] == 0) return true;
    return innermost.strides[operand] == 1 &&
           std::all_of(loops.begin(), loops.end() - 1, [&](const StridedDim& loop) {
             return loop.strides[operand] % num_turns == 0;
           });
  };
  for (size_t operand = 0; operand < num_operands; ++operand) {
    if (!fits(operand)) return false;
  }
  return innermost.size % num_turns == 0;
}

/// The next elements of an operand that runs along (`stride` 1) or stands still (0).
template <int kSize, class T, class Index>
__device__ Vector<T, kSize> load_or_repeat(const T* address, Index stride) {
  if constexpr (kSize > 1) {
    if (stride == 0) {
      Vector<T, kSize> vector;
      for (T& element : vector.lane) element = *address;
      return vector;
    }
  }
  return load<kSize>(address);
}

}  // namespace graphrt::cuda

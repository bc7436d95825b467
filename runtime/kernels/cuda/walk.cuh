#pragma once

#include <algorithm>
#include <span>

#include "runtime/base/strides.h"
#include "runtime/kernels/cuda/launch.cuh"

namespace graphrt::cuda {

/// Loops in a form that kernels take as an argument: from the number of a turn, counted in
/// row-major order, to the offset in every operand.
/// Units: elements.
template <class Index, int kNumOperands>
struct Walk {
  struct Offsets {
    Index of[kNumOperands];
  };

  int num_loops;  ///< at least 1
  Index size[kMaxRank];
  Index stride[kNumOperands][kMaxRank];

  __device__ Offsets offsets_at(Index turn) const {
    Offsets offsets = {};
    for (int loop = num_loops - 1; loop > 0; --loop) {
      const Index rest = turn / size[loop];
      add(offsets, turn - rest * size[loop], loop);
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
  walk.size[0] = 1;
  for (size_t loop = 0; loop < loops.size(); ++loop) {
    walk.size[loop] = static_cast<Index>(loops[loop].size);
    for (size_t operand = 0; operand < kNumOperands; ++operand) {
      walk.stride[operand][loop] = static_cast<Index>(loops[loop].strides[operand]);
    }
  }
  return walk;
}

/// Whether kWidest turns of the innermost loop can be one: each operand stands still in them, or
/// runs along with every vector of it aligned.
inline bool takes_vectors(std::span<const StridedDim> loops, size_t num_operands) {
  const StridedDim& innermost = loops.back();
  const auto fits = [&](size_t operand) {
    if (innermost.strides[operand] == 0) return true;
    return innermost.strides[operand] == 1 &&
           std::all_of(loops.begin(), loops.end() - 1, [&](const StridedDim& loop) {
             return loop.strides[operand] % kWidest == 0;
           });
  };
  for (size_t operand = 0; operand < num_operands; ++operand) {
    if (!fits(operand)) return false;
  }
  return innermost.size % kWidest == 0;
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

#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace graphrt::cuda {

/// Of every launch: eight such blocks fill a multiprocessor.
inline constexpr int kThreadsPerBlock = 256;

/// Blocks for so many items. Requires: at most kMaxElements threads or so in all.
inline unsigned num_blocks_for(int64_t num_items, int64_t items_per_block = kThreadsPerBlock) {
  return static_cast<unsigned>((num_items + items_per_block - 1) / items_per_block);
}

/// The thread's number in the launch.
__device__ inline int64_t thread_number() {
  return int64_t{blockIdx.x} * kThreadsPerBlock + threadIdx.x;
}

/// Elements that one instruction reads or writes.
template <class T, int kSize>
struct alignas(kSize * sizeof(T)) Vector {
  T lane[kSize];
};

/// Elements of 4 bytes in the widest vector that there is.
inline constexpr int kWidest = 4;
inline constexpr size_t kVectorBytes = 16;

/// Threads for `num_elements`: the first ones take a vector each, those behind them one element
/// each of what is left over.
template <int kSize>
int64_t num_threads_for(int64_t num_elements) {
  return num_elements / kSize + num_elements % kSize;
}

/// Requires: `address` is aligned to the vector.
template <int kSize, class T>
__device__ Vector<T, kSize> load(const T* address) {
  return *reinterpret_cast<const Vector<T, kSize>*>(address);
}
template <int kSize, class T>
__device__ void store(T* address, const Vector<T, kSize>& vector) {
  *reinterpret_cast<Vector<T, kSize>*>(address) = vector;
}

/// Indices have 32 bits where that is enough: divisions by 64-bit numbers take several times as
/// long. The spare bit lets a thread behind the end compute its index.
inline bool fits_32_bits(int64_t num_elements) { return num_elements < (int64_t{1} << 31); }

}  // namespace graphrt::cuda

#include "runtime/device/cuda/step_kernels.h"

#include <cuda/atomic>

#include "runtime/kernels/cuda/cuda_error.h"
#include "runtime/kernels/cuda/launch.cuh"

namespace graphrt::cuda {
namespace {

/// Of the host's memory, between two looks at a flag: as long as one look takes.
constexpr unsigned kPauseNs = 200;

bool is_aligned(const void* address) {
  return reinterpret_cast<uintptr_t>(address) % kVectorBytes == 0;
}

/// Every thread moves one element; the threads behind the vectors move what is left, word by word.
__global__ void copy_vectors(uint4* to, const uint4* from, unsigned num_vectors,
                             unsigned num_words_left) {
  const auto i = static_cast<unsigned>(thread_number());
  if (i < num_vectors) {
    to[i] = from[i];
  } else if (i < num_vectors + num_words_left) {
    const unsigned word = i - num_vectors;
    reinterpret_cast<uint32_t*>(to + num_vectors)[word] =
        reinterpret_cast<const uint32_t*>(from + num_vectors)[word];
  }
}

using Flag = ::cuda::atomic_ref<uint32_t, ::cuda::thread_scope_system>;

__global__ void exchange_flags(FlagBatch batch, uint32_t wanted) {
  const int i = static_cast<int>(threadIdx.x);
  if (i < batch.num_flags) {
    const Flag flag(*batch.flags[i]);
    while (flag.load(::cuda::memory_order_acquire) != wanted) __nanosleep(kPauseNs);
  }
  __syncwarp();
  // Kernels before this one in the stream have ended; the fence makes what they wrote, seen by this
  // thread, come before the flag for the host as well.
  ::cuda::atomic_thread_fence(::cuda::memory_order_seq_cst, ::cuda::thread_scope_system);
  if (i < batch.num_flags) {
    Flag(*batch.flags[i]).store(1 - wanted, ::cuda::memory_order_release);
  }
}

}  // namespace

Result<void> queue_kernel_copy(std::byte* to, const std::byte* from, size_t num_bytes,
                               cudaStream_t stream) {
  const bool has_vectors = is_aligned(to) && is_aligned(from);
  const auto num_vectors = static_cast<unsigned>(has_vectors ? num_bytes / kVectorBytes : 0);
  const auto num_words =
      static_cast<unsigned>((num_bytes - num_vectors * kVectorBytes) / sizeof(uint32_t));
  const unsigned num_blocks = num_blocks_for(int64_t{num_vectors} + num_words);
  copy_vectors<<<num_blocks, kThreadsPerBlock, 0, stream>>>(
      reinterpret_cast<uint4*>(to), reinterpret_cast<const uint4*>(from), num_vectors, num_words);
  CUDA_TRY(cudaGetLastError());
  return {};
}

Result<void> queue_flag_kernel(const FlagBatch& batch, uint32_t wanted, cudaStream_t stream) {
  exchange_flags<<<1, FlagBatch::kMaxFlags, 0, stream>>>(batch, wanted);
  CUDA_TRY(cudaGetLastError());
  return {};
}

}  // namespace graphrt::cuda

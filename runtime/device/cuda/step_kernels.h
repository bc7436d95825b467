#pragma once

#include <cuda_runtime.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "runtime/base/result.h"

namespace graphrt::cuda {

// What copy engines and memory operations of a stream do, done by kernels. A recorded graph hands
// those to the hardware one by one, at 1 to 2 us of the host each; kernels are handed over in one
// go, at less than 0.01 us each. Where a step is short that is most of its time (docs/cuda.md).

/// Copies larger than this are left to copy engines.
inline constexpr size_t kMaxKernelCopyBytes = size_t{512} << 10;

/// Queues a copy by a kernel. Requires: the stream's GPU is current and reaches both ends, which
/// share no byte; addresses and size are multiples of 4; at most kMaxKernelCopyBytes.
/// Errors: what CUDA refuses (kMachine).
Result<void> queue_kernel_copy(std::byte* to, const std::byte* from, size_t num_bytes,
                               cudaStream_t stream);

/// Replaces what clears or fills up to kMaxKernelCopyBytes of a GPU's memory in a recording by
/// kernels: some algorithms of cuBLASLt clear a counter by a memory operation.
/// Requires: the graph is not instantiated yet. May change which GPU is current.
/// Errors: what CUDA refuses (kMachine).
Result<void> fill_by_kernels(cudaGraph_t graph);

/// Flags in pinned memory of the host that one launch works on.
struct FlagBatch {
  static constexpr int kMaxFlags = 32;
  std::array<uint32_t*, kMaxFlags> flags = {};
  int num_flags = 0;
};

/// Queues: when all that the stream has queued before is done and seen by the host, wait until all
/// flags are `wanted`, 0 or 1, then set them to the other. A kernel of one warp, which stays on a
/// multiprocessor while it waits.
/// Requires: the stream's GPU is current. Errors: what CUDA refuses (kMachine).
Result<void> queue_flag_kernel(const FlagBatch& batch, uint32_t wanted, cudaStream_t stream);

/// Whether this build has kernels for the current GPU.
/// Errors: what else CUDA reports (kMachine).
Result<bool> has_kernels_for_current_gpu();

}  // namespace graphrt::cuda

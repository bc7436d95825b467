#include "runtime/device/cuda/step_kernels.h"

#include <array>
#include <cuda/atomic>
#include <string>
#include <vector>

#include "runtime/device/cuda/cuda_driver.h"
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

/// Rows of `width` bytes, `pitch` apart.
__global__ void fill_rows(std::byte* rows, size_t pitch, size_t width, size_t num_bytes,
                          uint32_t value, unsigned element_bytes) {
  const auto i = static_cast<size_t>(thread_number());
  if (i >= num_bytes) return;
  const size_t column = i % width;
  const unsigned byte_of_element = static_cast<unsigned>(column) % element_bytes;
  rows[i / width * pitch + column] = static_cast<std::byte>(value >> (8 * byte_of_element) & 0xFF);
}

/// A node that does the same by a kernel, ordered in the same way.
Result<void> add_fill_kernel(cudaGraph_t graph, cudaGraphNode_t node, cudaMemsetParams fill) {
  cudaPointerAttributes place = {};
  CUDA_TRY(cudaPointerGetAttributes(&place, fill.dst));
  CUDA_TRY(cudaSetDevice(place.device));
  size_t num_before = 0;
  size_t num_after = 0;
  CUDA_TRY(cudaGraphNodeGetDependencies(node, nullptr, nullptr, &num_before));
  CUDA_TRY(cudaGraphNodeGetDependentNodes(node, nullptr, nullptr, &num_after));
  std::vector<cudaGraphNode_t> before(num_before);
  std::vector<cudaGraphNode_t> after(num_after);
  CUDA_TRY(cudaGraphNodeGetDependencies(node, before.data(), nullptr, &num_before));
  CUDA_TRY(cudaGraphNodeGetDependentNodes(node, after.data(), nullptr, &num_after));

  size_t width = fill.width * fill.elementSize;
  size_t num_bytes = width * fill.height;
  std::array<void*, 6> arguments = {&fill.dst,  &fill.pitch, &width,
                                    &num_bytes, &fill.value, &fill.elementSize};
  cudaKernelNodeParams kernel = {};
  kernel.func = reinterpret_cast<void*>(&fill_rows);
  kernel.gridDim = dim3(num_blocks_for(static_cast<int64_t>(num_bytes)));
  kernel.blockDim = dim3(kThreadsPerBlock);
  kernel.kernelParams = arguments.data();
  cudaGraphNode_t replacement = nullptr;
  CUDA_TRY(cudaGraphAddKernelNode(&replacement, graph, before.data(), num_before, &kernel));
  const std::vector<cudaGraphNode_t> replacements(num_after, replacement);
  CUDA_TRY(cudaGraphAddDependencies(graph, replacements.data(), after.data(), nullptr, num_after));
  CUDA_TRY(cudaGraphDestroyNode(node));
  return {};
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

Result<void> fill_by_kernels(cudaGraph_t graph) {
  TRY(const GraphNodeKind kind_of, load_graph_node_kind());
  size_t num_nodes = 0;
  CUDA_TRY(cudaGraphGetNodes(graph, nullptr, &num_nodes));
  std::vector<cudaGraphNode_t> nodes(num_nodes);
  CUDA_TRY(cudaGraphGetNodes(graph, nodes.data(), &num_nodes));
  for (cudaGraphNode_t node : nodes) {
    CUgraphNodeType kind = CU_GRAPH_NODE_TYPE_EMPTY;
    if (const CUresult status = kind_of(node, &kind); status != CUDA_SUCCESS) {
      return machine_error("cuGraphNodeGetType failed with driver error " + std::to_string(status));
    }
    if (kind != CU_GRAPH_NODE_TYPE_MEMSET) continue;
    cudaMemsetParams fill = {};
    CUDA_TRY(cudaGraphMemsetNodeGetParams(node, &fill));
    const size_t num_bytes = fill.elementSize * fill.width * fill.height;
    if (num_bytes > 0 && num_bytes <= kMaxKernelCopyBytes) TRY(add_fill_kernel(graph, node, fill));
  }
  return {};
}

Result<void> queue_flag_kernel(const FlagBatch& batch, uint32_t wanted, cudaStream_t stream) {
  exchange_flags<<<1, FlagBatch::kMaxFlags, 0, stream>>>(batch, wanted);
  CUDA_TRY(cudaGetLastError());
  return {};
}

Result<bool> has_kernels_for_current_gpu() {
  cudaFuncAttributes attributes{};
  const cudaError_t status = cudaFuncGetAttributes(&attributes, exchange_flags);
  if (status == cudaErrorNoKernelImageForDevice || status == cudaErrorInvalidDeviceFunction) {
    cudaGetLastError();  // it is not an error of whoever calls next
    return false;
  }
  CUDA_TRY(status);
  return true;
}

}  // namespace graphrt::cuda

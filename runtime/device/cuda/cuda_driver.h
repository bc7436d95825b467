#pragma once

#include <cuda.h>

#include <cstdint>
#include <string>

#include "runtime/base/result.h"
#include "runtime/device/launch.h"

namespace graphrt::cuda {

/// How many GPUs this process can use; 0 without a driver.
/// Errors: a driver older than this build's CUDA runtime; anything else CUDA reports (kMachine).
Result<int32_t> count_gpus();

/// What decides whether a GPU computes what plans ask for.
struct GpuKind {
  std::string name;
  int major = 0;  ///< compute capability
  int minor = 0;
  bool has_kernels = false;  ///< this build has code for it
};
/// Errors: what CUDA reports (kMachine).
Result<GpuKind> gpu_kind(int32_t gpu);
/// Errors: a GPU without instructions for bf16 and tf32, which would give other bits than those of
/// a plan; one that this build has no kernels for (kMachine).
Result<void> check_gpu_kind(const GpuKind& kind);

/// Queues operations on words of memory: what orders a stream and the host without the host's help.
/// The driver is asked for it at run time, as for all below, so that this library loads without one.
using BatchMemoryOps = CUresult (*)(CUstream, unsigned int, CUstreamBatchMemOpParams*,
                                    unsigned int);
/// Errors: a driver without it (kMachine).
Result<BatchMemoryOps> load_batch_memory_ops();

/// The kind of a node of a graph; the CUDA runtime does not know that of operations on words of
/// memory.
using GraphNodeKind = CUresult (*)(CUgraphNode, CUgraphNodeType*);
/// Errors: a driver without it (kMachine).
Result<GraphNodeKind> load_graph_node_kind();

/// Settings of the environment that CUDA reads at its first call, for lanes that are queued as
/// `launch` says; those a user has set stay, as do those of an earlier call.
void set_cuda_environment(LaunchMode launch);

}  // namespace graphrt::cuda

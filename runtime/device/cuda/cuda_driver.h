#pragma once

#include <cuda.h>

#include <cstdint>

#include "runtime/base/result.h"
#include "runtime/device/launch.h"

namespace graphrt::cuda {

/// How many GPUs this process can use; 0 without a driver.
/// Errors: a driver older than this build's CUDA runtime; anything else CUDA reports (kMachine).
Result<int32_t> count_gpus();

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

#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "runtime/base/result.h"
#include "runtime/device/cuda/lane_issuer.h"

namespace graphrt::cuda {

/// A window of intervals over all GPUs as one CUDA graph, ready to be launched. Move-only.
class RecordedGraph {
 public:
  /// Records what `issuer` issues for the window, with `origin` as the stream it starts from and
  /// ends on, and loads it onto the GPUs.
  /// Requires: `origin` is none of the issuer's streams. Errors: what CUDA refuses.
  static Result<RecordedGraph> record(LaneIssuer& issuer, const Window& window, StepRange steps,
                                      const CudaStream& origin);

  RecordedGraph(RecordedGraph&& other) noexcept;
  RecordedGraph& operator=(RecordedGraph&& other) noexcept;
  ~RecordedGraph();

  /// Queues it behind what `stream` has to do; a graph runs once at a time.
  Result<void> launch(const CudaStream& stream) const;

  int64_t num_nodes() const { return num_nodes_; }

 private:
  RecordedGraph(cudaGraphExec_t executable, int64_t num_nodes)
      : executable_(executable), num_nodes_(num_nodes) {}

  cudaGraphExec_t executable_ = nullptr;
  int64_t num_nodes_ = 0;
};

}  // namespace graphrt::cuda

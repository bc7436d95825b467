#pragma once

#include <cuda_runtime.h>

#include <memory>
#include <mutex>

#include "runtime/base/result.h"
#include "runtime/kernels/cuda/cuda_kernels.h"

namespace graphrt::cuda {

/// Makes a GPU the current one of this thread. Errors: what CUDA reports.
Result<void> select_gpu(int32_t gpu);

/// A stream of one GPU with what its kernels share. Owns all of it.
/// Threads: one at a time.
class CudaStream {
 public:
  /// Non-blocking: it has no order with the legacy default stream. Where no kernel runs, as on a
  /// stream that only copies, cuBLAS can be left out.
  static Result<std::unique_ptr<CudaStream>> create(int32_t gpu, bool has_blas);

  CudaStream(const CudaStream&) = delete;
  CudaStream& operator=(const CudaStream&) = delete;
  ~CudaStream();

  int32_t gpu() const { return gpu_; }
  cudaStream_t get() const { return queue_.stream; }
  const CudaQueue& queue() const { return queue_; }
  Result<void> synchronize() const;

  /// From now on small copies are kernels (step_kernels.h), if the GPU takes the host's addresses.
  Result<void> copy_by_kernel();

  /// Held by a thread that queues an instruction while others may do so too: one that takes several
  /// launches has the scratch memory to itself from the first to the last.
  std::mutex& mutex() { return mutex_; }

 private:
  explicit CudaStream(int32_t gpu) : gpu_(gpu) {}

  int32_t gpu_;
  CudaQueue queue_;
  std::mutex mutex_;
};

/// An event that marks a place in a stream. Move-only.
class CudaEvent {
 public:
  /// Requires: the GPU of the stream that will record it is current.
  static Result<CudaEvent> create(bool is_timed);

  CudaEvent(CudaEvent&& other) noexcept;
  CudaEvent& operator=(CudaEvent&& other) noexcept;
  ~CudaEvent();

  cudaEvent_t get() const { return event_; }

 private:
  explicit CudaEvent(cudaEvent_t event) : event_(event) {}

  cudaEvent_t event_ = nullptr;
};

}  // namespace graphrt::cuda

#pragma once

#include <cuda_runtime.h>

#include "runtime/base/result.h"
#include "runtime/device/cuda/cuda_driver.h"
#include "runtime/device/lane_queue.h"

namespace graphrt::cuda {

/// How a stream waits for flags and sets them.
enum class FlagAccess : uint8_t {
  kMemoryOperations,  ///< of the stream: they take nothing from kernels
  kKernels,           ///< launched at less cost to the host (step_kernels.h)
};

/// The flags of a queue's signals in pinned host memory, and how a stream works on them. Owns
/// the memory.
class SignalMemory {
 public:
  /// Flags for every signal of the program, all 0. Errors: no pinned memory (kMachine).
  static Result<SignalMemory> create(const QueueProgram& program, FlagAccess access);

  SignalMemory(SignalMemory&& other) noexcept;
  SignalMemory& operator=(SignalMemory&&) = delete;
  ~SignalMemory();

  const SignalFlags& flags() const { return flags_; }

  /// All flags 0. Requires: neither side is running.
  void clear();

  /// Lets the hardware pass every signal: to be repeated until it is idle, since it sets flags
  /// back as it passes.
  void release() const;

  /// Queues on `stream`, of the current GPU: wait until the flags of these signals are 1, and
  /// set them to 0 (`wanted` = 1), or the other way round (`wanted` = 0). `intervals` are those of
  /// the producers.
  struct Use {
    SignalId id;
    int64_t interval = 0;
  };
  Result<void> enqueue(cudaStream_t stream, const std::vector<Use>& uses, uint32_t wanted);

 private:
  Result<void> enqueue_kernels(cudaStream_t stream, const std::vector<Use>& uses, uint32_t wanted);
  Result<void> enqueue_ops(cudaStream_t stream, const std::vector<Use>& uses, uint32_t wanted);
  SignalMemory(uint32_t* memory, int64_t num_slots, const QueueProgram& program, FlagAccess access,
               BatchMemoryOps batch_memory_ops);

  uint32_t* memory_;
  SignalFlags flags_;
  IdVector<SignalId, SignalDirection> directions_;
  FlagAccess access_;
  BatchMemoryOps batch_memory_ops_;
  std::vector<CUstreamBatchMemOpParams> ops_;  // of one call; kept, not made every step
};

}  // namespace graphrt::cuda

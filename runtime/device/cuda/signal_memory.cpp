#include "runtime/device/cuda/signal_memory.h"

#include <algorithm>
#include <utility>

#include "runtime/device/cuda/step_kernels.h"
#include "runtime/kernels/cuda/cuda_error.h"

namespace graphrt::cuda {
namespace {

/// The driver takes fewer than 256 at a time; the stream keeps the order of several calls.
constexpr size_t kMaxOpsPerCall = 128;

CUstreamBatchMemOpParams wait_op(const uint32_t* flag, uint32_t value) {
  CUstreamBatchMemOpParams op{};
  op.waitValue.operation = CU_STREAM_MEM_OP_WAIT_VALUE_32;
  op.waitValue.address = reinterpret_cast<CUdeviceptr>(flag);
  op.waitValue.value = value;
  op.waitValue.flags = CU_STREAM_WAIT_VALUE_EQ;
  return op;
}

CUstreamBatchMemOpParams write_op(const uint32_t* flag, uint32_t value) {
  CUstreamBatchMemOpParams op{};
  op.writeValue.operation = CU_STREAM_MEM_OP_WRITE_VALUE_32;
  op.writeValue.address = reinterpret_cast<CUdeviceptr>(flag);
  op.writeValue.value = value;
  op.writeValue.flags = CU_STREAM_WRITE_VALUE_DEFAULT;  // after all earlier work is visible
  return op;
}

}  // namespace

Result<SignalMemory> SignalMemory::create(const QueueProgram& program, FlagAccess access) {
  const int64_t num_slots = num_signal_slots(program);
  const size_t num_flags =
      static_cast<size_t>(num_slots) * std::max<size_t>(program.signals.size(), 1);
  BatchMemoryOps batch_memory_ops = nullptr;
  if (access == FlagAccess::kMemoryOperations) {
    TRY(batch_memory_ops, load_batch_memory_ops());
  }
  void* memory = nullptr;
  CUDA_TRY(cudaHostAlloc(&memory, num_flags * sizeof(uint32_t),
                         cudaHostAllocPortable | cudaHostAllocMapped));
  SignalMemory flags(static_cast<uint32_t*>(memory), num_slots, program, access, batch_memory_ops);
  flags.clear();
  return flags;
}

SignalMemory::SignalMemory(uint32_t* memory, int64_t num_slots, const QueueProgram& program,
                           FlagAccess access, BatchMemoryOps batch_memory_ops)
    : memory_(memory),
      flags_(memory, num_slots),
      access_(access),
      batch_memory_ops_(batch_memory_ops) {
  ops_.reserve(2 * program.signals.size());
  for (const Signal& signal : program.signals) directions_.push_back(signal.direction);
}

SignalMemory::SignalMemory(SignalMemory&& other) noexcept
    : memory_(std::exchange(other.memory_, nullptr)),
      flags_(other.flags_),
      directions_(std::move(other.directions_)),
      access_(other.access_),
      batch_memory_ops_(other.batch_memory_ops_),
      ops_(std::move(other.ops_)) {}

SignalMemory::~SignalMemory() {
  if (memory_ != nullptr) cudaFreeHost(memory_);
}

void SignalMemory::clear() {
  for (const SignalId id : directions_.ids()) {
    for (int64_t slot = 0; slot < flags_.num_slots(); ++slot) {
      std::atomic_ref(*flags_.at(id, slot)).store(0, std::memory_order_release);
    }
  }
}

void SignalMemory::release() const {
  for (const SignalId id : directions_.ids()) {
    const uint32_t awaited = directions_[id] == SignalDirection::kToDevice ? 1 : 0;
    for (int64_t slot = 0; slot < flags_.num_slots(); ++slot) {
      std::atomic_ref(*flags_.at(id, slot)).store(awaited, std::memory_order_release);
    }
  }
}

Result<void> SignalMemory::enqueue(cudaStream_t stream, const std::vector<Use>& uses,
                                   uint32_t wanted) {
  if (uses.empty()) return {};
  if (access_ == FlagAccess::kKernels) return enqueue_kernels(stream, uses, wanted);
  return enqueue_ops(stream, uses, wanted);
}

// Several launches wait one after the other; none is waited for by an earlier one.
Result<void> SignalMemory::enqueue_kernels(cudaStream_t stream, const std::vector<Use>& uses,
                                           uint32_t wanted) {
  FlagBatch batch;
  for (size_t i = 0; i < uses.size(); ++i) {
    batch.flags[static_cast<size_t>(batch.num_flags++)] = flags_.at(uses[i].id, uses[i].interval);
    if (batch.num_flags < FlagBatch::kMaxFlags && i + 1 < uses.size()) continue;
    TRY(queue_flag_kernel(batch, wanted, stream));
    batch.num_flags = 0;
  }
  return {};
}

Result<void> SignalMemory::enqueue_ops(cudaStream_t stream, const std::vector<Use>& uses,
                                       uint32_t wanted) {
  ops_.clear();
  for (const Use& use : uses) ops_.push_back(wait_op(flags_.at(use.id, use.interval), wanted));
  for (const Use& use : uses) {
    ops_.push_back(write_op(flags_.at(use.id, use.interval), 1 - wanted));
  }
  for (size_t i = 0; i < ops_.size(); i += kMaxOpsPerCall) {
    const size_t count = std::min(ops_.size() - i, kMaxOpsPerCall);
    const CUresult status =
        batch_memory_ops_(stream, static_cast<unsigned>(count), ops_.data() + i, 0);
    if (status == CUDA_SUCCESS) continue;
    return machine_error("cuStreamBatchMemOp failed with driver error " +
                         std::to_string(static_cast<int>(status)));
  }
  return {};
}

}  // namespace graphrt::cuda

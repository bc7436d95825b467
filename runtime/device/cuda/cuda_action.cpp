#include "runtime/device/cuda/cuda_action.h"

#include <utility>

#include "runtime/device/cuda/step_kernels.h"
#include "runtime/kernels/cuda/cuda_error.h"

namespace graphrt::cuda {
namespace {

class KernelAction final : public CudaAction {
 public:
  KernelAction(std::unique_ptr<const CudaKernel> kernel, const KernelBinding& binding,
               std::string what, CudaStream& stream)
      : CudaAction(std::move(what), stream),
        kernel_(std::move(kernel)),
        slots_(binding.inputs, binding.results, binding.scratch) {}

  bool is_kernel() const override { return true; }

  bool join(int64_t step, JointLaunch& launch) override {
    return launch.add(*kernel_, slots_.at(step));
  }

 private:
  Result<void> launch(int64_t step, const CudaQueue& queue) override {
    return kernel_->launch(slots_.at(step), queue);
  }

  std::unique_ptr<const CudaKernel> kernel_;
  KernelSlots slots_;
};

class CopyAction final : public CudaAction {
 public:
  CopyAction(const CopyBinding& binding, CopyReach reach, std::string what, CudaStream& stream)
      : CudaAction(std::move(what), stream),
        reach_(reach),
        from_(binding.from),
        to_(binding.to),
        num_bytes_(static_cast<size_t>(binding.from.type.size_bytes())) {}

  bool is_kernel() const override { return false; }

 private:
  Result<void> launch(int64_t step, const CudaQueue& queue) override {
    const bool is_reachable = reach_ == CopyReach::kKernels;
    if (queue.copies_by_kernel && is_reachable && num_bytes_ <= kMaxKernelCopyBytes) {
      return queue_kernel_copy(to_.at(step), from_.at(step), num_bytes_, queue.stream);
    }
    // Not cudaMemcpyPeerAsync, which cannot be captured: the addresses say where they are.
    CUDA_TRY(
        cudaMemcpyAsync(to_.at(step), from_.at(step), num_bytes_, cudaMemcpyDefault, queue.stream));
    return {};
  }

  CopyReach reach_;
  OperandSlots from_;
  OperandSlots to_;
  size_t num_bytes_;
};

}  // namespace

Result<void> CudaAction::enqueue(int64_t step, const CudaQueue& queue) {
  return in_context(launch(step, queue));
}

Result<void> CudaAction::run(int64_t step) {
  TRY(select_gpu(stream_.gpu()));
  {
    const std::lock_guard lock(stream_.mutex());
    TRY(enqueue(step, stream_.queue()));
  }
  return in_context(stream_.synchronize());
}

Result<void> CudaAction::in_context(Result<void> result) const {
  if (result) return result;
  Error error = std::move(result).error();
  error.message = what_ + ": " + error.message;
  return tl::unexpected(std::move(error));
}

std::unique_ptr<CudaAction> make_kernel_action(std::unique_ptr<const CudaKernel> kernel,
                                               const KernelBinding& binding, std::string what,
                                               CudaStream& stream) {
  return std::make_unique<KernelAction>(std::move(kernel), binding, std::move(what), stream);
}

std::unique_ptr<CudaAction> make_copy_action(const CopyBinding& binding, CopyReach reach,
                                             std::string what, CudaStream& stream) {
  return std::make_unique<CopyAction>(binding, reach, std::move(what), stream);
}

}  // namespace graphrt::cuda

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runtime/device/action.h"
#include "runtime/device/cuda/cuda_stream.h"
#include "runtime/device/device.h"
#include "runtime/kernels/cuda/joint_launch.h"

namespace graphrt::cuda {

/// An instruction of a GPU: queued on a stream, or, as an Action, run to its end by the host.
class CudaAction : public Action {
 public:
  /// `what` names operator and device in errors; run() uses `stream`, which must outlive this.
  CudaAction(std::string what, CudaStream& stream) : what_(std::move(what)), stream_(stream) {}

  /// Queues the work of one step on a stream of gpu() and returns at once; may be captured.
  /// Requires: gpu() is current. Errors: what CUDA refuses; operator and device in front.
  Result<void> enqueue(int64_t step, const CudaQueue& queue);

  /// Adds the work of one step to a launch that several share; says no if it has none to share.
  virtual bool join(int64_t /*step*/, JointLaunch& /*launch*/) { return false; }

  /// Queues it and waits until it is done.
  Result<void> run(int64_t step) override;

  int32_t gpu() const { return stream_.gpu(); }
  /// Whether its queue needs cuBLAS.
  virtual bool is_kernel() const = 0;

 private:
  virtual Result<void> launch(int64_t step, const CudaQueue& queue) = 0;
  Result<void> in_context(Result<void> result) const;

  std::string what_;
  CudaStream& stream_;
};

std::unique_ptr<CudaAction> make_kernel_action(std::unique_ptr<const CudaKernel> kernel,
                                               const KernelBinding& binding, std::string what,
                                               CudaStream& stream);

/// Whether a kernel of the stream's GPU can do a copy, or the driver alone, by way of the host.
enum class CopyReach : uint8_t { kKernels, kDriver };

/// Requires: host memory is pinned.
std::unique_ptr<CudaAction> make_copy_action(const CopyBinding& binding, CopyReach reach,
                                             std::string what, CudaStream& stream);

}  // namespace graphrt::cuda

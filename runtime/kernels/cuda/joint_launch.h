#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "runtime/kernels/cuda/cuda_kernels.h"

namespace graphrt {

/// Small kernels that run side by side in one launch. Made once: adding and launching allocate
/// nothing.
class JointLaunch {
 public:
  JointLaunch();
  JointLaunch(JointLaunch&&) noexcept;
  ~JointLaunch();

  /// Adds what kernel.launch() would do with these operands; says no if the kernel must be launched
  /// by itself. Requires: no more than kMaxOpsInLaunch of them; as kernel.launch(), and no
  /// kernel touches what another one writes.
  bool add(const CudaKernel& kernel, const KernelArguments& at);

  /// Forgets what was added.
  void clear();

  /// Queues what was added, if anything was, and is empty again; the same bits as by themselves.
  /// Errors: a launch that CUDA refuses (kMachine).
  Result<void> launch(const CudaQueue& queue);

 private:
  std::unique_ptr<cuda::JointTable> table_;
};

}  // namespace graphrt

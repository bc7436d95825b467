#pragma once

#include <cublasLt.h>
#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/tensor_type.h"
#include "runtime/op/attribute.h"
#include "runtime/op/kernel_arguments.h"

namespace graphrt {

namespace cuda {
struct JointTable;
}  // namespace cuda

/// What a kernel is launched with. Owns nothing.
struct CudaQueue {
  cudaStream_t stream = nullptr;
  cublasLtHandle_t blas = nullptr;
  bool copies_by_kernel = false;  ///< small copies, where launching copy engines costs too much
};

/// An operator with its types and attributes bound: everything that depends on shapes was computed
/// when it was prepared.
class CudaKernel {
 public:
  CudaKernel() = default;
  CudaKernel(const CudaKernel&) = delete;
  CudaKernel& operator=(const CudaKernel&) = delete;
  virtual ~CudaKernel() = default;

  /// Queues the computation and returns at once. Allocates nothing on the device, waits for
  /// nothing, may be captured into a graph, and gives the same bits on every launch with the same
  /// operands.
  /// Requires: the queue's device is current; row-major operands of the prepared types in its
  ///           memory, aligned to their elements; no result overlaps another
  ///           one, the scratch memory or an operand, except that the first may be exactly the
  ///           operand where may_run_in_place says so.
  /// Errors: a launch that CUDA or cuBLAS refuses (kMachine).
  /// Threads: any number of calls at the same time, with different queues, results and
  ///          scratch memory.
  virtual Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const = 0;

  /// What the user should know of how it works here, in a line; empty: nothing.
  virtual std::string note() const { return {}; }

  /// Adds the same to a launch that several kernels share (JointLaunch), if it has such a form.
  virtual bool join(cuda::JointTable& /*table*/, const KernelArguments& /*at*/) const {
    return false;
  }
};

/// Binds an operator for the current CUDA device; `blas` is a handle of that device. `algorithm`:
/// one that cuda_kernel_algorithms() names, or empty for the library's first choice.
/// Errors: an operator that CUDA has no kernel for; operands that its type rule refuses or that
///         give other types than `results`; shapes beyond what cuBLAS takes;
///         an algorithm that is not there for this kernel.
Result<std::unique_ptr<const CudaKernel>> prepare_cuda_kernel(
    std::string_view op, std::span<const TensorType> inputs, std::span<const TensorType> results,
    const Attributes& attributes, cublasLtHandle_t blas, std::string_view algorithm = {});

/// The algorithms there are for operands that no vector would split, in the order in which the
/// library would try them; none for operators whose kernels are our own.
/// Errors: as above.
Result<std::vector<std::string>> cuda_kernel_algorithms(std::string_view op,
                                                        std::span<const TensorType> inputs,
                                                        std::span<const TensorType> results,
                                                        const Attributes& attributes,
                                                        cublasLtHandle_t blas);

/// Whether CUDA has a kernel for this operator.
bool has_cuda_kernel(std::string_view op);

}  // namespace graphrt

#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "runtime/base/result.h"
#include "runtime/base/tensor_type.h"
#include "runtime/op/attribute.h"
#include "runtime/op/kernel_arguments.h"

namespace graphrt {

/// An operator with its types and attributes bound: everything that depends on shapes was computed
/// when it was prepared.
class PreparedKernel {
 public:
  PreparedKernel() = default;
  PreparedKernel(const PreparedKernel&) = delete;
  PreparedKernel& operator=(const PreparedKernel&) = delete;
  virtual ~PreparedKernel() = default;

  /// Computes the results. Allocates nothing, takes no lock, and gives the same bits on every call
  /// with the same operands.
  /// Requires: row-major operands of the prepared types, aligned to their elements; no result overlaps another
  ///           one, the scratch memory or an operand, except that the first may be exactly the
  ///           operand where may_run_in_place says so.
  /// Threads: any number of calls at the same time, with different results and scratch memory.
  virtual void run(const KernelArguments& at) const = 0;
};

/// Binds an operator for the CPU.
/// Errors: an operator the table does not have; operands that its type rule refuses or that give
///         other types than `results`.
Result<std::unique_ptr<const PreparedKernel>> prepare_cpu_kernel(
    std::string_view op, std::span<const TensorType> inputs, std::span<const TensorType> results,
    const Attributes& attributes);

/// Whether the CPU has a kernel for this operator.
bool has_cpu_kernel(std::string_view op);

/// Whether that kernel multiplies by OpenBLAS, and so needs one of the ProductBuffers.
bool is_cpu_product(std::string_view op);

/// Refuses an OpenBLAS that is not the threaded build with one thread a call: the serial build is
/// wrong under concurrent callers, and more threads a call would take the workers' cores.
Result<void> check_openblas();

}  // namespace graphrt

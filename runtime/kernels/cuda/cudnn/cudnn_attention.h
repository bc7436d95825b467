#pragma once

#include <string>

#include "runtime/kernels/cuda/prepare.h"
#include "runtime/op/attention.h"

namespace graphrt::cuda {

/// A kernel, or why there is none.
struct CudnnKernel {
  std::unique_ptr<const CudaKernel> kernel = {};
  std::string refusal = {};
};

/// Attention by cuDNN, whose libraries are loaded when it is first asked for. Where operands lie at
/// addresses that it does not take, `otherwise` is launched.
/// Requires: operands of 16 bits without a mask, and no query that sees no key.
CudnnKernel make_cudnn_attention(const KernelSpec& spec, const AttentionOperands& operands,
                                 std::unique_ptr<const CudaKernel>& otherwise);

}  // namespace graphrt::cuda

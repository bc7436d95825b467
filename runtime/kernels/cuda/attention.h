#pragma once

#include "runtime/kernels/cuda/attention_call.h"
#include "runtime/kernels/cuda/prepare.h"

namespace graphrt::cuda {

// Our own kernels, for everything that heads of up to kWidestHead elements can be. Errors: wider
// heads, or more rows than a launch has numbers for.

KernelResult make_attention(const KernelSpec& spec);
KernelResult make_attention_grad(const KernelSpec& spec);

}  // namespace graphrt::cuda

// Which kernels compute attention.
#include "runtime/kernels/cuda/attention.h"

namespace graphrt::cuda {

KernelResult prepare_attention(const KernelSpec& spec) { return make_attention(spec); }
KernelResult prepare_attention_grad(const KernelSpec& spec) { return make_attention_grad(spec); }

}  // namespace graphrt::cuda

#include "runtime/kernels/cuda/attention_kernels.cuh"

namespace graphrt::cuda {

AttentionForms attention_in_bf16(bool is_narrow) {
  return attention_forms<By16Bits<__nv_bfloat16>>(is_narrow);
}

}  // namespace graphrt::cuda

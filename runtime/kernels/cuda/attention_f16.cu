#include "runtime/kernels/cuda/attention_kernels.cuh"

namespace graphrt::cuda {

AttentionForms attention_in_f16(bool is_narrow) {
  return attention_forms<By16Bits<__half>>(is_narrow);
}

}  // namespace graphrt::cuda

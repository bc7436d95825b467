#include "runtime/kernels/cuda/attention_kernels.cuh"

namespace graphrt::cuda {

AttentionForms attention_in_f32(bool is_narrow) { return attention_forms<ByF32>(is_narrow); }

}  // namespace graphrt::cuda

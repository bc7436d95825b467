#pragma once

#include "runtime/kernels/cuda/attention_call.h"

namespace graphrt::cuda {

// The backward pass of attention without a mask by instructions that GPUs of compute capability 9.0
// alone have. For heads of up to kNarrowHead, or else up to kWidestHead; of what is in memory, and
// of f32 rounded to bf16.
AttentionGradientForms warpgroup_gradients_in_bf16(bool is_narrow);
AttentionGradientForms warpgroup_gradients_in_f16(bool is_narrow);

}  // namespace graphrt::cuda

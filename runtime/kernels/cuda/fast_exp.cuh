#pragma once

namespace graphrt::cuda {

/// 2^x within a few units of f32 in the last place, in one instruction; 0 where that is no normal
/// number.
__device__ inline float fast_exp2(float x) {
  float result = 0;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(x));
  return result;
}

/// e^x, likewise in two.
__device__ inline float fast_exp(float x) {
  constexpr float kLog2OfE = 1.4426950408889634F;
  return fast_exp2(x * kLog2OfE);
}

}  // namespace graphrt::cuda

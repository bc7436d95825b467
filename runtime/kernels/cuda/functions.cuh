#pragma once

#include <numbers>

namespace graphrt::cuda {

// The functions of element_functions.def, on one element: alone, as an operator, and as a step of a
// chain.

// clang-format off
struct Abs { __device__ float operator()(float x) const { return fabsf(x); } };
struct Add { template <class T> __device__ T operator()(T a, T b) const { return static_cast<T>(a + b); } };
struct Sub { template <class T> __device__ T operator()(T a, T b) const { return static_cast<T>(a - b); } };
struct Mul { template <class T> __device__ T operator()(T a, T b) const { return static_cast<T>(a * b); } };
struct Cos { __device__ float operator()(float x) const { return cosf(x); } };
struct Div { __device__ float operator()(float a, float b) const { return a / b; } };
struct Exp { __device__ float operator()(float x) const { return expf(x); } };
struct Expm1 { __device__ float operator()(float x) const { return expm1f(x); } };
struct Log { __device__ float operator()(float x) const { return logf(x); } };
struct Log1p { __device__ float operator()(float x) const { return log1pf(x); } };
struct Sin { __device__ float operator()(float x) const { return sinf(x); } };
struct Sqrt { __device__ float operator()(float x) const { return sqrtf(x); } };
struct Tanh { __device__ float operator()(float x) const { return tanhf(x); } };
struct Sigmoid { __device__ float operator()(float x) const { return 1 / (1 + expf(-x)); } };
/// A NaN stays: training that went wrong must show.
struct Relu { __device__ float operator()(float x) const { return x <= 0 ? 0.0F : x; } };
// clang-format on

struct Scale {
  float factor;
  __device__ float operator()(float x) const { return x * factor; }
};

/// In double: no square leaves it. A NaN stays. Nothing is fused: the compiler would choose which
/// of the products from kernel to kernel.
struct Hypot {
  __device__ float operator()(float a, float b) const {
    const double x = a;
    const double y = b;
    return static_cast<float>(sqrt(__dadd_rn(__dmul_rn(x, x), __dmul_rn(y, y))));
  }
};

// The sum of both is a NaN if one is.

struct Maximum {
  __device__ float operator()(float a, float b) const {
    if (a == b) return signbit(a) ? b : a;  // 0 rather than -0
    return a > b ? a : a < b ? b : a + b;
  }
};

struct Minimum {
  __device__ float operator()(float a, float b) const {
    if (a == b) return signbit(a) ? a : b;  // -0 rather than 0
    return a < b ? a : a > b ? b : a + b;
  }
};

/// What is infinite times a probability or density that has become 0 is 0: that falls faster. A
/// step of its own, not fused with a sum behind it, so that chains have the same bits.
__device__ inline float product_with_tail(float x, float tail) {
  return tail == 0 ? copysignf(0, x) : __fmul_rn(x, tail);
}

/// erfc keeps the small results of large negative operands; 1 + erf would round them to 0.
struct Gelu {
  __device__ float operator()(float x) const {
    constexpr float kScale = -1 / std::numbers::sqrt2_v<float>;
    return product_with_tail(0.5F * x, erfcf(kScale * x));
  }
};

struct ReluGrad {
  __device__ float operator()(float gradient, float x) const { return x > 0 ? gradient : 0.0F; }
};

/// 1 - y y in factors: near 1, where y y is rounded, 1 - y is not.
struct TanhGrad {
  __device__ float operator()(float gradient, float y) const {
    return gradient * ((1 - y) * (1 + y));
  }
};

struct SigmoidGrad {
  __device__ float operator()(float gradient, float y) const { return gradient * (y * (1 - y)); }
};

/// With the probability that a normal number is below x, and its density at x.
struct GeluGrad {
  __device__ float operator()(float gradient, float x) const {
    constexpr float kScale = -1 / std::numbers::sqrt2_v<float>;
    constexpr float kDensityAt0 = std::numbers::inv_sqrtpi_v<float> / std::numbers::sqrt2_v<float>;
    const float probability = 0.5F * erfcf(kScale * x);
    const float density = kDensityAt0 * expf(-0.5F * x * x);
    return gradient * (probability + product_with_tail(x, density));
  }
};

}  // namespace graphrt::cuda

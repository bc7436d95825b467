#pragma once

#include <limits>
#include <numbers>

#include "runtime/kernels/cuda/device_types.cuh"
#include "runtime/kernels/cuda/fast_exp.cuh"

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

// gelu of elements of 16 bits: erfcf takes longer than memory does.

/// The probability that a normal number is below -|x|, and exp(-x^2 / 2).
struct NormalTail {
  float probability;
  float power;

  /// erfc(z) / 2 = exp(-z^2) * polynomial(1 / (1 + 0.42 z)), fitted to z < 9.5: the relative error
  /// stays below 2e-7, also where the probability is small.
  __device__ static NormalTail at(float x) {
    constexpr int kDegree = 7;
    constexpr float kCoefficients[kDegree + 1] = {0.118412718F,  0.11978396F,    0.0974178389F,
                                                  0.134193808F,  -0.0649330616F, 0.219982862F,
                                                  -0.159925699F, 0.0350675024F};
    constexpr float kPole = 0.42F / std::numbers::sqrt2_v<float>;
    const float t = __fdividef(1, fmaf(kPole, fabsf(x), 1));
    float sum = 0;
#pragma unroll
    for (int i = kDegree; i >= 0; --i) sum = fmaf(sum, t, kCoefficients[i]);
    const float power = fast_exp(-0.5F * x * x);
    return {t * sum * power, power};
  }
};

struct NarrowGelu {
  __device__ float operator()(float x) const {
    const float tail = NormalTail::at(x).probability;
    // What is infinite times a probability of 0 is 0.
    return fmaxf(x, -std::numeric_limits<float>::max()) * (x < 0 ? tail : 1 - tail);
  }
};

struct NarrowGeluGrad {
  __device__ float operator()(float gradient, float x) const {
    constexpr float kDensityAt0 = std::numbers::inv_sqrtpi_v<float> / std::numbers::sqrt2_v<float>;
    const auto [tail, power] = NormalTail::at(x);
    const float probability = x < 0 ? tail : 1 - tail;
    return gradient * (probability + product_with_tail(x, kDensityAt0 * power));
  }
};

template <class T>
  requires kAreNarrow<T>
struct FormOn<T, Gelu> {
  __device__ static NarrowGelu of(Gelu) { return {}; }
};
template <class T>
  requires kAreNarrow<T>
struct FormOn<T, GeluGrad> {
  __device__ static NarrowGeluGrad of(GeluGrad) { return {}; }
};

}  // namespace graphrt::cuda

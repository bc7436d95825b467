#pragma once

#include <cmath>
#include <numbers>

namespace graphrt::cpu {

// What elementwise operators compute on one element: alone, and as a step of a chain. One function
// each, so that both give the same bits.

struct Add {
  template <class T>
  T operator()(T a, T b) const {
    return a + b;
  }
};

struct Sub {
  template <class T>
  T operator()(T a, T b) const {
    return a - b;
  }
};

struct Mul {
  template <class T>
  T operator()(T a, T b) const {
    return a * b;
  }
};

struct Div {
  float operator()(float a, float b) const { return a / b; }
};

/// A NaN stays: training that went wrong must show.
struct Relu {
  float operator()(float x) const { return x <= 0 ? 0.0F : x; }
};

struct Scale {
  float factor;
  float operator()(float x) const { return x * factor; }
};

struct Exp {
  float operator()(float x) const { return std::exp(x); }
};

struct Log {
  float operator()(float x) const { return std::log(x); }
};

struct Sqrt {
  float operator()(float x) const { return std::sqrt(x); }
};

struct Tanh {
  float operator()(float x) const { return std::tanh(x); }
};

struct Sigmoid {
  float operator()(float x) const { return 1 / (1 + std::exp(-x)); }
};

/// erfc keeps the small results of large negative operands; 1 + erf would round them to 0.
struct Gelu {
  float operator()(float x) const {
    constexpr float kScale = -1 / std::numbers::sqrt2_v<float>;
    return 0.5F * x * std::erfc(kScale * x);
  }
};

struct ReluGrad {
  float operator()(float gradient, float x) const { return x > 0 ? gradient : 0.0F; }
};

struct TanhGrad {
  float operator()(float gradient, float y) const { return gradient * (1 - y * y); }
};

struct SigmoidGrad {
  float operator()(float gradient, float y) const { return gradient * (y * (1 - y)); }
};

/// With the probability that a normal number is below x, and its density at x.
struct GeluGrad {
  float operator()(float gradient, float x) const {
    constexpr float kScale = -1 / std::numbers::sqrt2_v<float>;
    constexpr float kDensityAt0 = std::numbers::inv_sqrtpi_v<float> / std::numbers::sqrt2_v<float>;
    const float probability = 0.5F * std::erfc(kScale * x);
    return gradient * (probability + x * kDensityAt0 * std::exp(-0.5F * x * x));
  }
};

}  // namespace graphrt::cpu

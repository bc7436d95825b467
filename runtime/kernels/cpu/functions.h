#pragma once

#include <cmath>

namespace graphrt::cpu {

// What elementwise operators compute on one element: alone, and as a step of a chain. One function
// each, so that both give the same bits. Those that take more than an instruction or two, exp and
// the like, are in vector_functions.h.

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

/// In double: no square leaves it.
struct Hypot {
  float operator()(float a, float b) const {
    const double x = a;
    const double y = b;
    return static_cast<float>(std::sqrt(x * x + y * y));
  }
};

/// A NaN stays: training that went wrong must show.
struct Relu {
  float operator()(float x) const { return x <= 0 ? 0.0F : x; }
};

struct Scale {
  float factor;
  float operator()(float x) const { return x * factor; }
};

struct Sqrt {
  float operator()(float x) const { return std::sqrt(x); }
};

struct ReluGrad {
  float operator()(float gradient, float x) const { return x > 0 ? gradient : 0.0F; }
};

/// 1 - y y in factors: near 1, where y y is rounded, 1 - y is not.
struct TanhGrad {
  float operator()(float gradient, float y) const { return gradient * ((1 - y) * (1 + y)); }
};

struct SigmoidGrad {
  float operator()(float gradient, float y) const { return gradient * (y * (1 - y)); }
};

}  // namespace graphrt::cpu

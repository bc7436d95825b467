#pragma once

#include <cmath>
#include <cstdint>

#include "runtime/kernels/cpu/vector_functions.h"

namespace graphrt::cpu {

// The functions of element_functions.def: alone, as an operator, and as a step of a chain, from here
// for both, so that they give the same bits. One has a call operator for one element, or `each` for
// many where vectors need more than a compiler finds.

struct Abs {
  float operator()(float x) const { return std::abs(x); }
};

struct Add {
  template <class T>
  T operator()(T a, T b) const {
    return static_cast<T>(a + b);
  }
};

struct Sub {
  template <class T>
  T operator()(T a, T b) const {
    return static_cast<T>(a - b);
  }
};

struct Mul {
  template <class T>
  T operator()(T a, T b) const {
    return static_cast<T>(a * b);
  }
};

struct Div {
  float operator()(float a, float b) const { return a / b; }
};

struct Cos {
  float operator()(float x) const { return std::cos(x); }
};

struct Exp {
  static constexpr auto each = exp_each;
};

struct Expm1 {
  float operator()(float x) const { return std::expm1(x); }
};

struct Gelu {
  static constexpr auto each = gelu_each;
};

struct GeluGrad {
  static constexpr auto each = gelu_grad_each;
};

/// In double: no square leaves it.
struct Hypot {
  float operator()(float a, float b) const {
    const double x = a;
    const double y = b;
    return static_cast<float>(std::sqrt(x * x + y * y));
  }
};

struct Log {
  static constexpr auto each = log_each;
};

struct Log1p {
  float operator()(float x) const { return std::log1p(x); }
};

// The sum of both is a NaN if one is.

struct Maximum {
  float operator()(float a, float b) const {
    if (a == b) return std::signbit(a) ? b : a;  // 0 rather than -0
    return a > b ? a : a < b ? b : a + b;
  }
};

struct Minimum {
  float operator()(float a, float b) const {
    if (a == b) return std::signbit(a) ? a : b;  // -0 rather than 0
    return a < b ? a : a > b ? b : a + b;
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

struct Sigmoid {
  static constexpr auto each = sigmoid_each;
};

struct Sin {
  float operator()(float x) const { return std::sin(x); }
};

struct Sqrt {
  float operator()(float x) const { return std::sqrt(x); }
};

struct ReluGrad {
  float operator()(float gradient, float x) const { return x > 0 ? gradient : 0.0F; }
};

struct Tanh {
  static constexpr auto each = tanh_each;
};

/// 1 - y y in factors: near 1, where y y is rounded, 1 - y is not.
struct TanhGrad {
  float operator()(float gradient, float y) const { return gradient * ((1 - y) * (1 + y)); }
};

struct SigmoidGrad {
  float operator()(float gradient, float y) const { return gradient * (y * (1 - y)); }
};

/// Whether a function works on many elements at a time.
template <class Function>
concept WorksOnMany = requires { Function::each; };

// y may be an operand: element i is read before element i is written, and not again. `ivdep` tells
// the compiler just that, so that it may use vectors although the pointers may be equal.

/// y = function(x).
template <class Function>
void map_each(const Function& function, const float* x, float* y, int64_t size) {
  if constexpr (WorksOnMany<Function>) {
    Function::each(x, y, size);
  } else {
#pragma GCC ivdep
    for (int64_t i = 0; i < size; ++i) y[i] = function(x[i]);
  }
}

/// y = function(a, b).
template <class Function>
void zip_each(const Function& function, const float* a, const float* b, float* y, int64_t size) {
  if constexpr (WorksOnMany<Function>) {
    Function::each(a, b, y, size);
  } else {
#pragma GCC ivdep
    for (int64_t i = 0; i < size; ++i) y[i] = function(a[i], b[i]);
  }
}

}  // namespace graphrt::cpu

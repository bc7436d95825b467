#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

namespace graphrt::reference {

// The functions of element_functions.def in double, by the names of their operators: formulas that
// are right for large and infinite operands as well, since what constants are folded with has no
// other check.

/// The probability that a normal number is below x; with 1 + erf, small ones would lose their
/// digits.
inline double normal_distribution(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }
inline double normal_density(double x) {
  return std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi);
}
/// What is infinite times a probability or density that has become 0 is 0: that falls faster.
inline double product_with_tail(double x, double tail) {
  return tail == 0 ? std::copysign(0, x) : x * tail;
}

// Of one number.

inline double of_abs(double x) { return std::abs(x); }
inline double of_cos(double x) { return std::cos(x); }
inline double of_exp(double x) { return std::exp(x); }
inline double of_expm1(double x) { return std::expm1(x); }
inline double of_gelu(double x) { return product_with_tail(x, normal_distribution(x)); }
inline double of_log(double x) { return std::log(x); }
inline double of_log1p(double x) { return std::log1p(x); }
/// A NaN stays: training that went wrong must show.
inline double of_relu(double x) { return x <= 0 ? 0 : x; }
inline double of_sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
inline double of_sin(double x) { return std::sin(x); }
inline double of_sqrt(double x) { return std::sqrt(x); }
inline double of_tanh(double x) { return std::tanh(x); }

// Of two.

inline double of_div(double a, double b) { return a / b; }
inline double of_gelu_grad(double gradient, double x) {
  return gradient * (normal_distribution(x) + product_with_tail(x, normal_density(x)));
}
/// A NaN stays, beside an infinity, too.
inline double of_hypot(double a, double b) { return std::sqrt(a * a + b * b); }
/// A NaN stays; 0 is larger than -0.
inline double of_maximum(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return a + b;
  if (a == b) return std::signbit(a) ? b : a;
  return a > b ? a : b;
}
inline double of_minimum(double a, double b) { return -of_maximum(-a, -b); }
inline double of_relu_grad(double gradient, double x) { return x > 0 ? gradient : 0; }
inline double of_sigmoid_grad(double gradient, double y) { return gradient * y * (1 - y); }
inline double of_tanh_grad(double gradient, double y) { return gradient * (1 - y * y); }

// Of two numbers that may be integers.

template <class T>
T of_add(T a, T b) {
  return a + b;
}
template <class T>
T of_mul(T a, T b) {
  return a * b;
}
template <class T>
T of_sub(T a, T b) {
  return a - b;
}

}  // namespace graphrt::reference

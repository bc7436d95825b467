#pragma once

#include <cstdint>

namespace graphrt::cpu {

// Elementwise functions in the widest vectors of the processor that runs them: those that the
// standard library computes one element at a time, and sums in double. y may be x.
//
// An element's result depends on that element alone: not on where it stands, nor on how many there
// are, so work divided in any way gives the same bits. A NaN stays a NaN. Errors are relative, for
// results that are normal floats.
//
// Source: exp, log and tanh are Highway's (hwy/contrib/math).

/// totals += x.
void add_each(const float* x, double* totals, int64_t size);

/// y = e^x. Error: 2e-7.
void exp_each(const float* x, float* y, int64_t size);
/// y = e^(x - subtracted). Error: 2e-7 of what is e^ of the rounded difference.
void exp_less_each(const float* x, float subtracted, float* y, int64_t size);

/// y = log(x); -inf for 0 and NaN below. Error: 5e-7.
void log_each(const float* x, float* y, int64_t size);

/// y = tanh(x). Error: 5e-7.
void tanh_each(const float* x, float* y, int64_t size);

/// y = 1 / (1 + e^-x). Error: 5e-7.
void sigmoid_each(const float* x, float* y, int64_t size);

/// y = x P(x), where P(x) is the probability that a normal number is below x. Error: 1e-6, and
/// 3e-7 x^2 where x is below -2.
void gelu_each(const float* x, float* y, int64_t size);

/// y = gradient (P(x) + x p(x)), with P as in gelu_each and p its density. y may be either operand.
/// Error of the factor: 5e-7, absolute.
void gelu_grad_each(const float* gradient, const float* x, float* y, int64_t size);

}  // namespace graphrt::cpu

// Compiled once for every kind of vectors: foreach_target.h includes this file again and again.
#include "runtime/kernels/cpu/vector_functions.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <numbers>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/kernels/cpu/vector_functions.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
// Behind foreach_target.h:
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace graphrt::cpu::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using Vector = hn::Vec<Floats>;

Vector all(float x) { return hn::Set(Floats(), x); }

/// Highway's functions say nothing of a NaN.
Vector unless_nan(Vector x, Vector y) { return hn::IfThenElse(hn::IsNaN(x), x, y); }

/// Above 104, far beyond the largest float, Highway's exp is not defined.
Vector exp_of_number(Vector x) { return hn::Exp(Floats(), hn::Min(x, all(104))); }

Vector exp_of(Vector x) { return unless_nan(x, exp_of_number(x)); }

/// Highway's log is that of positive numbers.
Vector log_of(Vector x) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const Vector of_positive = hn::IfThenElse(hn::Eq(x, all(kInfinity)), x, hn::Log(Floats(), x));
  const Vector of_others = hn::IfThenElse(hn::Eq(x, all(0)), all(-kInfinity),
                                          all(std::numeric_limits<float>::quiet_NaN()));
  return hn::IfThenElse(hn::Gt(x, all(0)), of_positive, of_others);
}

Vector tanh_of(Vector x) { return unless_nan(x, hn::Tanh(Floats(), x)); }

Vector sigmoid_of(Vector x) {
  return unless_nan(x, hn::Div(all(1), hn::Add(all(1), exp_of_number(hn::Neg(x)))));
}

/// Of a normal number: the probability that it is below x, and e^(-x^2 / 2).
struct Normal {
  Vector probability;
  Vector bell;
};

/// The smaller tail is e^(-x^2 / 2) t Q(t) with t = 1 / (1 + |x| / sqrt(8)). Q was fitted in
/// Chebyshev nodes of t to what that leaves of erfc; its largest error is 1.4e-7, relative. So
/// small probabilities keep their digits, which 1 + erf would round to 0.
Normal normal_at(Vector x) {
  constexpr std::array kQ = {0.5F * 0.0432290196F, 0.5F * -0.234898772F, 0.5F * 0.494038466F,
                             0.5F * -0.455366423F, 0.5F * 0.132444329F,  0.5F * -0.0593212475F,
                             0.5F * 0.0934885266F, 0.5F * 0.175312876F,  0.5F * 0.246884675F,
                             0.5F * 0.28209376F,   0.5F * 0.282094795F};
  constexpr float kInvSqrt8 = 0.25F * std::numbers::sqrt2_v<float>;
  const Vector t = hn::Div(all(1), hn::MulAdd(hn::Abs(x), all(kInvSqrt8), all(1)));
  Vector q = all(kQ.front());
  for (size_t i = 1; i < kQ.size(); ++i) q = hn::MulAdd(q, t, all(kQ[i]));
  const Vector bell = exp_of_number(hn::Mul(hn::Mul(x, x), all(-0.5F)));
  const Vector tail = hn::Mul(bell, hn::Mul(t, q));
  return {hn::IfThenElse(hn::Gt(x, all(0)), hn::Sub(all(1), tail), tail), bell};
}

/// Where nothing is left of the probability, -inf times it is 0, too.
Vector gelu_of(Vector x) {
  const Vector probability = normal_at(x).probability;
  const Vector product = hn::Mul(x, probability);
  return unless_nan(x, hn::IfThenElse(hn::Eq(probability, all(0)), all(-0.0F), product));
}

Vector gelu_grad_of(Vector gradient, Vector x) {
  constexpr float kDensityAt0 = std::numbers::inv_sqrtpi_v<float> / std::numbers::sqrt2_v<float>;
  const Normal normal = normal_at(x);
  const Vector density = hn::Mul(normal.bell, all(kDensityAt0));
  const Vector slope = hn::IfThenElse(hn::Eq(density, all(0)), density, hn::Mul(x, density));
  return hn::Mul(gradient, unless_nan(x, hn::Add(normal.probability, slope)));
}

/// The last elements, too few for a vector, go through memory of a vector's size, and so through
/// the same instructions.
template <class Function, class... Operands>
void for_each_vector(const Function& function, int64_t size, float* y, const Operands*... x) {
  constexpr Floats kTag;
  constexpr auto kMaxLanes = static_cast<int64_t>(hn::MaxLanes(kTag));
  const auto num_lanes = static_cast<int64_t>(hn::Lanes(kTag));
  int64_t i = 0;
  for (; i + num_lanes <= size; i += num_lanes) {
    hn::StoreU(function(hn::LoadU(kTag, x + i)...), kTag, y + i);
  }
  if (i == size) return;
  using Last = std::array<float, kMaxLanes>;
  const auto last_of = [&](const float* operand) {
    Last last{};
    std::copy(operand + i, operand + size, last.begin());
    return last;
  };
  Last last{};
  hn::StoreU(function(hn::LoadU(kTag, last_of(x).data())...), kTag, last.data());
  std::copy_n(last.begin(), size - i, y + i);
}

template <auto kFunction>
struct Call {
  template <class... Vectors>
  Vector operator()(Vectors... x) const {
    return kFunction(x...);
  }
};
template <auto kFunction, class... Operands>
void for_each_vector(int64_t size, float* y, const Operands*... x) {
  for_each_vector(Call<kFunction>(), size, y, x...);
}

struct ExpLess {
  float subtracted;
  Vector operator()(Vector x) const { return exp_of(hn::Sub(x, all(subtracted))); }
};

}  // namespace

void add_each(const float* x, double* totals, int64_t size) {
  constexpr hn::ScalableTag<double> kTag;
  constexpr hn::Rebind<float, decltype(kTag)> kFloatTag;
  const auto num_lanes = static_cast<int64_t>(hn::Lanes(kTag));
  int64_t i = 0;
  for (; i + num_lanes <= size; i += num_lanes) {
    const auto terms = hn::PromoteTo(kTag, hn::LoadU(kFloatTag, x + i));
    hn::StoreU(hn::Add(hn::LoadU(kTag, totals + i), terms), kTag, totals + i);
  }
  for (; i < size; ++i) totals[i] += static_cast<double>(x[i]);
}
void exp_each(const float* x, float* y, int64_t size) { for_each_vector<exp_of>(size, y, x); }
void exp_less_each(const float* x, float subtracted, float* y, int64_t size) {
  for_each_vector(ExpLess{subtracted}, size, y, x);
}
void log_each(const float* x, float* y, int64_t size) { for_each_vector<log_of>(size, y, x); }
void tanh_each(const float* x, float* y, int64_t size) { for_each_vector<tanh_of>(size, y, x); }
void sigmoid_each(const float* x, float* y, int64_t size) {
  for_each_vector<sigmoid_of>(size, y, x);
}
void gelu_each(const float* x, float* y, int64_t size) { for_each_vector<gelu_of>(size, y, x); }
void gelu_grad_each(const float* gradient, const float* x, float* y, int64_t size) {
  for_each_vector<gelu_grad_of>(size, y, gradient, x);
}

}  // namespace graphrt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace graphrt::cpu {
namespace {

HWY_EXPORT(add_each);
HWY_EXPORT(exp_each);
HWY_EXPORT(exp_less_each);
HWY_EXPORT(log_each);
HWY_EXPORT(tanh_each);
HWY_EXPORT(sigmoid_each);
HWY_EXPORT(gelu_each);
HWY_EXPORT(gelu_grad_each);

}  // namespace

void add_each(const float* x, double* totals, int64_t size) {
  HWY_DYNAMIC_DISPATCH(add_each)(x, totals, size);
}
void exp_each(const float* x, float* y, int64_t size) {
  HWY_DYNAMIC_DISPATCH(exp_each)(x, y, size);
}
void exp_less_each(const float* x, float subtracted, float* y, int64_t size) {
  HWY_DYNAMIC_DISPATCH(exp_less_each)(x, subtracted, y, size);
}
void log_each(const float* x, float* y, int64_t size) {
  HWY_DYNAMIC_DISPATCH(log_each)(x, y, size);
}
void tanh_each(const float* x, float* y, int64_t size) {
  HWY_DYNAMIC_DISPATCH(tanh_each)(x, y, size);
}
void sigmoid_each(const float* x, float* y, int64_t size) {
  HWY_DYNAMIC_DISPATCH(sigmoid_each)(x, y, size);
}
void gelu_each(const float* x, float* y, int64_t size) {
  HWY_DYNAMIC_DISPATCH(gelu_each)(x, y, size);
}
void gelu_grad_each(const float* gradient, const float* x, float* y, int64_t size) {
  HWY_DYNAMIC_DISPATCH(gelu_grad_each)(gradient, x, y, size);
}

}  // namespace graphrt::cpu
#endif

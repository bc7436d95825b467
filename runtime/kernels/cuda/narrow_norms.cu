// Norms of held rows of 16-bit elements, and their gradients. They are computed in f32 but for what
// a row has in common: in double they would take longer than memory does. Rows are held as memory
// holds them. Those whose squares f32 does not hold are read again, and computed in double.
#include "runtime/kernels/cuda/held_rows.cuh"
#include "runtime/kernels/cuda/norm_rows.cuh"
#include "runtime/kernels/cuda/norm_rules.cuh"
#include "runtime/kernels/cuda/prepare.h"

namespace graphrt::cuda {
namespace {

constexpr unsigned kLanesOfWarp = 0xffffffff;

/// Whether a thread of the warp says so: reductions take whole warps.
__device__ bool says_any(bool says) { return __any_sync(kLanesOfWarp, says) != 0; }

/// f(number) for the elements of the row that the thread holds, one after the other.
template <class Form, class Function>
__device__ void for_each_own(const HeldRow<Form>& row, Function f) {
#pragma unroll 1
  for (int k = 0; k < Form::kVectors; ++k) {
#pragma unroll 1
    for (int lane = 0; lane < Form::kLanes; ++lane) {
      const int i = row.at(k) + lane;
      if (i >= 0 && i < row.size()) f(i);
    }
  }
}

template <class Norm, class Form, class T>
__global__ void __launch_bounds__(kMaxHeldThreads, 2)
    normalize_narrow_rows(const HeldRows rows, const NormNumbers numbers, const T* x,
                          const BesideRows<T> gamma, const BesideRows<T> beta, T* y) {
  HeldRow<Form> row(rows);
  x += row.start();
  y += row.start();
  const float shift = Norm::shift_of(widened(x[0]));
  auto held = row.read_stored(x, shift);
  Sums sums = {0, 0};
#pragma unroll
  for (const auto& vector : held.vector) add_as_floats(sums, widened(vector), shift);
  held.keep_packed();
  sums = row.reduce(sums, AddSums{});
  RowScale scale = Norm::scale_of(sums, shift, numbers);
  const bool fits = do_floats_fit(sums) && FloatRowScale::fits(scale);
  if (says_any(!fits)) {
    sums = {0, 0};
    for_each_own(row, [&](int i) {
      sums.add_square_of(made_double(widened(x[i])) - static_cast<double>(shift));
    });
    const RowScale exact = Norm::scale_of(row.reduce(sums, AddSums{}), shift, numbers);
    if (!fits) {
      return for_each_own(row, [&](int i) {
        const float offset = beta.data != nullptr ? beta.at(i) : 0.0F;
        y[i] = narrowed<T>(static_cast<float>(exact.xhat(widened(x[i])) * gamma.at(i) + offset));
      });
    }
  }
  const FloatRowScale floats(scale);
#pragma unroll
  for (int k = 0; k < Form::kVectors; ++k) {
    auto vector = widened(held.vector[k]);
    const auto factor = gamma.template read<Form::kLanes, Form::kIsAligned>(row.at(k), row.size());
    Vector<float, Form::kLanes> offset = {};
    if (beta.data != nullptr) {
      offset = beta.template read<Form::kLanes, Form::kIsAligned>(row.at(k), row.size());
    }
#pragma unroll
    for (int i = 0; i < Form::kLanes; ++i) {
      vector.lane[i] = fmaf(floats.xhat(vector.lane[i]), factor.lane[i], offset.lane[i]);
    }
    write_vector<Form::kIsAligned>(y, row.at(k), row.size(), vector);
  }
}

template <class Norm, class T>
class NarrowNormKernel : public CudaKernel {
 public:
  NarrowNormKernel(const HeldRows& rows, const NormNumbers& numbers, ElementType beside)
      : rows_(rows), numbers_(numbers), beside_(beside) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    const auto* x = elements<T>(at.inputs[0]);
    const auto gamma = BesideRows<T>::operand(at, 1, beside_);
    const auto beta = BesideRows<T>::operand(at, 2, beside_);
    auto* y = elements<T>(at.result());
    const bool is_aligned = are_aligned(kVectorBytes, x, gamma.data, beta.data, y);
    return launch_in_form<T>(rows_, is_aligned, [&](auto form) {
      return launch_held(normalize_narrow_rows<Norm, decltype(form), T>, queue, rows_, numbers_, x,
                         gamma, beta, y);
    });
  }

 private:
  HeldRows rows_;
  NormNumbers numbers_;
  ElementType beside_;
};

/// The sums of RowGradient over some elements, those of each vector as floats.
template <class Norm>
struct FloatTerms {
  float distance = 0;
  float square = 0;
  float u = 0;
  float product = 0;

  __device__ void add(float own_u, float own_distance) {
    distance += own_distance;
    square = fmaf(own_distance, own_distance, square);
    u += own_u;
    product = fmaf(own_u, own_distance, product);
  }
  __device__ void add_to(typename RowGradient<Norm>::RowSums& sums) const {
    sums.of[0].first += made_double(distance);
    sums.of[0].second += made_double(square);
    sums.of[1].first += made_double(u);
    sums.of[1].second += made_double(product);
  }
};

/// A gradient's numbers as floats.
struct FloatRowGradient {
  float start;
  float rest;  ///< of the start
  float step;
  float factor;

  template <class Norm>
  __device__ explicit FloatRowGradient(const RowGradient<Norm>& row)
      : start(static_cast<float>(row.start)),
        rest(static_cast<float>(row.start - static_cast<double>(start))),
        step(static_cast<float>(row.step)),
        factor(static_cast<float>(row.factor)) {}

  template <class Norm>
  __device__ static bool fits(const RowGradient<Norm>& row) {
    constexpr double kLarge = 1e30;
    return row.factor < kLarge && row.factor > 1 / kLarge && fabs(row.start) < kLarge &&
           fabs(row.step) < kLarge;
  }
  __device__ float at(float u, float distance) const {
    return fmaf(-distance, step, (u - start) - rest) * factor;
  }
};

template <class Norm, class Form, class T>
__global__ void __launch_bounds__(kMaxHeldThreads, 2)
    narrow_row_gradients(const HeldRows rows, const NormNumbers numbers, const T* gradient,
                         const T* x, BesideRows<T> gamma, T* y) {
  using Gradient = RowGradient<Norm>;
  using RowSums = typename Gradient::RowSums;
  HeldRow<Form> row(rows);
  gradient += row.start();
  x += row.start();
  y += row.start();
  const float shift = Norm::shift_of(widened(x[0]));
  auto held = row.read_stored(gradient, 0);
  auto held_x = row.read_stored(x, shift);
  RowSums sums = AddManySums<2>::nothing();
  // f(u, x - shift) for the elements of a vector
  const auto for_each_term = [&](int k, auto f) {
    const auto own = widened(held.vector[k]);
    const auto own_x = widened(held_x.vector[k]);
    const auto factor = gamma.template read<Form::kLanes, Form::kIsAligned>(row.at(k), row.size());
#pragma unroll
    for (int i = 0; i < Form::kLanes; ++i) {
      f(i, own.lane[i] * factor.lane[i], own_x.lane[i] - shift);
    }
  };
#pragma unroll
  for (int k = 0; k < Form::kVectors; ++k) {
    FloatTerms<Norm> terms;
    for_each_term(k, [&](int, float u, float distance) { terms.add(u, distance); });
    terms.add_to(sums);
  }
  held.keep_packed();
  held_x.keep_packed();
  gamma.read_again();
  sums = row.reduce(sums, AddManySums<2>{});
  const Gradient row_gradient(sums, shift, numbers);
  const bool fits = do_floats_fit(sums.of[0]) && FloatRowGradient::fits(row_gradient);
  if (says_any(!fits)) {
    const auto for_each_exact = [&](auto f) {
      for_each_own(row, [&](int i) {
        f(i, made_double(widened(gradient[i])) * made_double(gamma.at(i)),
          made_double(widened(x[i])) - static_cast<double>(shift));
      });
    };
    RowSums exact = AddManySums<2>::nothing();
    for_each_exact([&](int, double u, double distance) { Gradient::add(exact, u, distance); });
    const Gradient of_row(row.reduce(exact, AddManySums<2>{}), shift, numbers);
    if (!fits) {
      return for_each_exact(
          [&](int i, double u, double distance) { y[i] = narrowed<T>(of_row.at(u, distance)); });
    }
  }
  const FloatRowGradient floats(row_gradient);
#pragma unroll
  for (int k = 0; k < Form::kVectors; ++k) {
    Vector<float, Form::kLanes> vector;
    for_each_term(k,
                  [&](int i, float u, float distance) { vector.lane[i] = floats.at(u, distance); });
    write_vector<Form::kIsAligned>(y, row.at(k), row.size(), vector);
  }
}

template <class Norm, class T>
class NarrowNormGradKernel : public CudaKernel {
 public:
  NarrowNormGradKernel(const HeldRows& rows, const NormNumbers& numbers, ElementType beside)
      : rows_(rows), numbers_(numbers), beside_(beside) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    const auto* gradient = elements<T>(at.inputs[0]);
    const auto* x = elements<T>(at.inputs[1]);
    const auto gamma = BesideRows<T>::operand(at, 2, beside_);
    auto* y = elements<T>(at.result());
    const bool is_aligned = are_aligned(kVectorBytes, gradient, x, gamma.data, y);
    return launch_in_form<T>(rows_, is_aligned, [&](auto form) {
      return launch_held(narrow_row_gradients<Norm, decltype(form), T>, queue, rows_, numbers_,
                         gradient, x, gamma, y);
    });
  }

 private:
  HeldRows rows_;
  NormNumbers numbers_;
  ElementType beside_;
};

}  // namespace

template <class Norm, class T>
KernelResult make_narrow_norm(const HeldRows& rows, const NormNumbers& numbers,
                              ElementType beside) {
  return std::make_unique<NarrowNormKernel<Norm, T>>(rows, numbers, beside);
}

template <class Norm, class T>
KernelResult make_narrow_norm_gradient(const HeldRows& rows, const NormNumbers& numbers,
                                       ElementType beside) {
  return std::make_unique<NarrowNormGradKernel<Norm, T>>(rows, numbers, beside);
}

#define GRAPHC_NARROW_NORMS(Norm, T)                                                               \
  template KernelResult make_narrow_norm<Norm, T>(const HeldRows& rows,                            \
                                                  const NormNumbers& numbers, ElementType beside); \
  template KernelResult make_narrow_norm_gradient<Norm, T>(                                        \
      const HeldRows& rows, const NormNumbers& numbers, ElementType beside);
GRAPHC_NARROW_NORMS(AboutMean, __half)
GRAPHC_NARROW_NORMS(AboutMean, __nv_bfloat16)
GRAPHC_NARROW_NORMS(RootMeanSquare, __half)
GRAPHC_NARROW_NORMS(RootMeanSquare, __nv_bfloat16)
#undef GRAPHC_NARROW_NORMS

}  // namespace graphrt::cuda

// Norms of held rows of 16-bit elements, and their gradients. They are computed in f32: in double they
// would take longer than memory does. Rows that f32 does not hold are read again, and computed in
// double.
#include "runtime/kernels/cuda/narrow_rows.cuh"

namespace graphrt::cuda {
namespace {

template <class Norm, class T, bool kIsWhole>
__global__ void __launch_bounds__(kMaxHeldThreads, 1)
    normalize_narrow_rows(const HeldRows rows, const NormNumbers numbers, bool is_aligned,
                          const T* x, const BesideRows<T> gamma, const BesideRows<T> beta, T* y) {
  NarrowRow<T, kIsWhole> row(rows, kIsWhole || is_aligned);
  x += row.start();
  y += row.start();
  NarrowScale<Norm> scale;
  NarrowFloats distances = scale.distances(row, row.read(x), x, numbers);
  const float squares = row.reduce(sum_of_squares(row, distances), AddFloats{});
  const bool fits = scale.set_factor(squares, numbers);
  if (says_any(!fits)) {
    const RowScale exact = exact_scale<Norm>(row, x, numbers);
    if (!fits) {
      return row.for_each_number([&](int i) {
        const float offset = beta.data != nullptr ? beta.at(i) : 0.0F;
        y[i] = narrowed<T>(static_cast<float>(exact.xhat(widened(x[i])) * gamma.at(i) + offset));
      });
    }
  }
#pragma unroll
  for (int k = 0; k < kMaxNarrowVectors; ++k) {
    if (!row.has(k)) continue;
    const FloatsOfVector factor = read_beside(gamma, row, k);
    FloatsOfVector offset = {};
    if (beta.data != nullptr) offset = read_beside(beta, row, k);
    FloatsOfVector& vector = distances.vector[k];
#pragma unroll
    for (int i = 0; i < kNarrowLanes; ++i) {
      vector.lane[i] =
          fmaf(__fmul_rn(vector.lane[i], scale.factor), factor.lane[i], offset.lane[i]);
    }
    row.write(y, k, vector);
  }
}

/// Of u, of distances' squares, and of u * distance.
struct NarrowGradientSums {
  float u = 0;
  float square = 0;
  float product = 0;
};

struct AddNarrowGradientSums {
  __device__ NarrowGradientSums operator()(const NarrowGradientSums& a,
                                           const NarrowGradientSums& b) const {
    return {a.u + b.u, a.square + b.square, a.product + b.product};
  }
  __device__ static NarrowGradientSums nothing() { return {}; }
};

/// u = gradient * gamma.
template <class Row>
__device__ NarrowFloats scaled_gradients(const Row& row, const NarrowHeld& gradient,
                                         const BesideRows<typename Row::Element>& gamma) {
  NarrowFloats u = {};
#pragma unroll
  for (int k = 0; k < kMaxNarrowVectors; ++k) {
    if (!row.has(k)) continue;
    const FloatsOfVector own = widened_as<typename Row::Element>(gradient.vector[k]);
    const FloatsOfVector factor = read_beside(gamma, row, k);
#pragma unroll
    for (int i = 0; i < kNarrowLanes; ++i) {
      u.vector[k].lane[i] = __fmul_rn(own.lane[i], factor.lane[i]);
    }
  }
  return u;
}

/// As RowGradient says, with distances from the mean in the place of those from an element.
template <class Norm, class T, bool kIsWhole>
__global__ void __launch_bounds__(kMaxHeldThreads, 1)
    narrow_row_gradients(const HeldRows rows, const NormNumbers numbers, bool is_aligned,
                         const T* gradient, const T* x, const BesideRows<T> gamma, const T* addend,
                         T* y) {
  NarrowRow<T, kIsWhole> row(rows, kIsWhole || is_aligned);
  gradient += row.start();
  x += row.start();
  y += row.start();
  if (addend != nullptr) addend += row.start();
  const NarrowHeld held_x = row.read(x);
  const NarrowHeld held = row.read(gradient);
  const NarrowHeld held_addend = addend != nullptr ? row.read(addend) : NarrowHeld{};
  NarrowScale<Norm> scale;
  const NarrowFloats distances = scale.distances(row, held_x, x, numbers);
  NarrowFloats u = scaled_gradients(row, held, gamma);
  NarrowGradientSums sums;
  sums.square = sum_of_squares(row, distances);
  row.for_each([&](int k, int i) {
    sums.u += u.vector[k].lane[i];
    sums.product = fmaf(u.vector[k].lane[i], distances.vector[k].lane[i], sums.product);
  });
  sums = row.reduce(sums, AddNarrowGradientSums{});
  const bool scale_fits = scale.set_factor(sums.square, numbers);
  const auto inverse_size = static_cast<float>(numbers.inverse_size);
  const float mean = Norm::kTakesMeanAway ? sums.u * inverse_size : 0;
  const float step = sums.product * inverse_size * scale.factor * scale.factor;
  constexpr float kLarge = 1e30F;
  const bool fits = scale_fits && fabsf(mean) < kLarge && fabsf(step) < kLarge;
  if (says_any(!fits)) {
    using Gradient = RowGradient<Norm>;
    const float shift = Norm::shift_of(widened(x[0]));
    const auto for_each_exact = [&](auto f) {
      row.for_each_number([&](int i) {
        f(i, made_double(widened(gradient[i])) * made_double(gamma.at(i)),
          made_double(widened(x[i])) - static_cast<double>(shift));
      });
    };
    auto exact = AddManySums<2>::nothing();
    for_each_exact([&](int, double own, double distance) { Gradient::add(exact, own, distance); });
    const Gradient of_row(row.reduce(exact, AddManySums<2>{}), shift, numbers);
    if (!fits) {
      return for_each_exact([&](int i, double own, double distance) {
        const float added = addend != nullptr ? widened(addend[i]) : 0.0F;
        y[i] = narrowed<T>(of_row.at(own, distance) + added);
      });
    }
  }
#pragma unroll
  for (int k = 0; k < kMaxNarrowVectors; ++k) {
    if (!row.has(k)) continue;
    FloatsOfVector& vector = u.vector[k];
    const FloatsOfVector added = widened_as<T>(held_addend.vector[k]);
#pragma unroll
    for (int i = 0; i < kNarrowLanes; ++i) {
      const float difference = fmaf(-distances.vector[k].lane[i], step, vector.lane[i] - mean);
      vector.lane[i] = fmaf(difference, scale.factor, added.lane[i]);
    }
    row.write(y, k, vector);
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
    const bool is_whole = have_whole_vectors(rows_.size) && is_aligned;
    return launch_held(
        is_whole ? normalize_narrow_rows<Norm, T, true> : normalize_narrow_rows<Norm, T, false>,
        queue, rows_, numbers_, is_aligned, x, gamma, beta, y);
  }

 private:
  HeldRows rows_;
  NormNumbers numbers_;
  ElementType beside_;
};

template <class Norm, class T>
class NarrowNormGradKernel : public CudaKernel {
 public:
  NarrowNormGradKernel(const HeldRows& rows, const NormNumbers& numbers, ElementType beside)
      : rows_(rows), numbers_(numbers), beside_(beside) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    const auto* gradient = elements<T>(at.inputs[0]);
    const auto* x = elements<T>(at.inputs[1]);
    const auto gamma = BesideRows<T>::operand(at, 2, beside_);
    const auto* addend = at.inputs.size() > 3 ? elements<T>(at.inputs[3]) : nullptr;
    auto* y = elements<T>(at.result());
    const bool is_aligned = are_aligned(kVectorBytes, gradient, x, gamma.data, addend, y);
    const bool is_whole = have_whole_vectors(rows_.size) && is_aligned;
    return launch_held(
        is_whole ? narrow_row_gradients<Norm, T, true> : narrow_row_gradients<Norm, T, false>,
        queue, rows_, numbers_, is_aligned, gradient, x, gamma, addend, y);
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

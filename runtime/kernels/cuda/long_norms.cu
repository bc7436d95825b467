// Norms of rows that are too long to be held in registers.
#include "runtime/kernels/cuda/norm_rows.cuh"
#include "runtime/kernels/cuda/norm_rules.cuh"
#include "runtime/kernels/cuda/prepare.h"
#include "runtime/kernels/cuda/wide_rows.cuh"

namespace graphrt::cuda {
namespace {

template <class Norm, bool kIsAligned, class T>
__global__ void __launch_bounds__(kWideThreads, wide_blocks<T>(3, 2))
    normalize_wide_rows(const WideRows rows, const NormNumbers numbers, const T* x,
                        const BesideRows<T> gamma, const BesideRows<T> beta, T* y) {
  const WideRow<T, kIsAligned> row(rows);
  constexpr int kLanes = kLanesOf<T>;
  x += row.start();
  const float shift = Norm::shift_of(widened(x[0]));
  Sums sums = {0, 0};
  row.read(x, row.size(), shift, [&](const auto& batch) {
    for (const auto& vector : batch) {
#pragma unroll
      for (const T element : vector.lane) {
        sums.add_square_of(made_double(widened(element)) - static_cast<double>(shift));
      }
    }
  });
  const RowScale scale = Norm::scale_of(row.reduce(sums, AddSums{}), shift, numbers);
  row.read_again(x, [&](auto vector, int first) {
    const auto factor = gamma.template read<kLanes, kIsAligned>(first, row.size());
    Vector<float, kLanes> offset = {};
    if (beta.data != nullptr) offset = beta.template read<kLanes, kIsAligned>(first, row.size());
#pragma unroll
    for (int i = 0; i < kLanes; ++i) {
      vector.lane[i] =
          static_cast<float>(scale.xhat(vector.lane[i]) * factor.lane[i] + offset.lane[i]);
    }
    row.write(y + row.start(), first, vector);
  });
}

template <class Norm, bool kIsAligned, class T>
__global__ void __launch_bounds__(kWideThreads, wide_blocks<T>(3, 2))
    wide_row_gradients(const WideRows rows, const NormNumbers numbers, const T* gradient,
                       const T* x, const BesideRows<T> gamma, const BesideRows<T> addends, T* y) {
  const WideRow<T, kIsAligned> row(rows);
  constexpr int kLanes = kLanesOf<T>;
  gradient += row.start();
  x += row.start();
  const float shift = Norm::shift_of(widened(x[0]));
  using Gradient = RowGradient<Norm>;
  auto sums = AddManySums<2>::nothing();
  row.read_pair(gradient, x, shift, [&](const auto& a, const auto& b, int first) {
    const auto factor = gamma.template read<kLanes, kIsAligned>(first, row.size());
#pragma unroll
    for (int i = 0; i < kLanes; ++i) {
      Gradient::add(sums, made_double(a.lane[i]) * made_double(factor.lane[i]),
                    made_double(b.lane[i]) - static_cast<double>(shift));
    }
  });
  const Gradient row_gradient(row.reduce(sums, AddManySums<2>{}), shift, numbers);
  const BesideRows<T> addend = addends.at_row(row.start());
  row.read_pair_again(gradient, x, shift, [&](auto a, const auto& b, int first) {
    const auto factor = gamma.template read<kLanes, kIsAligned>(first, row.size());
    Vector<float, kLanes> added = {};
    if (addend.data != nullptr) added = addend.template read<kLanes, kIsAligned>(first, row.size());
#pragma unroll
    for (int i = 0; i < kLanes; ++i) {
      const float own = row_gradient.at(made_double(a.lane[i]) * made_double(factor.lane[i]),
                                        made_double(b.lane[i]) - static_cast<double>(shift));
      a.lane[i] = own + added.lane[i];
    }
    row.write(y + row.start(), first, a);
  });
}

template <class Norm, class T>
class WideNormKernel : public CudaKernel {
 public:
  WideNormKernel(const WideRows& rows, const NormNumbers& numbers, ElementType beside)
      : rows_(rows), numbers_(numbers), beside_(beside) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    const auto* x = elements<T>(at.inputs[0]);
    const auto gamma = BesideRows<T>::operand(at, 1, beside_);
    const auto beta = BesideRows<T>::operand(at, 2, beside_);
    auto* y = elements<T>(at.result());
    const bool is_aligned = are_aligned(kVectorBytes, x, gamma.data, beta.data, y);
    return launch_wide(
        is_aligned ? normalize_wide_rows<Norm, true, T> : normalize_wide_rows<Norm, false, T>,
        queue, rows_, numbers_, x, gamma, beta, y);
  }

 private:
  WideRows rows_;
  NormNumbers numbers_;
  ElementType beside_;
};

template <class Norm, class T>
class WideNormGradKernel : public CudaKernel {
 public:
  WideNormGradKernel(const WideRows& rows, const NormNumbers& numbers, ElementType beside)
      : rows_(rows), numbers_(numbers), beside_(beside) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    const auto* gradient = elements<T>(at.inputs[0]);
    const auto* x = elements<T>(at.inputs[1]);
    const auto gamma = BesideRows<T>::operand(at, 2, beside_);
    const auto addends = BesideRows<T>::rows_of_operand(at, 3);
    auto* y = elements<T>(at.result());
    const bool is_aligned = are_aligned(kVectorBytes, gradient, x, gamma.data, addends.data, y);
    return launch_wide(
        is_aligned ? wide_row_gradients<Norm, true, T> : wide_row_gradients<Norm, false, T>, queue,
        rows_, numbers_, gradient, x, gamma, addends, y);
  }

 private:
  WideRows rows_;
  NormNumbers numbers_;
  ElementType beside_;
};

// Rows of more elements than 32 bits count.

template <class Norm, class T>
__global__ void normalize_long_rows(const NormRows rows, const T* x, const BesideRows<T> gamma,
                                    const BesideRows<T> beta, T* y) {
  const OwnRow row(rows);
  const RowScale scale = scale_of_long_row<Norm>(x + row.start, row, rows.numbers);
  for (int64_t i = row.team.lane(); i < row.size; i += row.team.width()) {
    const float shift = beta.data != nullptr ? beta.at(i) : 0.0F;
    const double xhat = scale.xhat(widened(x[row.start + i]));
    y[row.start + i] = narrowed<T>(static_cast<float>(xhat * gamma.at(i) + shift));
  }
}

template <class Norm, class T>
class LongNormKernel : public CudaKernel {
 public:
  LongNormKernel(const NormRows& rows, ElementType beside) : rows_(rows), beside_(beside) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    normalize_long_rows<Norm><<<rows_.num_blocks(), kThreadsPerBlock, 0, queue.stream>>>(
        rows_, elements<T>(at.inputs[0]), BesideRows<T>::operand(at, 1, beside_),
        BesideRows<T>::operand(at, 2, beside_), elements<T>(at.result()));
    CUDA_TRY(cudaGetLastError());
    return {};
  }

 private:
  NormRows rows_;
  ElementType beside_;
};

template <class Norm, class T>
__global__ void long_row_gradients(const NormRows rows, const T* gradient, const T* x,
                                   const BesideRows<T> gamma, const BesideRows<T> addends, T* y) {
  const OwnRow row(rows);
  gradient += row.start;
  x += row.start;
  const RowScale scale = scale_of_long_row<Norm>(x, row, rows.numbers);
  Sums sums = {0, 0};
#pragma unroll 4
  for (int64_t i = row.team.lane(); i < row.size; i += row.team.width()) {
    const double u = static_cast<double>(widened(gradient[i])) * gamma.at(i);
    sums.first += u;
    sums.second += u * scale.xhat(widened(x[i]));
  }
  sums = row.team.reduce(sums, AddSums{});
  const double offset = Norm::kTakesMeanAway ? sums.first * rows.numbers.inverse_size : 0;
  const double slope = sums.second * rows.numbers.inverse_size;
  const BesideRows<T> addend = addends.at_row(row.start);
  for (int64_t i = row.team.lane(); i < row.size; i += row.team.width()) {
    const double u = static_cast<double>(widened(gradient[i])) * gamma.at(i);
    const double own = (u - offset - scale.xhat(widened(x[i])) * slope) * scale.factor;
    const float added = addend.data != nullptr ? addend.at(i) : 0.0F;
    y[row.start + i] = narrowed<T>(static_cast<float>(own) + added);
  }
}

template <class Norm, class T>
class LongNormGradKernel : public CudaKernel {
 public:
  LongNormGradKernel(const NormRows& rows, ElementType beside) : rows_(rows), beside_(beside) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    long_row_gradients<Norm><<<rows_.num_blocks(), kThreadsPerBlock, 0, queue.stream>>>(
        rows_, elements<T>(at.inputs[0]), elements<T>(at.inputs[1]),
        BesideRows<T>::operand(at, 2, beside_), BesideRows<T>::rows_of_operand(at, 3),
        elements<T>(at.result()));
    CUDA_TRY(cudaGetLastError());
    return {};
  }

 private:
  NormRows rows_;
  ElementType beside_;
};

}  // namespace

template <class Norm, class T>
KernelResult make_long_norm(const NormRows& rows, ElementType beside) {
  if (!are_wide_rows_possible(rows.num_rows, rows.size)) {
    return std::make_unique<LongNormKernel<Norm, T>>(rows, beside);
  }
  TRY(allow_kept_bytes(normalize_wide_rows<Norm, true, T>));
  TRY(allow_kept_bytes(normalize_wide_rows<Norm, false, T>));
  return std::make_unique<WideNormKernel<Norm, T>>(
      wide_rows_of(rows.num_rows, rows.size, kLanesOf<T>, 1), rows.numbers, beside);
}

template <class Norm, class T>
KernelResult make_long_norm_gradient(const NormRows& rows, ElementType beside) {
  if (!are_wide_rows_possible(rows.num_rows, rows.size)) {
    return std::make_unique<LongNormGradKernel<Norm, T>>(rows, beside);
  }
  TRY(allow_kept_bytes(wide_row_gradients<Norm, true, T>));
  TRY(allow_kept_bytes(wide_row_gradients<Norm, false, T>));
  return std::make_unique<WideNormGradKernel<Norm, T>>(
      wide_rows_of(rows.num_rows, rows.size, kLanesOf<T>, 2), rows.numbers, beside);
}

#define GRAPHC_LONG_NORMS(Norm, T)                                                         \
  template KernelResult make_long_norm<Norm, T>(const NormRows& rows, ElementType beside); \
  template KernelResult make_long_norm_gradient<Norm, T>(const NormRows& rows, ElementType beside);
GRAPHC_LONG_NORMS(AboutMean, float)
GRAPHC_LONG_NORMS(AboutMean, __half)
GRAPHC_LONG_NORMS(AboutMean, __nv_bfloat16)
GRAPHC_LONG_NORMS(RootMeanSquare, float)
GRAPHC_LONG_NORMS(RootMeanSquare, __half)
GRAPHC_LONG_NORMS(RootMeanSquare, __nv_bfloat16)
#undef GRAPHC_LONG_NORMS

}  // namespace graphrt::cuda

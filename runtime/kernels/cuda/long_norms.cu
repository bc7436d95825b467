// Norms of rows that are too long to be held in registers.
#include "runtime/kernels/cuda/norm_rows.cuh"
#include "runtime/kernels/cuda/norm_rules.cuh"
#include "runtime/kernels/cuda/prepare.h"
#include "runtime/kernels/cuda/wide_rows.cuh"

namespace graphrt::cuda {
namespace {

template <class Norm, bool kIsAligned, class T>
__global__ void __launch_bounds__(kWideThreads, 3)
    normalize_wide_rows(const WideRows rows, const NormNumbers numbers, const T* x, const T* gamma,
                        const T* beta, T* y) {
  const WideRow<kIsAligned> row(rows);
  x += row.start();
  const float shift = Norm::shift_of(widened(x[0]));
  Sums sums = {0, 0};
  row.read(x, row.size(), shift, [&](const auto& batch) {
    for (const FloatVector& vector : batch) {
#pragma unroll
      for (const float element : vector.lane) {
        sums.add_square_of(made_double(element) - static_cast<double>(shift));
      }
    }
  });
  const RowScale scale = Norm::scale_of(row.reduce(sums, AddSums{}), shift, numbers);
  row.read_again(x, [&](FloatVector vector, int first) {
    const auto factor = read_beside_row<kIsAligned>(gamma, first, row.size());
    FloatVector offset = {};
    if (beta != nullptr) offset = read_beside_row<kIsAligned>(beta, first, row.size());
#pragma unroll
    for (int i = 0; i < kWidest; ++i) {
      vector.lane[i] =
          static_cast<float>(scale.xhat(vector.lane[i]) * factor.lane[i] + offset.lane[i]);
    }
    row.write(y + row.start(), first, vector);
  });
}

template <class Norm, bool kIsAligned, class T>
__global__ void __launch_bounds__(kWideThreads, 3)
    wide_row_gradients(const WideRows rows, const NormNumbers numbers, const T* gradient,
                       const T* x, const T* gamma, T* y) {
  const WideRow<kIsAligned> row(rows);
  gradient += row.start();
  x += row.start();
  const float shift = Norm::shift_of(widened(x[0]));
  using Gradient = RowGradient<Norm>;
  auto sums = AddManySums<2>::nothing();
  row.read_pair(gradient, x, shift, [&](const FloatVector& a, const FloatVector& b, int first) {
    const auto factor = read_beside_row<kIsAligned>(gamma, first, row.size());
#pragma unroll
    for (int i = 0; i < kWidest; ++i) {
      Gradient::add(sums, made_double(a.lane[i]) * made_double(factor.lane[i]),
                    made_double(b.lane[i]) - static_cast<double>(shift));
    }
  });
  const Gradient row_gradient(row.reduce(sums, AddManySums<2>{}), shift, numbers);
  row.read_pair_again(gradient, x, shift, [&](FloatVector a, const FloatVector& b, int first) {
    const auto factor = read_beside_row<kIsAligned>(gamma, first, row.size());
#pragma unroll
    for (int i = 0; i < kWidest; ++i) {
      a.lane[i] = row_gradient.at(made_double(a.lane[i]) * made_double(factor.lane[i]),
                                  made_double(b.lane[i]) - static_cast<double>(shift));
    }
    row.write(y + row.start(), first, a);
  });
}

template <class Norm>
class WideNormKernel : public CudaKernel {
 public:
  WideNormKernel(const WideRows& rows, const NormNumbers& numbers)
      : rows_(rows), numbers_(numbers) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    const auto* x = elements<float>(at.inputs[0]);
    const auto* gamma = elements<float>(at.inputs[1]);
    const auto* beta = at.inputs.size() > 2 ? elements<float>(at.inputs[2]) : nullptr;
    auto* y = elements<float>(at.result());
    const bool is_aligned = are_aligned(kVectorBytes, x, gamma, beta, y);
    return launch_wide(is_aligned ? normalize_wide_rows<Norm, true, float>
                                  : normalize_wide_rows<Norm, false, float>,
                       queue, rows_, numbers_, x, gamma, beta, y);
  }

 private:
  WideRows rows_;
  NormNumbers numbers_;
};

template <class Norm>
class WideNormGradKernel : public CudaKernel {
 public:
  WideNormGradKernel(const WideRows& rows, const NormNumbers& numbers)
      : rows_(rows), numbers_(numbers) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    const auto* gradient = elements<float>(at.inputs[0]);
    const auto* x = elements<float>(at.inputs[1]);
    const auto* gamma = elements<float>(at.inputs[2]);
    auto* y = elements<float>(at.result());
    const bool is_aligned = are_aligned(kVectorBytes, gradient, x, gamma, y);
    return launch_wide(
        is_aligned ? wide_row_gradients<Norm, true, float> : wide_row_gradients<Norm, false, float>,
        queue, rows_, numbers_, gradient, x, gamma, y);
  }

 private:
  WideRows rows_;
  NormNumbers numbers_;
};

// Rows of more elements than 32 bits count.

template <class Norm>
__global__ void normalize_long_rows(const NormRows rows, const float* x, const float* gamma,
                                    const float* beta, float* y) {
  const OwnRow row(rows);
  const RowScale scale = scale_of_long_row<Norm>(x + row.start, row, rows.numbers);
  for (int64_t i = row.team.lane(); i < row.size; i += row.team.width()) {
    const float shift = beta != nullptr ? beta[i] : 0.0F;
    y[row.start + i] = static_cast<float>(scale.xhat(x[row.start + i]) * gamma[i] + shift);
  }
}

template <class Norm>
class LongNormKernel : public CudaKernel {
 public:
  explicit LongNormKernel(const NormRows& rows) : rows_(rows) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    const auto* beta = at.inputs.size() > 2 ? elements<float>(at.inputs[2]) : nullptr;
    normalize_long_rows<Norm><<<rows_.num_blocks(), kThreadsPerBlock, 0, queue.stream>>>(
        rows_, elements<float>(at.inputs[0]), elements<float>(at.inputs[1]), beta,
        elements<float>(at.result()));
    CUDA_TRY(cudaGetLastError());
    return {};
  }

 private:
  NormRows rows_;
};

template <class Norm>
__global__ void long_row_gradients(const NormRows rows, const float* gradient, const float* x,
                                   const float* gamma, float* y) {
  const OwnRow row(rows);
  gradient += row.start;
  x += row.start;
  const RowScale scale = scale_of_long_row<Norm>(x, row, rows.numbers);
  Sums sums = {0, 0};
#pragma unroll 4
  for (int64_t i = row.team.lane(); i < row.size; i += row.team.width()) {
    const double u = static_cast<double>(gradient[i]) * gamma[i];
    sums.first += u;
    sums.second += u * scale.xhat(x[i]);
  }
  sums = row.team.reduce(sums, AddSums{});
  const double offset = Norm::kTakesMeanAway ? sums.first * rows.numbers.inverse_size : 0;
  const double slope = sums.second * rows.numbers.inverse_size;
  for (int64_t i = row.team.lane(); i < row.size; i += row.team.width()) {
    const double u = static_cast<double>(gradient[i]) * gamma[i];
    y[row.start + i] = static_cast<float>((u - offset - scale.xhat(x[i]) * slope) * scale.factor);
  }
}

template <class Norm>
class LongNormGradKernel : public CudaKernel {
 public:
  explicit LongNormGradKernel(const NormRows& rows) : rows_(rows) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    long_row_gradients<Norm><<<rows_.num_blocks(), kThreadsPerBlock, 0, queue.stream>>>(
        rows_, elements<float>(at.inputs[0]), elements<float>(at.inputs[1]),
        elements<float>(at.inputs[2]), elements<float>(at.result()));
    CUDA_TRY(cudaGetLastError());
    return {};
  }

 private:
  NormRows rows_;
};

}  // namespace

template <class Norm>
KernelResult make_long_norm(const NormRows& rows) {
  if (!are_wide_rows_possible(rows.num_rows, rows.size)) {
    return std::make_unique<LongNormKernel<Norm>>(rows);
  }
  TRY(allow_kept_bytes(normalize_wide_rows<Norm, true, float>));
  TRY(allow_kept_bytes(normalize_wide_rows<Norm, false, float>));
  return std::make_unique<WideNormKernel<Norm>>(wide_rows_of(rows.num_rows, rows.size, 1),
                                                rows.numbers);
}

template <class Norm>
KernelResult make_long_norm_gradient(const NormRows& rows) {
  if (!are_wide_rows_possible(rows.num_rows, rows.size)) {
    return std::make_unique<LongNormGradKernel<Norm>>(rows);
  }
  TRY(allow_kept_bytes(wide_row_gradients<Norm, true, float>));
  TRY(allow_kept_bytes(wide_row_gradients<Norm, false, float>));
  return std::make_unique<WideNormGradKernel<Norm>>(wide_rows_of(rows.num_rows, rows.size, 2),
                                                    rows.numbers);
}

template KernelResult make_long_norm<AboutMean>(const NormRows& rows);
template KernelResult make_long_norm<RootMeanSquare>(const NormRows& rows);
template KernelResult make_long_norm_gradient<AboutMean>(const NormRows& rows);
template KernelResult make_long_norm_gradient<RootMeanSquare>(const NormRows& rows);

}  // namespace graphrt::cuda

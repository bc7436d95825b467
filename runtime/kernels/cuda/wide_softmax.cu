// Softmax and its gradient for rows that are too long to be held in registers.
#include "runtime/kernels/cuda/exp_sum.cuh"
#include "runtime/kernels/cuda/prepare.h"
#include "runtime/kernels/cuda/softmax_forms.cuh"
#include "runtime/kernels/cuda/totals.cuh"
#include "runtime/kernels/cuda/wide_rows.cuh"

namespace graphrt::cuda {
namespace {

template <bool kIsAligned, class T>
__global__ void __launch_bounds__(kWideThreads, wide_blocks<T>(4, 3))
    softmax_of_wide_rows(const WideRows rows, int64_t num_causal_rows, const T* x, T* y) {
  const WideRow<T, kIsAligned> row(rows);
  x += row.start();
  y += row.start();
  const auto num_used = static_cast<int>(num_used_of(row.number(), row.size(), num_causal_rows));
  const ExpSum sum = exp_sum_of_wide(row, num_used, x);
  const auto factor = static_cast<float>(1 / sum.total);
  row.read_again(x, [&](auto vector, int first) {
#pragma unroll
    for (int i = 0; i < kLanesOf<T>; ++i) {
      float& element = vector.lane[i];
      element = first + i < num_used ? exp_of<T>(element - sum.largest) * factor : 0.0F;
    }
    row.write(y, first, vector);
  });
}

template <bool kIsAligned, class T>
__global__ void __launch_bounds__(kWidestThreads, wide_blocks<T>(2, 1))
    softmax_gradients_of_wide_rows(const WideRows rows, const T* gradient, const T* y, T* result) {
  const WideRow<T, kIsAligned> row(rows);
  gradient += row.start();
  y += row.start();
  result += row.start();
  double total = 0;
  row.read_pair(gradient, y, 0, [&](const auto& a, const auto& b, int) {
    if constexpr (kAreNarrow<T>) {
      total += made_double(sum_of_products(a, b));
    } else {
#pragma unroll
      for (int i = 0; i < kWidest; ++i) {
        total += static_cast<double>(a.lane[i]) * static_cast<double>(b.lane[i]);
      }
    }
  });
  const SoftmaxMean<T> mean(row.reduce(total, Plus{}));
  row.read_pair_again(gradient, y, 0, [&](auto vector, const auto& other, int first) {
#pragma unroll
    for (int i = 0; i < kLanesOf<T>; ++i) {
      vector.lane[i] = mean.gradient(vector.lane[i], other.lane[i]);
    }
    row.write(result, first, vector);
  });
}

template <class T>
class WideSoftmaxKernel : public CudaKernel {
 public:
  WideSoftmaxKernel(const WideRows& rows, int64_t num_causal_rows)
      : rows_(rows), num_causal_rows_(num_causal_rows) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    const auto* x = elements<T>(at.inputs[0]);
    auto* y = elements<T>(at.result());
    const bool is_aligned = are_aligned(kVectorBytes, x, y);
    return launch_wide(is_aligned ? softmax_of_wide_rows<true, T> : softmax_of_wide_rows<false, T>,
                       queue, rows_, num_causal_rows_, x, y);
  }

 private:
  WideRows rows_;
  int64_t num_causal_rows_;
};

template <class T>
class WideSoftmaxGradKernel : public CudaKernel {
 public:
  explicit WideSoftmaxGradKernel(const WideRows& rows) : rows_(rows) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    const auto* gradient = elements<T>(at.inputs[0]);
    const auto* y = elements<T>(at.inputs[1]);
    auto* result = elements<T>(at.result());
    const bool is_aligned = are_aligned(kVectorBytes, gradient, y, result);
    return launch_wide(is_aligned ? softmax_gradients_of_wide_rows<true, T>
                                  : softmax_gradients_of_wide_rows<false, T>,
                       queue, rows_, gradient, y, result);
  }

 private:
  WideRows rows_;
};

}  // namespace

template <class T>
KernelResult make_wide_softmax(int64_t num_rows, int64_t size, int64_t num_causal_rows) {
  TRY(allow_kept_bytes(softmax_of_wide_rows<true, T>));
  TRY(allow_kept_bytes(softmax_of_wide_rows<false, T>));
  return std::make_unique<WideSoftmaxKernel<T>>(wide_rows_of(num_rows, size, kLanesOf<T>, 1),
                                                num_causal_rows);
}

template <class T>
KernelResult make_wide_softmax_grad(int64_t num_rows, int64_t size) {
  TRY(allow_kept_bytes(softmax_gradients_of_wide_rows<true, T>));
  TRY(allow_kept_bytes(softmax_gradients_of_wide_rows<false, T>));
  return std::make_unique<WideSoftmaxGradKernel<T>>(
      wide_rows_of(num_rows, size, kLanesOf<T>, 2, kWidestThreads));
}

#define GRAPHC_WIDE_SOFTMAX(T)                                               \
  template KernelResult make_wide_softmax<T>(int64_t num_rows, int64_t size, \
                                             int64_t num_causal_rows);       \
  template KernelResult make_wide_softmax_grad<T>(int64_t num_rows, int64_t size);
GRAPHC_WIDE_SOFTMAX(float)
GRAPHC_WIDE_SOFTMAX(__half)
GRAPHC_WIDE_SOFTMAX(__nv_bfloat16)
#undef GRAPHC_WIDE_SOFTMAX

}  // namespace graphrt::cuda

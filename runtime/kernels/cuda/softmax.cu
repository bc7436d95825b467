// Softmax and its gradient, row by row.
#include "runtime/kernels/cuda/device_types.cuh"
#include "runtime/kernels/cuda/exp_sum.cuh"
#include "runtime/kernels/cuda/held_rows.cuh"
#include "runtime/kernels/cuda/prepare.h"
#include "runtime/kernels/cuda/rows.cuh"
#include "runtime/kernels/cuda/short_rows.cuh"
#include "runtime/kernels/cuda/softmax_forms.cuh"
#include "runtime/kernels/cuda/totals.cuh"
#include "runtime/kernels/cuda/wide_rows.cuh"

namespace graphrt::cuda {
namespace {

template <class Form, class T>
__global__ void __launch_bounds__(kMaxHeldThreads, kAreNarrow<T> ? 3 : 2)
    softmax_of_held_rows(const HeldRows rows, int64_t num_causal_rows, const T* x, T* y) {
  HeldRow<Form> row(rows);
  const auto num_used = static_cast<int>(num_used_of(row.number(), row.size(), num_causal_rows));
  HeldElements<Form> held = row.read(x + row.start(), num_used, -kInfinity);
  float largest = -kInfinity;
  for_each_held(row, held, [&](float element, int) { largest = fmaxf(largest, element); });
  largest = row.reduce(largest, MaxOfFloats{});
  const double total = row.reduce(exponentiate<T>(held, largest), Plus{});
  const auto factor = static_cast<float>(1 / total);
  for_each_held(row, held,
                [&](float& element, int i) { element = i < num_used ? element * factor : 0.0F; });
  row.write(y + row.start(), held);
}

template <class T>
__global__ void __launch_bounds__(kThreadsPerBlock)
    softmax_of_short_rows(const ShortRows rows, int64_t num_causal_rows, const T* x, T* y) {
  __shared__ ShortRowTile<float> tile;
  tile.read(rows, x);
  __syncthreads();
  const auto row = static_cast<int>(threadIdx.x);
  if (row < rows.rows_in_tile()) {
    const auto num_used =
        static_cast<int>(num_used_of(rows.first_row() + row, rows.size, num_causal_rows));
    const int start = row * rows.size;
    float largest = -kInfinity;
#pragma unroll 8
    for (int i = 0; i < num_used; ++i) largest = fmaxf(largest, tile.at(start + i));
    double total = 0;
#pragma unroll 4
    for (int i = 0; i < num_used; ++i) {
      const float power = expf(tile.at(start + i) - largest);
      tile.at(start + i) = power;
      total += static_cast<double>(power);
    }
    const auto factor = static_cast<float>(1 / total);
#pragma unroll 8
    for (int i = 0; i < rows.size; ++i) {
      float& element = tile.at(start + i);
      element = i < num_used ? element * factor : 0.0F;
    }
  }
  __syncthreads();
  tile.write(rows, y);
}

// A team alone reads what it overwrites if the result takes the bytes of an operand, and has read
// it all before it writes.

/// Held as memory holds it: as floats, it would leave registers for half as many rows.
template <class Form, class T>
__device__ void softmax_gradients_of_narrow_row(HeldRow<Form>& row, const T* gradient, const T* y,
                                                T* result) {
  auto held = row.read_stored(gradient + row.start(), 0);
  auto held_y = row.read_stored(y + row.start(), 0);
  double total = 0;
#pragma unroll
  for (int k = 0; k < Form::kVectors; ++k) {
    total += made_double(sum_of_products(widened(held.vector[k]), widened(held_y.vector[k])));
  }
  held.keep_packed();
  held_y.keep_packed();
  const SoftmaxMean<T> mean(row.reduce(total, Plus{}));
#pragma unroll
  for (int k = 0; k < Form::kVectors; ++k) {
    auto vector = widened(held.vector[k]);
    const auto other = widened(held_y.vector[k]);
#pragma unroll
    for (int i = 0; i < Form::kLanes; ++i) {
      vector.lane[i] = mean.gradient(vector.lane[i], other.lane[i]);
    }
    write_vector<Form::kIsAligned>(result + row.start(), row.at(k), row.size(), vector);
  }
}

template <class Form, class T>
__global__ void __launch_bounds__(kMaxHeldThreads, 2)
    softmax_gradients_of_held_rows(const HeldRows rows, const T* gradient, const T* y, T* result) {
  HeldRow<Form> row(rows);
  if constexpr (kAreNarrow<T>) {
    return softmax_gradients_of_narrow_row(row, gradient, y, result);
  }
  HeldElements<Form> held = row.read(gradient + row.start(), row.size(), 0);
  const HeldElements<Form> held_y = row.read(y + row.start(), row.size(), 0);
  double total = 0;
  for_each_pair(held, held_y, [&](float element, float element_of_y) {
    total += made_double(element) * made_double(element_of_y);
  });
  const double mean = row.reduce(total, Plus{});
  for_each_pair(held, held_y, [&](float& element, float element_of_y) {
    element = softmax_gradient(element, element_of_y, mean);
  });
  row.write(result + row.start(), held);
}

template <class T>
__global__ void __launch_bounds__(kThreadsPerBlock)
    softmax_gradients_of_short_rows(const ShortRows rows, const T* gradient, const T* y,
                                    T* result) {
  __shared__ ShortRowTile<float> tile;
  __shared__ ShortRowTile<float> tile_of_y;
  tile.read(rows, gradient);
  tile_of_y.read(rows, y);
  __syncthreads();
  const auto row = static_cast<int>(threadIdx.x);
  if (row < rows.rows_in_tile()) {
    const int start = row * rows.size;
    double mean = 0;
#pragma unroll 4
    for (int i = start; i < start + rows.size; ++i) {
      mean += static_cast<double>(tile.at(i)) * static_cast<double>(tile_of_y.at(i));
    }
#pragma unroll 4
    for (int i = start; i < start + rows.size; ++i) {
      tile.at(i) = softmax_gradient(tile.at(i), tile_of_y.at(i), mean);
    }
  }
  __syncthreads();
  tile.write(rows, result);
}

template <class T>
class SoftmaxKernel : public CudaKernel {
 public:
  SoftmaxKernel(const HeldRows& rows, int64_t num_causal_rows)
      : rows_(rows), num_causal_rows_(num_causal_rows) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    const auto* x = elements<T>(at.inputs[0]);
    auto* y = elements<T>(at.result());
    if (are_short(rows_.size)) {
      const ShortRows rows = short_rows_of(rows_.num_rows, rows_.size);
      softmax_of_short_rows<<<rows.num_blocks(), kThreadsPerBlock, 0, queue.stream>>>(
          rows, num_causal_rows_, x, y);
      CUDA_TRY(cudaGetLastError());
      return {};
    }
    return launch_in_form<T>(rows_, are_aligned(kVectorBytes, x, y), [&](auto form) {
      return launch_held(softmax_of_held_rows<decltype(form), T>, queue, rows_, num_causal_rows_, x,
                         y);
    });
  }

 private:
  HeldRows rows_;
  int64_t num_causal_rows_;
};

template <class T>
class SoftmaxGradKernel : public CudaKernel {
 public:
  explicit SoftmaxGradKernel(const HeldRows& rows) : rows_(rows) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    const auto* gradient = elements<T>(at.inputs[0]);
    const auto* y = elements<T>(at.inputs[1]);
    auto* result = elements<T>(at.result());
    if (are_short(rows_.size)) {
      const ShortRows rows = short_rows_of(rows_.num_rows, rows_.size);
      softmax_gradients_of_short_rows<<<rows.num_blocks(), kThreadsPerBlock, 0, queue.stream>>>(
          rows, gradient, y, result);
      CUDA_TRY(cudaGetLastError());
      return {};
    }
    return launch_in_form<T>(rows_, are_aligned(kVectorBytes, gradient, y, result), [&](auto form) {
      return launch_held(softmax_gradients_of_held_rows<decltype(form), T>, queue, rows_, gradient,
                         y, result);
    });
  }

 private:
  HeldRows rows_;
};

// Rows along other axes.

template <class T>
__global__ void softmax_by_reading_twice(const Rows rows, int64_t num_causal_rows, const T* x,
                                         T* y) {
  const Team team(rows.layout);
  const int64_t row = int64_t{blockIdx.x} * rows.layout.teams_per_block() + team.index();
  const int64_t size = row < rows.num_rows ? rows.split.size : 0;
  const int64_t num_used = num_used_of(row, size, num_causal_rows);
  const int64_t start = size > 0 ? rows.start_of(row) : 0;
  const int64_t stride = rows.split.inner;
  const ExpSum sum = exp_sum_of(x + start, num_used, stride, team);
  const auto factor = static_cast<float>(1 / sum.total);
  for (int64_t i = team.lane(); i < size; i += team.width()) {
    const int64_t at = start + i * stride;
    y[at] = narrowed<T>(i < num_used ? expf(widened(x[at]) - sum.largest) * factor : 0.0F);
  }
}

template <class T>
class StridedSoftmaxKernel : public CudaKernel {
 public:
  StridedSoftmaxKernel(const Rows& rows, int64_t num_causal_rows)
      : rows_(rows), num_causal_rows_(num_causal_rows) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    softmax_by_reading_twice<<<rows_.num_blocks(), kThreadsPerBlock, 0, queue.stream>>>(
        rows_, num_causal_rows_, elements<T>(at.inputs[0]), elements<T>(at.result()));
    CUDA_TRY(cudaGetLastError());
    return {};
  }

 private:
  Rows rows_;
  int64_t num_causal_rows_;
};

template <class T>
__global__ void softmax_gradients_by_reading_twice(const Rows rows, const T* gradient, const T* y,
                                                   T* result) {
  const Team team(rows.layout);
  const int64_t row = int64_t{blockIdx.x} * rows.layout.teams_per_block() + team.index();
  const int64_t size = row < rows.num_rows ? rows.split.size : 0;
  const int64_t start = size > 0 ? rows.start_of(row) : 0;
  const int64_t stride = rows.split.inner;
  double total = 0;
#pragma unroll 4
  for (int64_t i = team.lane(); i < size; i += team.width()) {
    const int64_t at = start + i * stride;
    total += static_cast<double>(widened(gradient[at])) * static_cast<double>(widened(y[at]));
  }
  // In double: the difference may cancel out, or be too large for f32.
  const double mean = team.reduce(total, Plus{});
  for (int64_t i = team.lane(); i < size; i += team.width()) {
    const int64_t at = start + i * stride;
    const double difference = static_cast<double>(widened(gradient[at])) - mean;
    result[at] = narrowed<T>(static_cast<float>(widened(y[at]) * difference));
  }
}

template <class T>
class StridedSoftmaxGradKernel : public CudaKernel {
 public:
  explicit StridedSoftmaxGradKernel(const Rows& rows) : rows_(rows) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    softmax_gradients_by_reading_twice<<<rows_.num_blocks(), kThreadsPerBlock, 0, queue.stream>>>(
        rows_, elements<T>(at.inputs[0]), elements<T>(at.inputs[1]), elements<T>(at.result()));
    CUDA_TRY(cudaGetLastError());
    return {};
  }

 private:
  Rows rows_;
};

template <class T>
KernelResult make_softmax(const KernelSpec& spec) {
  const Shape& shape = spec.result().shape;
  const int64_t axis = spec.attributes.integer("axis", -1);
  const AxisSplit split = split_at(shape, axis);
  const int64_t num_causal_rows = spec.attributes.flag("causal") ? shape[shape.size() - 2] : 0;
  if (split.inner == 1) {
    const auto held = held_rows_of(split.outer, split.size, kLanesOf<T>);
    if (held) return std::make_unique<SoftmaxKernel<T>>(*held, num_causal_rows);
    if (are_wide_rows_possible(split.outer, split.size)) {
      return make_wide_softmax<T>(split.outer, split.size, num_causal_rows);
    }
  }
  const auto columns = softmax_columns_of(split);
  if (columns && num_causal_rows == 0) return make_softmax_columns<T>(*columns);
  return std::make_unique<StridedSoftmaxKernel<T>>(rows_of(shape, axis), num_causal_rows);
}

template <class T>
KernelResult make_softmax_gradient(const KernelSpec& spec) {
  const Shape& shape = spec.result().shape;
  const int64_t axis = spec.attributes.integer("axis", -1);
  const AxisSplit split = split_at(shape, axis);
  if (split.inner == 1) {
    const auto held = held_rows_of(split.outer, split.size, kLanesOf<T>);
    if (held) return std::make_unique<SoftmaxGradKernel<T>>(*held);
    if (are_wide_rows_possible(split.outer, split.size)) {
      return make_wide_softmax_grad<T>(split.outer, split.size);
    }
  }
  const auto columns = softmax_columns_of(split);
  if (columns) return make_softmax_grad_columns<T>(*columns);
  return std::make_unique<StridedSoftmaxGradKernel<T>>(rows_of(shape, axis));
}

}  // namespace

KernelResult prepare_softmax(const KernelSpec& spec) {
  return with_device_float(spec.result().element, [&](auto tag) {
    return make_softmax<typename decltype(tag)::Type>(spec);
  });
}

KernelResult prepare_softmax_grad(const KernelSpec& spec) {
  return with_device_float(spec.result().element, [&](auto tag) {
    return make_softmax_gradient<typename decltype(tag)::Type>(spec);
  });
}

}  // namespace graphrt::cuda

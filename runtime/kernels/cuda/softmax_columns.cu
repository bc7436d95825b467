#include "runtime/kernels/cuda/softmax_forms.cuh"

#include "runtime/kernels/cuda/storage.cuh"

namespace graphrt::cuda {
namespace {

constexpr int kMaxColumnThreads = 512;
constexpr int kColumnBatch = 8;

/// The calling thread's row, and which elements of it the thread takes: every num_lanes-th.
class ColumnPart {
 public:
  __device__ explicit ColumnPart(const SoftmaxColumns& columns)
      : columns_(columns),
        number_(static_cast<int>(threadIdx.x) % columns.width),
        lane_(static_cast<int>(threadIdx.x) / columns.width),
        num_lanes_(static_cast<int>(blockDim.x) / columns.width) {
    const unsigned outer = blockIdx.x / columns.num_tiles;
    const int64_t neighbour =
        int64_t{blockIdx.x - outer * columns.num_tiles} * columns.width + number_;
    size_ = neighbour < columns.inner ? columns.size : 0;
    start_ = size_ > 0 ? int64_t{outer} * columns.size * columns.inner + neighbour : 0;
  }

  /// f(batch) for the elements of x, with `otherwise` behind the last; keeps them.
  template <class T, class Function>
  __device__ void read(const T* x, float otherwise, Function f) const {
    float* kept = kept_elements();
    for (int first = lane_; first < size_; first += kColumnBatch * num_lanes_) {
      float batch[kColumnBatch];
#pragma unroll
      for (int k = 0; k < kColumnBatch; ++k) {
        const int i = first + k * num_lanes_;
        batch[k] = i < size_ ? widened(x[at(i)]) : otherwise;
      }
#pragma unroll
      for (int k = 0; k < kColumnBatch; ++k) {
        const int i = first + k * num_lanes_;
        if (i < size_) kept[i * columns_.width + number_] = batch[k];
      }
      f(batch, first);
    }
  }

  /// f(element kept, where it is in the tensor).
  template <class Function>
  __device__ void for_each_kept(Function f) const {
    const float* kept = kept_elements();
#pragma unroll 4
    for (int i = lane_; i < size_; i += num_lanes_) {
      f(kept[i * columns_.width + number_], at(i));
    }
  }

  __device__ int64_t at(int i) const { return start_ + i * columns_.inner; }
  __device__ int size() const { return size_; }
  __device__ int num_lanes() const { return num_lanes_; }

  /// The values of a row's threads combined, for each of them. Requires: all threads of the block
  /// call it once; the number of lanes is a power of two.
  template <class T, class Combine>
  __device__ T reduce(T value, Combine combine) const {
    __shared__ T values[kMaxColumnThreads];
    const auto thread = static_cast<int>(threadIdx.x);
    values[thread] = value;
    for (int half = num_lanes_ / 2; half > 0; half /= 2) {
      __syncthreads();
      if (lane_ < half) {
        values[thread] = combine(values[thread], values[thread + half * columns_.width]);
      }
    }
    __syncthreads();
    return values[number_];
  }

 private:
  __device__ static float* kept_elements() {
    extern __shared__ float kept_elements_of_columns[];
    return kept_elements_of_columns;
  }

  const SoftmaxColumns& columns_;
  int number_;  ///< of the row in the block
  int lane_;
  int num_lanes_;
  int size_;
  int64_t start_;
};

template <class T>
__global__ void __launch_bounds__(kMaxColumnThreads, 2)
    softmax_of_columns(const SoftmaxColumns columns, const T* x, T* y) {
  const ColumnPart part(columns);
  ExpSum sum = ExpSum::nothing();
  part.read(x, -kInfinity, [&](const float(&batch)[kColumnBatch], int) {
    float largest = sum.largest;
#pragma unroll
    for (const float element : batch) largest = fmaxf(largest, element);
    sum.move_to(largest);
    // exp(-inf - -inf) would be NaN.
    const float base = largest == -kInfinity ? 0.0F : largest;
#pragma unroll
    for (const float element : batch) sum.total += static_cast<double>(expf(element - base));
  });
  sum = part.reduce(sum, MergeExpSums{});
  const auto factor = static_cast<float>(1 / sum.total);
  part.for_each_kept([&](float element, int64_t at) {
    y[at] = narrowed<T>(expf(element - sum.largest) * factor);
  });
}

/// A thread alone reads what it overwrites if the result takes the bytes of an operand.
template <class T>
__global__ void __launch_bounds__(kMaxColumnThreads, 2)
    softmax_gradients_of_columns(const SoftmaxColumns columns, const T* gradient, const T* y,
                                 T* result) {
  const ColumnPart part(columns);
  double total = 0;
  part.read(y, 0, [&](const float(&batch)[kColumnBatch], int first) {
    float others[kColumnBatch];
#pragma unroll
    for (int k = 0; k < kColumnBatch; ++k) {
      const int i = first + k * part.num_lanes();
      others[k] = i < part.size() ? widened(gradient[part.at(i)]) : 0.0F;
    }
#pragma unroll
    for (int k = 0; k < kColumnBatch; ++k) {
      total += static_cast<double>(batch[k]) * static_cast<double>(others[k]);
    }
  });
  const double mean = part.reduce(total, Plus{});
  part.for_each_kept([&](float element, int64_t at) {
    // In double: the difference may cancel out, or be too large for f32.
    const double difference = static_cast<double>(widened(gradient[at])) - mean;
    result[at] = narrowed<T>(static_cast<float>(element * difference));
  });
}

template <class T>
class SoftmaxColumnsKernel : public CudaKernel {
 public:
  explicit SoftmaxColumnsKernel(const SoftmaxColumns& columns) : columns_(columns) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    softmax_of_columns<<<columns_.num_blocks, columns_.threads_per_block, columns_.shared_bytes(),
                         queue.stream>>>(columns_, elements<T>(at.inputs[0]),
                                         elements<T>(at.result()));
    CUDA_TRY(cudaGetLastError());
    return {};
  }

 private:
  SoftmaxColumns columns_;
};

template <class T>
class SoftmaxGradColumnsKernel : public CudaKernel {
 public:
  explicit SoftmaxGradColumnsKernel(const SoftmaxColumns& columns) : columns_(columns) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    softmax_gradients_of_columns<<<columns_.num_blocks, columns_.threads_per_block,
                                   columns_.shared_bytes(), queue.stream>>>(
        columns_, elements<T>(at.inputs[0]), elements<T>(at.inputs[1]), elements<T>(at.result()));
    CUDA_TRY(cudaGetLastError());
    return {};
  }

 private:
  SoftmaxColumns columns_;
};

/// Of a block. Two fit on a multiprocessor, beside the values of reductions.
constexpr int64_t kMaxColumnBytes = int64_t{100} << 10;

}  // namespace

std::optional<SoftmaxColumns> softmax_columns_of(const AxisSplit& split) {
  // A cache line of neighbours: with fewer, memory gives more than is used.
  constexpr int64_t kWidth = 32;
  const int64_t row_bytes = kWidth * static_cast<int64_t>(sizeof(float));
  if (split.size > kMaxColumnBytes / row_bytes) return std::nullopt;
  const int64_t num_tiles = num_blocks_for(split.inner, kWidth);
  if (split.outer * num_tiles >= int64_t{1} << 31) return std::nullopt;
  // A thread has something to do in every lane, and several blocks fit where rows are short.
  unsigned threads = kMaxColumnThreads;
  while (threads > kThreadsPerBlock && split.size * row_bytes < int64_t{threads} * 64) threads /= 2;
  return SoftmaxColumns{.inner = split.inner,
                        .size = static_cast<int>(split.size),
                        .width = static_cast<int>(kWidth),
                        .num_tiles = static_cast<unsigned>(num_tiles),
                        .num_blocks = static_cast<unsigned>(split.outer * num_tiles),
                        .threads_per_block = threads};
}

template <class T>
KernelResult make_softmax_columns(const SoftmaxColumns& columns) {
  CUDA_TRY(cudaFuncSetAttribute(softmax_of_columns<T>, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                static_cast<int>(kMaxColumnBytes)));
  return std::make_unique<SoftmaxColumnsKernel<T>>(columns);
}

template <class T>
KernelResult make_softmax_grad_columns(const SoftmaxColumns& columns) {
  CUDA_TRY(cudaFuncSetAttribute(softmax_gradients_of_columns<T>,
                                cudaFuncAttributeMaxDynamicSharedMemorySize,
                                static_cast<int>(kMaxColumnBytes)));
  return std::make_unique<SoftmaxGradColumnsKernel<T>>(columns);
}

#define GRAPHC_SOFTMAX_COLUMNS(T)                                               \
  template KernelResult make_softmax_columns<T>(const SoftmaxColumns& columns); \
  template KernelResult make_softmax_grad_columns<T>(const SoftmaxColumns& columns);
GRAPHC_SOFTMAX_COLUMNS(float)
GRAPHC_SOFTMAX_COLUMNS(__half)
GRAPHC_SOFTMAX_COLUMNS(__nv_bfloat16)
#undef GRAPHC_SOFTMAX_COLUMNS

}  // namespace graphrt::cuda

#pragma once

#include "runtime/kernels/cuda/prepare.h"
#include "runtime/kernels/cuda/walk.cuh"

namespace graphrt::cuda {

// Kernels whose result may take the bytes of an operand: a thread reads all its elements before it
// writes the first, and no other thread reads them.

/// y = function(x).
template <int kSize, class Function>
__global__ void map_elements(Function function, const float* x, float* y, int64_t num_elements) {
  const int64_t thread = thread_number();
  const int64_t num_vectors = num_elements / kSize;
  if (thread < num_vectors) {
    auto vector = load<kSize>(x + thread * kSize);
    for (float& element : vector.lane) element = function(element);
    store<kSize>(y + thread * kSize, vector);
    return;
  }
  const int64_t i = num_vectors * kSize + (thread - num_vectors);
  if (i < num_elements) y[i] = function(x[i]);
}

template <class Function>
class MapKernel : public CudaKernel {
 public:
  MapKernel(int64_t num_elements, Function function)
      : num_elements_(num_elements), function_(function) {}

  Result<void> launch(std::span<const std::byte* const> inputs, std::byte* output,
                      const CudaQueue& queue) const override {
    const auto* x = elements<float>(inputs[0]);
    auto* y = elements<float>(output);
    if (are_aligned(kVectorBytes, x, y)) return launch_with<kWidest>(x, y, queue);
    return launch_with<1>(x, y, queue);
  }

 private:
  template <int kSize>
  Result<void> launch_with(const float* x, float* y, const CudaQueue& queue) const {
    const unsigned num_blocks = num_blocks_for(num_threads_for<kSize>(num_elements_));
    map_elements<kSize>
        <<<num_blocks, kThreadsPerBlock, 0, queue.stream>>>(function_, x, y, num_elements_);
    CUDA_TRY(cudaGetLastError());
    return {};
  }

  int64_t num_elements_;
  Function function_;
};

template <class Function>
KernelResult make_map(const KernelSpec& spec, Function function) {
  return std::make_unique<MapKernel<Function>>(spec.result.num_elements(), function);
}

/// y = function(a, b), all of one shape.
template <int kSize, class T, class Function>
__global__ void zip_elements(Function function, const T* a, const T* b, T* y,
                             int64_t num_elements) {
  const int64_t thread = thread_number();
  const int64_t num_vectors = num_elements / kSize;
  if (thread < num_vectors) {
    auto left = load<kSize>(a + thread * kSize);
    const auto right = load<kSize>(b + thread * kSize);
    for (int i = 0; i < kSize; ++i) left.lane[i] = function(left.lane[i], right.lane[i]);
    store<kSize>(y + thread * kSize, left);
    return;
  }
  const int64_t i = num_vectors * kSize + (thread - num_vectors);
  if (i < num_elements) y[i] = function(a[i], b[i]);
}

template <class T, class Function>
class ZipKernel : public CudaKernel {
 public:
  ZipKernel(int64_t num_elements, Function function)
      : num_elements_(num_elements), function_(function) {}

  Result<void> launch(std::span<const std::byte* const> inputs, std::byte* output,
                      const CudaQueue& queue) const override {
    const T* a = elements<T>(inputs[0]);
    const T* b = elements<T>(inputs[1]);
    T* y = elements<T>(output);
    if (are_aligned(kVectorBytes, a, b, y)) return launch_with<kWidest>(a, b, y, queue);
    return launch_with<1>(a, b, y, queue);
  }

 private:
  template <int kSize>
  Result<void> launch_with(const T* a, const T* b, T* y, const CudaQueue& queue) const {
    const unsigned num_blocks = num_blocks_for(num_threads_for<kSize>(num_elements_));
    zip_elements<kSize>
        <<<num_blocks, kThreadsPerBlock, 0, queue.stream>>>(function_, a, b, y, num_elements_);
    CUDA_TRY(cudaGetLastError());
    return {};
  }

  int64_t num_elements_;
  Function function_;
};

template <class T, class Function>
KernelResult make_zip(const KernelSpec& spec, Function function) {
  return std::make_unique<ZipKernel<T, Function>>(spec.result.num_elements(), function);
}

/// y = function(a, b) with broadcasting: kSize neighbours in the innermost loop a thread.
template <int kSize, class Index, class T, class Function>
__global__ void zip_broadcast(Function function, const __grid_constant__ Walk<Index, 2> walk,
                              const T* a, const T* b, T* y, Index num_elements) {
  const Index first = static_cast<Index>(thread_number()) * kSize;
  if (first >= num_elements) return;
  const auto offsets = walk.offsets_at(first);
  const int innermost = walk.num_loops - 1;
  auto left = load_or_repeat<kSize>(a + offsets.of[0], walk.stride[0][innermost]);
  const auto right = load_or_repeat<kSize>(b + offsets.of[1], walk.stride[1][innermost]);
  for (int i = 0; i < kSize; ++i) left.lane[i] = function(left.lane[i], right.lane[i]);
  store<kSize>(y + first, left);
}

template <class Index, class T, class Function>
class BroadcastZipKernel : public CudaKernel {
 public:
  BroadcastZipKernel(int64_t num_elements, std::span<const StridedDim> loops, Function function)
      : num_elements_(num_elements),
        walk_(walk_of<Index, 2>(loops)),
        takes_vectors_(takes_vectors(loops, 2)),
        function_(function) {}

  Result<void> launch(std::span<const std::byte* const> inputs, std::byte* output,
                      const CudaQueue& queue) const override {
    const T* a = elements<T>(inputs[0]);
    const T* b = elements<T>(inputs[1]);
    T* y = elements<T>(output);
    if (takes_vectors_ && are_aligned(kVectorBytes, a, b, y)) {
      return launch_with<kWidest>(a, b, y, queue);
    }
    return launch_with<1>(a, b, y, queue);
  }

 private:
  template <int kSize>
  Result<void> launch_with(const T* a, const T* b, T* y, const CudaQueue& queue) const {
    zip_broadcast<kSize>
        <<<num_blocks_for(num_elements_ / kSize), kThreadsPerBlock, 0, queue.stream>>>(
            function_, walk_, a, b, y, static_cast<Index>(num_elements_));
    CUDA_TRY(cudaGetLastError());
    return {};
  }

  int64_t num_elements_;
  Walk<Index, 2> walk_;
  bool takes_vectors_;
  Function function_;
};

template <class T, class Function>
KernelResult make_broadcast(const KernelSpec& spec, Function function) {
  if (spec.inputs[0] == spec.inputs[1]) return make_zip<T>(spec, function);
  const auto loops = broadcast_loops(spec.inputs[0].shape, spec.inputs[1].shape, spec.result.shape);
  const int64_t num_elements = spec.result.num_elements();
  if (fits_32_bits(num_elements)) {
    using Kernel = BroadcastZipKernel<uint32_t, T, Function>;
    return std::make_unique<Kernel>(num_elements, loops, function);
  }
  using Kernel = BroadcastZipKernel<uint64_t, T, Function>;
  return std::make_unique<Kernel>(num_elements, loops, function);
}

}  // namespace graphrt::cuda

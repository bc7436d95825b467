#pragma once

#include "runtime/kernels/cuda/device_types.cuh"
#include "runtime/kernels/cuda/prepare.h"
#include "runtime/kernels/cuda/walk.cuh"

namespace graphrt::cuda {

// Kernels whose result may take the bytes of an operand of its type: a thread reads all its elements
// before it writes the first, and no other thread reads them.

/// y = function(x).
template <int kSize, class From, class To, class Function>
__global__ void map_elements(Function function, const From* x, To* y, int64_t num_elements) {
  const int64_t thread = thread_number();
  const int64_t num_vectors = num_elements / kSize;
  if (thread < num_vectors) {
    const auto from = load<kSize>(x + thread * kSize);
    Vector<To, kSize> to;
#pragma unroll
    for (int i = 0; i < kSize; ++i) to.lane[i] = function(from.lane[i]);
    store_elements<kSize, true>(y + thread * kSize, to);
    return;
  }
  const int64_t i = num_vectors * kSize + (thread - num_vectors);
  if (i < num_elements) y[i] = function(x[i]);
}

template <class From, class To, class Function>
class MapKernel : public CudaKernel {
 public:
  MapKernel(int64_t num_elements, Function function)
      : num_elements_(num_elements), function_(function) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    const auto* x = elements<From>(at.inputs[0]);
    auto* y = elements<To>(at.result());
    if (are_aligned(kVectorBytes, x, y)) return launch_with<kLanesOfBoth<From, To>>(x, y, queue);
    return launch_with<1>(x, y, queue);
  }

 private:
  template <int kSize>
  Result<void> launch_with(const From* x, To* y, const CudaQueue& queue) const {
    const unsigned num_blocks = num_blocks_for(num_threads_for<kSize>(num_elements_));
    map_elements<kSize>
        <<<num_blocks, kThreadsPerBlock, 0, queue.stream>>>(function_, x, y, num_elements_);
    CUDA_TRY(cudaGetLastError());
    return {};
  }

  int64_t num_elements_;
  Function function_;
};

template <class From, class To, class Function>
KernelResult make_convert(const KernelSpec& spec, Function function) {
  return std::make_unique<MapKernel<From, To, Function>>(spec.result().num_elements(), function);
}

/// Of floats, whatever they are stored as.
template <class Function>
KernelResult make_map(const KernelSpec& spec, Function function) {
  return with_device_float(spec.result().element, [&](auto tag) {
    using T = typename decltype(tag)::Type;
    return make_convert<T, T>(spec, OnStored<T, Function>{function});
  });
}

/// y = function(a, b), all of one shape.
template <int kSize, class From, class To, class Function>
__global__ void zip_elements(Function function, const From* a, const From* b, To* y,
                             int64_t num_elements) {
  const int64_t thread = thread_number();
  const int64_t num_vectors = num_elements / kSize;
  if (thread < num_vectors) {
    const auto left = load<kSize>(a + thread * kSize);
    const auto right = load<kSize>(b + thread * kSize);
    Vector<To, kSize> to;
#pragma unroll
    for (int i = 0; i < kSize; ++i) to.lane[i] = function(left.lane[i], right.lane[i]);
    store_elements<kSize, true>(y + thread * kSize, to);
    return;
  }
  const int64_t i = num_vectors * kSize + (thread - num_vectors);
  if (i < num_elements) y[i] = function(a[i], b[i]);
}

template <class From, class To, class Function>
class ZipKernel : public CudaKernel {
 public:
  ZipKernel(int64_t num_elements, Function function)
      : num_elements_(num_elements), function_(function) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    const From* a = elements<From>(at.inputs[0]);
    const From* b = elements<From>(at.inputs[1]);
    To* y = elements<To>(at.result());
    if (are_aligned(kVectorBytes, a, b, y)) {
      return launch_with<kLanesOfBoth<From, To>>(a, b, y, queue);
    }
    return launch_with<1>(a, b, y, queue);
  }

 private:
  template <int kSize>
  Result<void> launch_with(const From* a, const From* b, To* y, const CudaQueue& queue) const {
    const unsigned num_blocks = num_blocks_for(num_threads_for<kSize>(num_elements_));
    zip_elements<kSize>
        <<<num_blocks, kThreadsPerBlock, 0, queue.stream>>>(function_, a, b, y, num_elements_);
    CUDA_TRY(cudaGetLastError());
    return {};
  }

  int64_t num_elements_;
  Function function_;
};

template <class From, class To = From, class Function>
KernelResult make_zip(const KernelSpec& spec, Function function) {
  return std::make_unique<ZipKernel<From, To, Function>>(spec.result().num_elements(), function);
}

/// y = function(a, b) with broadcasting: kSize neighbours in the innermost loop a thread.
template <int kSize, class Index, class From, class To, class Function>
__global__ void zip_broadcast(Function function, const __grid_constant__ Walk<Index, 2> walk,
                              const From* a, const From* b, To* y, Index num_elements) {
  const Index first = static_cast<Index>(thread_number()) * kSize;
  if (first >= num_elements) return;
  const auto offsets = walk.offsets_at(first);
  const int innermost = walk.num_loops - 1;
  const auto left = load_or_repeat<kSize>(a + offsets.of[0], walk.stride[0][innermost]);
  const auto right = load_or_repeat<kSize>(b + offsets.of[1], walk.stride[1][innermost]);
  Vector<To, kSize> to;
#pragma unroll
  for (int i = 0; i < kSize; ++i) to.lane[i] = function(left.lane[i], right.lane[i]);
  store_elements<kSize, true>(y + first, to);
}

template <class Index, class From, class To, class Function>
class BroadcastZipKernel : public CudaKernel {
 public:
  BroadcastZipKernel(int64_t num_elements, std::span<const StridedDim> loops, Function function)
      : num_elements_(num_elements),
        walk_(walk_of<Index, 2>(loops)),
        takes_vectors_(takes_vectors(loops, 2, kLanesOfBoth<From, To>)),
        function_(function) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    const From* a = elements<From>(at.inputs[0]);
    const From* b = elements<From>(at.inputs[1]);
    To* y = elements<To>(at.result());
    if (takes_vectors_ && are_aligned(kVectorBytes, a, b, y)) {
      return launch_with<kLanesOfBoth<From, To>>(a, b, y, queue);
    }
    return launch_with<1>(a, b, y, queue);
  }

 private:
  template <int kSize>
  Result<void> launch_with(const From* a, const From* b, To* y, const CudaQueue& queue) const {
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

template <class From, class To = From, class Function>
KernelResult make_broadcast(const KernelSpec& spec, Function function) {
  if (spec.inputs[0] == spec.inputs[1]) return make_zip<From, To>(spec, function);
  const auto loops =
      broadcast_loops(spec.inputs[0].shape, spec.inputs[1].shape, spec.result().shape);
  const int64_t num_elements = spec.result().num_elements();
  if (fits_32_bits(num_elements)) {
    using Kernel = BroadcastZipKernel<uint32_t, From, To, Function>;
    return std::make_unique<Kernel>(num_elements, loops, function);
  }
  using Kernel = BroadcastZipKernel<uint64_t, From, To, Function>;
  return std::make_unique<Kernel>(num_elements, loops, function);
}

}  // namespace graphrt::cuda

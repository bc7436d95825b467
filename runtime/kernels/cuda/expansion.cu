// Operators that move elements, as unsigned integers of their size, into a larger result.
#include "runtime/kernels/cuda/device_types.cuh"
#include "runtime/kernels/cuda/prepare.h"
#include "runtime/kernels/cuda/walk.cuh"

namespace graphrt::cuda {
namespace {

/// Runs of neighbours, each with zeros in front of it and behind it.
/// Units: elements.
struct PaddedRuns {
  int64_t num_runs;
  int64_t run_size;
  int64_t before;
  int64_t after;

  int64_t padded_size() const { return before + run_size + after; }
  bool fit_vectors() const {
    return run_size % kWidest == 0 && before % kWidest == 0 && after % kWidest == 0;
  }
};

template <int kSize, class Index, class Element>
__global__ void pad_runs(const Element* from, Element* to, Index run_size, Index before,
                         const Divisor<Index> padded_size, Index num_vectors) {
  move_vectors<kSize>(to, num_vectors, [=](Index first) {
    const Index run = padded_size.quotient(first);
    const Index in_padded = first - run * padded_size.number;
    const bool is_padding = in_padded < before || in_padded >= before + run_size;
    if (is_padding) return Vector<Element, kSize>{};
    return load<kSize>(from + run * run_size + (in_padded - before));
  });
}

template <class Index, class Element>
class PadKernel : public CudaKernel {
 public:
  explicit PadKernel(const PaddedRuns& runs) : runs_(runs) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    const Element* from = elements<Element>(at.inputs[0]);
    Element* to = elements<Element>(at.result());
    if (runs_.fit_vectors() && are_aligned(kVectorBytes, from, to)) {
      return launch_with<kNeighbours<Element, Element>>(from, to, queue);
    }
    return launch_with<1>(from, to, queue);
  }

 private:
  template <int kSize>
  Result<void> launch_with(const Element* from, Element* to, const CudaQueue& queue) const {
    const int64_t num_vectors = runs_.num_runs * runs_.padded_size() / kSize;
    pad_runs<kSize, Index, Element>
        <<<num_moving_blocks_for(num_vectors), kThreadsPerBlock, 0, queue.stream>>>(
            from, to, static_cast<Index>(runs_.run_size), static_cast<Index>(runs_.before),
            divisor_of<Index>(runs_.padded_size()), static_cast<Index>(num_vectors));
    CUDA_TRY(cudaGetLastError());
    return {};
  }

  PaddedRuns runs_;
};

/// to[i] = from[walk(i)], where the innermost loop runs along the operand or stands still.
template <int kSize, class Index, class Element>
__global__ void stretch_elements(const __grid_constant__ Walk<Index, 1> walk, const Element* from,
                                 Element* to, Index num_vectors) {
  const Index stride = walk.stride[0][walk.num_loops - 1];
  move_vectors<kSize>(to, num_vectors, [&](Index first) {
    return load_or_repeat<kSize>(from + walk.offsets_at(first).of[0], stride);
  });
}

template <class Index, class Element>
class BroadcastKernel : public CudaKernel {
 public:
  BroadcastKernel(std::span<const StridedDim> loops, int64_t num_elements)
      : walk_(walk_of<Index, 1>(loops)),
        takes_vectors_(takes_vectors(loops, 1)),
        num_elements_(num_elements) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    const Element* from = elements<Element>(at.inputs[0]);
    Element* to = elements<Element>(at.result());
    if (takes_vectors_ && are_aligned(kVectorBytes, from, to)) {
      return launch_with<kNeighbours<Element, Element>>(from, to, queue);
    }
    return launch_with<1>(from, to, queue);
  }

 private:
  template <int kSize>
  Result<void> launch_with(const Element* from, Element* to, const CudaQueue& queue) const {
    stretch_elements<kSize, Index, Element>
        <<<num_moving_blocks_for(num_elements_ / kSize), kThreadsPerBlock, 0, queue.stream>>>(
            walk_, from, to, static_cast<Index>(num_elements_ / kSize));
    CUDA_TRY(cudaGetLastError());
    return {};
  }

  Walk<Index, 1> walk_;
  bool takes_vectors_;
  int64_t num_elements_;
};

}  // namespace

KernelResult prepare_pad(const KernelSpec& spec) {
  const AxisSplit from = split_at(spec.inputs[0].shape, spec.attributes.integer("axis", 0));
  const PaddedRuns runs{.num_runs = from.outer,
                        .run_size = from.size * from.inner,
                        .before = spec.attributes.integer("before", 0) * from.inner,
                        .after = spec.attributes.integer("after", 0) * from.inner};
  return by_size(spec, [&](auto tag) -> KernelResult {
    using Element = typename decltype(tag)::Type;
    if (fits_32_bits(spec.result().num_elements())) {
      return std::make_unique<PadKernel<uint32_t, Element>>(runs);
    }
    return std::make_unique<PadKernel<uint64_t, Element>>(runs);
  });
}

KernelResult prepare_broadcast(const KernelSpec& spec) {
  const Shape& operand = spec.inputs[0].shape;
  const auto loops = broadcast_loops(operand, operand, spec.result().shape);
  const int64_t num_elements = spec.result().num_elements();
  return by_size(spec, [&](auto tag) -> KernelResult {
    using Element = typename decltype(tag)::Type;
    if (fits_32_bits(num_elements)) {
      return std::make_unique<BroadcastKernel<uint32_t, Element>>(loops, num_elements);
    }
    return std::make_unique<BroadcastKernel<uint64_t, Element>>(loops, num_elements);
  });
}

}  // namespace graphrt::cuda

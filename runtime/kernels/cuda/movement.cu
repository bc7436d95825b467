// Operators that move elements without looking at them: as unsigned integers of their size.
#include <vector>

#include "runtime/kernels/cuda/device_types.cuh"
#include "runtime/kernels/cuda/prepare.h"
#include "runtime/kernels/cuda/walk.cuh"

namespace graphrt::cuda {
namespace {

Result<void> queue_copy(const void* from, void* to, int64_t num_bytes, const CudaQueue& queue) {
  CUDA_TRY(cudaMemcpyAsync(to, from, static_cast<size_t>(num_bytes), cudaMemcpyDeviceToDevice,
                           queue.stream));
  return {};
}

class CopyKernel : public CudaKernel {
 public:
  explicit CopyKernel(int64_t num_bytes) : num_bytes_(num_bytes) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    if (at.inputs[0] == at.result()) return {};
    return queue_copy(at.inputs[0], at.result(), num_bytes_, queue);
  }

 private:
  int64_t num_bytes_;
};

/// Equal runs of neighbours that start at regular distances on either side.
/// Units: elements.
struct Runs {
  int64_t num_runs;
  int64_t run_size;
  int64_t from_stride;
  int64_t to_stride;
};

/// Where runs end makes no difference to what a thread takes: vectors of kSize, several of them.
template <int kSize, class Index, class Element>
__global__ void copy_runs(const Element* from, int64_t from_stride, Element* to, int64_t to_stride,
                          const Divisor<Index> run_size, Index num_vectors) {
  const Index first = static_cast<Index>(blockIdx.x) * (kThreadsPerBlock * kMovesPerThread) +
                      static_cast<Index>(threadIdx.x);
  Vector<Element, kSize> vectors[kMovesPerThread];
  Element* addresses[kMovesPerThread];
#pragma unroll
  for (int k = 0; k < kMovesPerThread; ++k) {
    const Index i = first + k * kThreadsPerBlock;
    if (i >= num_vectors) continue;
    const Index run = run_size.quotient(i * kSize);
    const int64_t in_run = i * kSize - run * run_size.number;
    const auto number = static_cast<int64_t>(run);
    vectors[k] = load<kSize>(from + number * from_stride + in_run);
    addresses[k] = to + number * to_stride + in_run;
  }
#pragma unroll
  for (int k = 0; k < kMovesPerThread; ++k) {
    if (first + k * kThreadsPerBlock < num_vectors) store<kSize>(addresses[k], vectors[k]);
  }
}

template <int kSize, class Index, class Element>
Result<void> launch_copy_runs(const Runs& runs, const Element* from, Element* to,
                              const CudaQueue& queue) {
  const int64_t num_vectors = runs.num_runs * runs.run_size / kSize;
  copy_runs<kSize, Index, Element>
      <<<num_moving_blocks_for(num_vectors), kThreadsPerBlock, 0, queue.stream>>>(
          from, runs.from_stride, to, runs.to_stride, divisor_of<Index>(runs.run_size),
          static_cast<Index>(num_vectors));
  CUDA_TRY(cudaGetLastError());
  return {};
}

bool fit_vectors(const Runs& runs) {
  return runs.run_size % kWidest == 0 && runs.from_stride % kWidest == 0 &&
         runs.to_stride % kWidest == 0;
}

template <class Element>
Result<void> queue_runs(const Runs& runs, const Element* from, Element* to,
                        const CudaQueue& queue) {
  const int64_t num_elements = runs.num_runs * runs.run_size;
  const bool side_by_side = runs.run_size == runs.from_stride && runs.run_size == runs.to_stride;
  if (runs.num_runs == 1 || side_by_side) {
    return queue_copy(from, to, num_elements * int64_t{sizeof(Element)}, queue);
  }
  constexpr int kWide = kNeighbours<Element, Element>;
  const bool wide = fit_vectors(runs) && are_aligned(kVectorBytes, from, to);
  if (fits_32_bits(num_elements)) {
    return wide ? launch_copy_runs<kWide, uint32_t>(runs, from, to, queue)
                : launch_copy_runs<1, uint32_t>(runs, from, to, queue);
  }
  return wide ? launch_copy_runs<kWide, uint64_t>(runs, from, to, queue)
              : launch_copy_runs<1, uint64_t>(runs, from, to, queue);
}

/// A piece of the operand, taken for each index in front of the axis.
template <class Element>
class SliceKernel : public CudaKernel {
 public:
  SliceKernel(const Runs& runs, int64_t offset) : runs_(runs), offset_(offset) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    return queue_runs(runs_, elements<Element>(at.inputs[0]) + offset_,
                      elements<Element>(at.result()), queue);
  }

 private:
  Runs runs_;
  int64_t offset_;
};

template <class Element>
class ConcatKernel : public CudaKernel {
 public:
  explicit ConcatKernel(std::vector<Runs> runs) : runs_(std::move(runs)) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    Element* to = elements<Element>(at.result());
    for (size_t i = 0; i < runs_.size(); ++i) {
      TRY(queue_runs(runs_[i], elements<Element>(at.inputs[i]), to, queue));
      to += runs_[i].run_size;
    }
    return {};
  }

 private:
  std::vector<Runs> runs_;  // of every operand
};

}  // namespace

KernelResult prepare_copy(const KernelSpec& spec) {
  return std::make_unique<CopyKernel>(spec.result().size_bytes());
}

/// The elements stay where they are.
KernelResult prepare_reshape(const KernelSpec& spec) { return prepare_copy(spec); }

KernelResult prepare_slice(const KernelSpec& spec) {
  const AxisSplit from = split_at(spec.inputs[0].shape, spec.attributes.integer("axis", 0));
  const int64_t begin = spec.attributes.integer("begin", 0);
  const int64_t end = spec.attributes.integer("end", from.size);
  const int64_t run_size = (end - begin) * from.inner;
  const Runs runs{.num_runs = from.outer,
                  .run_size = run_size,
                  .from_stride = from.size * from.inner,
                  .to_stride = run_size};
  return by_size(spec, [&](auto tag) -> KernelResult {
    using Element = typename decltype(tag)::Type;
    return std::make_unique<SliceKernel<Element>>(runs, begin * from.inner);
  });
}

KernelResult prepare_concat(const KernelSpec& spec) {
  const int64_t axis = spec.attributes.integer("axis", 0);
  const AxisSplit to = split_at(spec.result().shape, axis);
  std::vector<Runs> runs;
  for (const TensorType& input : spec.inputs) {
    const AxisSplit from = split_at(input.shape, axis);
    const int64_t run_size = from.size * from.inner;
    runs.push_back({.num_runs = to.outer,
                    .run_size = run_size,
                    .from_stride = run_size,
                    .to_stride = to.size * to.inner});
  }
  return by_size(spec, [&](auto tag) -> KernelResult {
    return std::make_unique<ConcatKernel<typename decltype(tag)::Type>>(runs);
  });
}

}  // namespace graphrt::cuda

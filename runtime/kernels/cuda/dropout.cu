#include <cmath>

#include "runtime/base/philox.h"
#include "runtime/kernels/cuda/device_types.cuh"
#include "runtime/kernels/cuda/launch.cuh"
#include "runtime/kernels/cuda/prepare.h"

namespace graphrt::cuda {
namespace {

/// Elements whose numbers come from one block of Philox.
constexpr int kBlockSize = 4;
static_assert(kBlockSize == kWidest, "a thread takes one block, which is one vector");

/// Element i of the whole is kept where its random number, word i % 4 of block i / 4, is at least
/// `threshold`; the key is the seed, and the step is part of the counter. Integers decide, and
/// the one product of floats is rounded once: every back end gives the same bits.
struct Mask {
  uint64_t seed;
  uint64_t threshold;  ///< the rate, of 2^32
  float factor;

  __device__ float apply(uint32_t word, float x) const {
    return word >= threshold ? x * factor : 0.0F;
  }
  __device__ std::array<uint32_t, 4> words(uint64_t block, int32_t step) const {
    return philox4x32({static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32),
                       static_cast<uint32_t>(step), 0},
                      {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)});
  }
};

/// A part of the whole: elements `first` to `first + num_elements` - 1.
struct Part {
  int64_t first;
  int64_t num_elements;

  __host__ __device__ int64_t first_block() const { return first / kBlockSize; }
  __host__ __device__ int64_t num_blocks() const {
    return (first + num_elements - 1) / kBlockSize - first_block() + 1;
  }
};

/// Blocks of Philox that a thread takes, as many as make the widest vector.
template <class T>
inline constexpr int kPhiloxBlocks = kLanesOf<T> / kBlockSize;

/// A thread takes the elements of some blocks of Philox, in vectors of kSize. Requires: blocks are
/// whole and lie at aligned addresses, if kSize is not 1.
template <int kSize, class T>
__global__ void dropout_blocks(const Mask mask, const Part part, const T* x, const int32_t* step,
                               T* y) {
  const int64_t first = thread_number() * kPhiloxBlocks<T>;
#pragma unroll
  for (int k = 0; k < kPhiloxBlocks<T>; ++k) {
    if (first + k >= part.num_blocks()) return;
    const int64_t block = part.first_block() + first + k;
    const auto words = mask.words(static_cast<uint64_t>(block), *step);
    const int64_t begin = block * kBlockSize - part.first;
    for (int i = 0; i < kBlockSize; i += kSize) {
      const int64_t at = begin + i;
      if (at < 0 || at >= part.num_elements) continue;
      auto vector = load_floats<kSize, true>(x + at);
      for (int j = 0; j < kSize; ++j) vector.lane[j] = mask.apply(words[i + j], vector.lane[j]);
      store_floats<kSize, true>(y + at, vector);
    }
  }
}

template <class T>
class DropoutKernel : public CudaKernel {
 public:
  DropoutKernel(const Mask& mask, const Part& part) : mask_(mask), part_(part) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    const auto* x = elements<T>(at.inputs[0]);
    auto* y = elements<T>(at.result());
    const bool blocks_are_whole =
        part_.first % kBlockSize == 0 && part_.num_elements % kBlockSize == 0;
    const bool is_vector = blocks_are_whole && are_aligned(kVectorBytes, x, y);
    const auto kernel = is_vector ? dropout_blocks<kBlockSize, T> : dropout_blocks<1, T>;
    const unsigned num_blocks =
        num_blocks_for(part_.num_blocks(), kThreadsPerBlock * kPhiloxBlocks<T>);
    kernel<<<num_blocks, kThreadsPerBlock, 0, queue.stream>>>(mask_, part_, x,
                                                              elements<int32_t>(at.inputs[1]), y);
    CUDA_TRY(cudaGetLastError());
    return {};
  }

 private:
  Mask mask_;
  Part part_;
};

}  // namespace

KernelResult prepare_dropout(const KernelSpec& spec) {
  const double rate = spec.attributes.number("rate", 0);
  const Mask mask{.seed = static_cast<uint64_t>(spec.attributes.integer("seed", 0)),
                  .threshold = static_cast<uint64_t>(std::ceil(rate * 0x1p32)),
                  .factor = static_cast<float>(1 / (1 - rate))};
  const Part part{spec.attributes.integer("first", 0), spec.result().num_elements()};
  return with_device_float(spec.result().element, [&](auto tag) -> KernelResult {
    return std::make_unique<DropoutKernel<typename decltype(tag)::Type>>(mask, part);
  });
}

}  // namespace graphrt::cuda

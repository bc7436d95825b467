// Rows of a table, by their index.
#include <limits>

#include "runtime/kernels/cuda/device_types.cuh"
#include "runtime/kernels/cuda/prepare.h"
#include "runtime/kernels/cuda/walk.cuh"

namespace graphrt::cuda {
namespace {

struct Table {
  int64_t num_rows;
  int64_t row_size;

  __device__ bool has_row(int64_t index) const { return index >= 0 && index < num_rows; }
};

constexpr int kUnitsPerThread = 4;

/// A unit is kSize neighbours of the result. An index that names no row makes its part of the
/// result NaN: visible, where reading past the table would not be.
template <int kSize, class Index, class From, class To>
__global__ void look_up(const Table table, const Divisor<Index> units_per_row, const From* rows,
                        const AnyIntegers index, To* y, Index num_units) {
  const Index first = static_cast<Index>(blockIdx.x) * (kThreadsPerBlock * kUnitsPerThread) +
                      static_cast<Index>(threadIdx.x);
  constexpr int64_t kNoRow = -1;
  int64_t row[kUnitsPerThread];
  Index in_row[kUnitsPerThread];
#pragma unroll
  for (int k = 0; k < kUnitsPerThread; ++k) {
    const Index unit = first + k * kThreadsPerBlock;
    const Index position = units_per_row.quotient(unit);
    in_row[k] = (unit - position * units_per_row.number) * kSize;
    row[k] = unit < num_units ? index[position] : kNoRow;
  }
  Vector<From, kSize> units[kUnitsPerThread];
#pragma unroll
  for (int k = 0; k < kUnitsPerThread; ++k) {
    if (table.has_row(row[k])) {
      units[k] = load<kSize>(rows + row[k] * table.row_size + in_row[k]);
    } else {
#pragma unroll
      for (From& element : units[k].lane) {
        element = narrowed<From>(std::numeric_limits<float>::quiet_NaN());
      }
    }
  }
#pragma unroll
  for (int k = 0; k < kUnitsPerThread; ++k) {
    const Index unit = first + k * kThreadsPerBlock;
    if (unit >= num_units) continue;
    To* to = y + static_cast<int64_t>(unit) * kSize;
    if constexpr (std::is_same_v<From, To>) {
      store<kSize>(to, units[k]);
    } else {
      store_floats<kSize, true>(to, widened(units[k]));
    }
  }
}

template <class From, class To>
class EmbeddingKernel : public CudaKernel {
 public:
  EmbeddingKernel(const Table& table, int64_t num_elements, ElementType index)
      : table_(table), num_elements_(num_elements), index_(index) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    if (fits_32_bits(num_elements_)) return launch_in<uint32_t>(at, queue);
    return launch_in<uint64_t>(at, queue);
  }

 private:
  template <class Index>
  Result<void> launch_in(const KernelArguments& at, const CudaQueue& queue) const {
    constexpr int kSize = std::min(kLanesOf<From>, kLanesOf<To>);
    const bool fits_vectors =
        table_.row_size % kSize == 0 && are_aligned(kVectorBytes, at.inputs[0], at.result());
    return fits_vectors ? launch_with<kSize, Index>(at, queue) : launch_with<1, Index>(at, queue);
  }

  template <int kSize, class Index>
  Result<void> launch_with(const KernelArguments& at, const CudaQueue& queue) const {
    const int64_t num_units = num_elements_ / kSize;
    look_up<kSize>
        <<<num_blocks_for(num_units, kThreadsPerBlock * kUnitsPerThread), kThreadsPerBlock, 0,
           queue.stream>>>(table_, divisor_of<Index>(table_.row_size / kSize),
                           elements<From>(at.inputs[0]), AnyIntegers(at.inputs[1], index_),
                           elements<To>(at.result()), static_cast<Index>(num_units));
    CUDA_TRY(cudaGetLastError());
    return {};
  }

  Table table_;
  int64_t num_elements_;
  ElementType index_;
};

Table table_of(const TensorType& type) { return {type.shape[0], type.shape[1]}; }

}  // namespace

KernelResult prepare_embedding(const KernelSpec& spec) {
  return with_device_float(spec.inputs[0].element, [&](auto from) {
    return with_device_float(spec.result().element, [&](auto to) -> KernelResult {
      using Kernel = EmbeddingKernel<typename decltype(from)::Type, typename decltype(to)::Type>;
      return std::make_unique<Kernel>(table_of(spec.inputs[0]), spec.result().num_elements(),
                                      spec.inputs[1].element);
    });
  });
}

}  // namespace graphrt::cuda

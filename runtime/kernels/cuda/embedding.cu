// Rows of a table, by their index.
#include <limits>

#include "runtime/kernels/cuda/prepare.h"
#include "runtime/kernels/cuda/storage.cuh"
#include "runtime/kernels/cuda/walk.cuh"

namespace graphrt::cuda {
namespace {

struct Table {
  int64_t num_rows;
  int64_t row_size;

  __device__ bool has_row(int32_t index) const { return index >= 0 && index < num_rows; }
};

constexpr int kUnitsPerThread = 4;

/// A unit is kSize neighbours of the result. An index that names no row makes its part of the
/// result NaN: visible, where reading past the table would not be.
template <int kSize, class Index, class T>
__global__ void look_up(const Table table, const Divisor<Index> units_per_row, const T* rows,
                        const int32_t* index, T* y, Index num_units) {
  const Index first = static_cast<Index>(blockIdx.x) * (kThreadsPerBlock * kUnitsPerThread) +
                      static_cast<Index>(threadIdx.x);
  Vector<T, kSize> units[kUnitsPerThread];
#pragma unroll
  for (int k = 0; k < kUnitsPerThread; ++k) {
    const Index unit = first + k * kThreadsPerBlock;
    if (unit >= num_units) continue;
    const Index position = units_per_row.quotient(unit);
    const Index in_row = (unit - position * units_per_row.number) * kSize;
    const int32_t row = index[position];
    if (table.has_row(row)) {
      units[k] = load<kSize>(rows + row * table.row_size + in_row);
    } else {
#pragma unroll
      for (T& element : units[k].lane) {
        element = narrowed<T>(std::numeric_limits<float>::quiet_NaN());
      }
    }
  }
#pragma unroll
  for (int k = 0; k < kUnitsPerThread; ++k) {
    const Index unit = first + k * kThreadsPerBlock;
    if (unit < num_units) store<kSize>(y + static_cast<int64_t>(unit) * kSize, units[k]);
  }
}

class EmbeddingKernel : public CudaKernel {
 public:
  EmbeddingKernel(const Table& table, int64_t num_elements)
      : table_(table), num_elements_(num_elements) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    if (fits_32_bits(num_elements_)) return launch_in<uint32_t>(at, queue);
    return launch_in<uint64_t>(at, queue);
  }

 private:
  template <class Index>
  Result<void> launch_in(const KernelArguments& at, const CudaQueue& queue) const {
    const bool fits_vectors =
        table_.row_size % kWidest == 0 && are_aligned(kVectorBytes, at.inputs[0], at.result());
    return fits_vectors ? launch_with<kWidest, Index>(at, queue) : launch_with<1, Index>(at, queue);
  }

  template <int kSize, class Index>
  Result<void> launch_with(const KernelArguments& at, const CudaQueue& queue) const {
    const int64_t num_units = num_elements_ / kSize;
    look_up<kSize>
        <<<num_blocks_for(num_units, kThreadsPerBlock * kUnitsPerThread), kThreadsPerBlock, 0,
           queue.stream>>>(table_, divisor_of<Index>(table_.row_size / kSize),
                           elements<float>(at.inputs[0]), elements<int32_t>(at.inputs[1]),
                           elements<float>(at.result()), static_cast<Index>(num_units));
    CUDA_TRY(cudaGetLastError());
    return {};
  }

  Table table_;
  int64_t num_elements_;
};

Table table_of(const TensorType& type) { return {type.shape[0], type.shape[1]}; }

}  // namespace

KernelResult prepare_embedding(const KernelSpec& spec) {
  return std::make_unique<EmbeddingKernel>(table_of(spec.inputs[0]), spec.result().num_elements());
}

}  // namespace graphrt::cuda

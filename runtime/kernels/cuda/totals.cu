#include "runtime/kernels/cuda/totals.cuh"

namespace graphrt::cuda {
namespace {

/// Requires: all threads of the only block call it.
__device__ double total_of(const double* totals, int num_totals) {
  double total = 0;
#pragma unroll 8
  for (int i = static_cast<int>(threadIdx.x); i < num_totals; i += kThreadsPerBlock) {
    total += totals[i];
  }
  return block_total(total);
}

/// One block.
__global__ void divide_total(const double* totals, int num_totals, double divisor, float* y) {
  const double total = total_of(totals, num_totals);
  if (threadIdx.x == 0) *y = static_cast<float>(total / divisor);
}

/// One block.
__global__ void divide_total_by_total(const double* totals, int num_totals, const double* divisors,
                                      int num_divisors, float* y) {
  const double total = total_of(totals, num_totals);
  const double divisor = total_of(divisors, num_divisors);
  if (threadIdx.x == 0) *y = static_cast<float>(total / divisor);
}

/// One block.
__global__ void take_root_of_total(const double* totals, int num_totals, float* y) {
  const double total = total_of(totals, num_totals);
  if (threadIdx.x == 0) *y = static_cast<float>(sqrt(total));
}

}  // namespace

Result<void> launch_quotient(const double* totals, unsigned num_totals, int64_t divisor, float* y,
                             const CudaQueue& queue) {
  divide_total<<<1, kThreadsPerBlock, 0, queue.stream>>>(totals, static_cast<int>(num_totals),
                                                         static_cast<double>(divisor), y);
  CUDA_TRY(cudaGetLastError());
  return {};
}

Result<void> launch_ratio(const double* totals, unsigned num_totals, const double* divisors,
                          unsigned num_divisors, float* y, const CudaQueue& queue) {
  divide_total_by_total<<<1, kThreadsPerBlock, 0, queue.stream>>>(
      totals, static_cast<int>(num_totals), divisors, static_cast<int>(num_divisors), y);
  CUDA_TRY(cudaGetLastError());
  return {};
}

Result<void> launch_root(const double* totals, unsigned num_totals, float* y,
                         const CudaQueue& queue) {
  take_root_of_total<<<1, kThreadsPerBlock, 0, queue.stream>>>(totals, static_cast<int>(num_totals),
                                                               y);
  CUDA_TRY(cudaGetLastError());
  return {};
}

}  // namespace graphrt::cuda

#include "runtime/kernels/cuda/totals.cuh"

namespace graphrt::cuda {
namespace {

/// One block.
__global__ void divide_total(const double* totals, int num_totals, double divisor, float* y) {
  double total = 0;
  for (int i = static_cast<int>(threadIdx.x); i < num_totals; i += kThreadsPerBlock) {
    total += totals[i];
  }
  total = block_total(total);
  if (threadIdx.x == 0) *y = static_cast<float>(total / divisor);
}

}  // namespace

Result<void> launch_quotient(const double* totals, unsigned num_totals, int64_t divisor, float* y,
                             const CudaQueue& queue) {
  divide_total<<<1, kThreadsPerBlock, 0, queue.stream>>>(totals, static_cast<int>(num_totals),
                                                         static_cast<double>(divisor), y);
  CUDA_TRY(cudaGetLastError());
  return {};
}

}  // namespace graphrt::cuda

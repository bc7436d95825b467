#pragma once

#include <algorithm>

#include "runtime/kernels/cuda/cuda_error.h"
#include "runtime/kernels/cuda/cuda_kernels.h"
#include "runtime/kernels/cuda/team.cuh"

namespace graphrt::cuda {

// Sums of a whole tensor in two passes, without atomics: every block adds up its share, and one
// block adds up the blocks' totals, always in the same order.

/// Blocks of the first pass, at most: enough to fill a large GPU. The same on every GPU, and so are
/// the results.
inline constexpr unsigned kMaxTotals = 1024;
/// What they take at the beginning of the scratch memory.
inline constexpr int64_t kTotalsBytes = kMaxTotals * int64_t{sizeof(double)};

struct Plus {
  __device__ double operator()(double a, double b) const { return a + b; }
  __device__ static double nothing() { return 0; }
};

/// The sum of all threads' values. Requires: all threads of the block call it.
__device__ inline double block_total(double value) {
  return Team({kThreadsPerBlock, false}).reduce(value, Plus{});
}

/// The second pass: y = the sum of all totals / divisor.
Result<void> launch_quotient(const double* totals, unsigned num_totals, int64_t divisor, float* y,
                             const CudaQueue& queue);

/// The same: y = the sum of all totals / the sum of all divisors.
Result<void> launch_ratio(const double* totals, unsigned num_totals, const double* divisors,
                          unsigned num_divisors, float* y, const CudaQueue& queue);

/// The same: y = the square root of the sum of all totals.
Result<void> launch_root(const double* totals, unsigned num_totals, float* y,
                         const CudaQueue& queue);

/// totals[block] = the sum of the block's share of the terms.
template <class Term>
__global__ void add_terms(Term term, int64_t num_terms, double* totals) {
  const int64_t num_threads = int64_t{gridDim.x} * kThreadsPerBlock;
  double total = 0;
#pragma unroll 4
  for (int64_t i = thread_number(); i < num_terms; i += num_threads) total += term(i);
  total = block_total(total);
  if (threadIdx.x == 0) totals[blockIdx.x] = total;
}

/// Blocks of the first pass.
inline unsigned num_totals_for(int64_t num_terms) {
  constexpr int64_t kTermsPerThread = 16;
  return std::min(kMaxTotals, num_blocks_for(num_terms, kThreadsPerBlock * kTermsPerThread));
}

/// The first pass: num_totals_for(num_terms) totals, at the beginning of the scratch memory.
template <class Term>
Result<const double*> launch_totals(Term term, int64_t num_terms, std::byte* scratch,
                                    const CudaQueue& queue) {
  auto* totals = reinterpret_cast<double*>(scratch);
  add_terms<<<num_totals_for(num_terms), kThreadsPerBlock, 0, queue.stream>>>(term, num_terms,
                                                                              totals);
  CUDA_TRY(cudaGetLastError());
  return totals;
}

/// The result = the sum of term(i) for i = 0 .. num_terms - 1, divided by `divisor`.
template <class Term>
Result<void> launch_sum_of_terms(Term term, int64_t num_terms, int64_t divisor,
                                 const KernelArguments& at, const CudaQueue& queue) {
  TRY(const double* totals, launch_totals(term, num_terms, at.scratch, queue));
  auto* y = reinterpret_cast<float*>(at.result());
  return launch_quotient(totals, num_totals_for(num_terms), divisor, y, queue);
}

/// The result = the square root of the sum of term(i) for i = 0 .. num_terms - 1: a float may hold it where
/// it does not hold the sum.
template <class Term>
Result<void> launch_root_of_terms(Term term, int64_t num_terms, const KernelArguments& at,
                                  const CudaQueue& queue) {
  TRY(const double* totals, launch_totals(term, num_terms, at.scratch, queue));
  auto* y = reinterpret_cast<float*>(at.result());
  return launch_root(totals, num_totals_for(num_terms), y, queue);
}

}  // namespace graphrt::cuda

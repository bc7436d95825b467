// The gradients of what norms multiply their rows with, for rows of any size: their scales are found
// first, and then they are read again.
#include <algorithm>

#include "runtime/kernels/cuda/norm_rows.cuh"
#include "runtime/kernels/cuda/norm_rules.cuh"
#include "runtime/kernels/cuda/prepare.h"
#include "runtime/kernels/cuda/reduce_passes.cuh"
#include "runtime/kernels/cuda/scale_grad_rows.cuh"
#include "runtime/kernels/cuda/team.cuh"
#include "runtime/kernels/cuda/totals.cuh"

namespace graphrt::cuda {
namespace {

template <class Norm, class T>
__global__ void find_row_scales(const NormRows rows, const T* x, RowScale* scales) {
  const OwnRow row(rows);
  const RowScale scale = scale_of_long_row<Norm>(x + row.start, row, rows.numbers);
  if (row.size > 0 && row.team.lane() == 0) scales[row.number] = scale;
}

/// How teams of threads share columns: chunks of `chunk_size` rows each.
struct Columns {
  int64_t num_columns;
  int64_t num_rows;
  int64_t chunk_size;
  TeamLayout layout;

  unsigned num_chunks() const { return num_blocks_for(num_rows, chunk_size); }
  dim3 grid() const {
    return {num_blocks_for(num_columns, layout.teams_per_block()), num_chunks()};
  }
};

/// The team's sum of term(element) over chunk blockIdx.y of its column; lane 0 writes it to
/// y[chunk, column].
template <class Term, class Output>
__device__ void sum_column(const Columns& columns, Term term, Output y) {
  const Team team(columns.layout);
  const int64_t column = int64_t{blockIdx.x} * columns.layout.teams_per_block() + team.index();
  const bool has_column = column < columns.num_columns;
  const int64_t begin = blockIdx.y * columns.chunk_size;
  const int64_t end = has_column ? min(begin + columns.chunk_size, columns.num_rows) : begin;
  double total = 0;
#pragma unroll 4
  for (int64_t row = begin + team.lane(); row < end; row += team.width()) {
    total += term(row, row * columns.num_columns + column);
  }
  total = team.reduce(total, Plus{});
  if (!has_column || team.lane() != 0) return;
  put_total(y, blockIdx.y * columns.num_columns + column, total);
}

/// Sums of gradient * xhat.
template <class T>
__global__ void sum_scale_gradients(const Columns columns, const T* gradient, const T* x,
                                    const RowScale* scales, TotalsOrResults<double> y) {
  const auto term = [&](int64_t row, int64_t at) {
    return widened(gradient[at]) * scales[row].xhat(widened(x[at]));
  };
  sum_column(columns, term, y);
}

__global__ void sum_totals(const Columns columns, const double* totals, TotalsOrResults<double> y) {
  sum_column(columns, [&](int64_t, int64_t at) { return totals[at]; }, y);
}

/// Rows are taken in passes, as many at a time as the scratch memory has room to keep the scales of; the
/// totals of all chunks of all passes are added up in the end.
template <class Norm, class T>
class LongNormScaleGradKernel : public CudaKernel {
 public:
  LongNormScaleGradKernel(const NormRows& rows, ElementType result)
      : rows_(rows),
        result_(result),
        scales_bytes_(std::min(rows.num_rows, kRowsPerPass) * int64_t{sizeof(RowScale)}),
        chunk_size_(chunk_size_for(rows)) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    double* totals = elements<double>(at.scratch + scales_bytes_);
    const TotalsOrResults<double> y{{at.result(), result_}, false};
    if (rows_.num_rows <= chunk_size_) {
      return launch_pass(rows_, at, 0, y, queue);
    }
    int64_t num_totals = 0;
    for (int64_t first = 0; first < rows_.num_rows; first += kRowsPerPass) {
      NormRows pass = rows_;
      pass.num_rows = std::min(kRowsPerPass, rows_.num_rows - first);
      auto* totals_of_pass = reinterpret_cast<std::byte*>(totals + num_totals * rows_.size);
      TRY(launch_pass(pass, at, first, {{totals_of_pass, result_}, true}, queue));
      num_totals += columns_of(pass).num_chunks();
    }
    const Columns columns{.num_columns = rows_.size,
                          .num_rows = num_totals,
                          .chunk_size = num_totals,
                          .layout = team_layout_for(rows_.size, num_totals, rows_.size)};
    sum_totals<<<columns.grid(), kThreadsPerBlock, 0, queue.stream>>>(columns, totals, y);
    CUDA_TRY(cudaGetLastError());
    return {};
  }

 private:
  static constexpr int64_t kMaxScalesBytes = kMaxScratchBytes / 2;
  static constexpr int64_t kRowsPerPass = kMaxScalesBytes / sizeof(RowScale);
  static constexpr int64_t kMaxTotals = (kMaxScratchBytes - kMaxScalesBytes) / sizeof(double);

  /// Chunks that make enough blocks to fill a large GPU, of enough rows to be worth it, and whose
  /// totals fit in the scratch memory.
  static int64_t chunk_size_for(const NormRows& rows) {
    constexpr int64_t kWantedBlocks = 1024;
    constexpr int64_t kFewestRowsPerThread = 16;
    const int64_t num_rows = std::min(rows.num_rows, kRowsPerPass);
    const int64_t num_passes = num_blocks_for(rows.num_rows, kRowsPerPass);
    const TeamLayout layout = team_layout_for(rows.size, num_rows, rows.size);
    const int64_t num_blocks = num_blocks_for(rows.size, layout.teams_per_block());
    const int64_t most =
        std::min({kWantedBlocks / num_blocks, num_rows / (layout.width * kFewestRowsPerThread),
                  kMaxTotals / (rows.size * num_passes)});
    const int64_t num_chunks = std::max<int64_t>(1, most);
    return (num_rows + num_chunks - 1) / num_chunks;
  }

  Columns columns_of(const NormRows& pass) const {
    return {.num_columns = pass.size,
            .num_rows = pass.num_rows,
            .chunk_size = chunk_size_,
            .layout = team_layout_for(pass.size, pass.num_rows, pass.size)};
  }

  Result<void> launch_pass(const NormRows& pass, const KernelArguments& at, int64_t first_row,
                           const TotalsOrResults<double>& y, const CudaQueue& queue) const {
    const T* gradient = elements<T>(at.inputs[0]) + first_row * pass.size;
    const T* x = elements<T>(at.inputs[1]) + first_row * pass.size;
    RowScale* scales = elements<RowScale>(at.scratch);
    find_row_scales<Norm>
        <<<pass.num_blocks(), kThreadsPerBlock, 0, queue.stream>>>(pass, x, scales);
    CUDA_TRY(cudaGetLastError());
    const Columns columns = columns_of(pass);
    sum_scale_gradients<<<columns.grid(), kThreadsPerBlock, 0, queue.stream>>>(columns, gradient, x,
                                                                               scales, y);
    CUDA_TRY(cudaGetLastError());
    return {};
  }

  NormRows rows_;
  ElementType result_;
  int64_t scales_bytes_;  ///< the totals lie behind them
  int64_t chunk_size_;
};

}  // namespace

template <class Norm, class T>
KernelResult make_long_scale_gradient(const NormRows& rows, ElementType result) {
  return std::make_unique<LongNormScaleGradKernel<Norm, T>>(rows, result);
}

#define GRAPHC_LONG_SCALE_GRADIENTS(T)                                                    \
  template KernelResult make_long_scale_gradient<AboutMean, T>(const NormRows& rows,      \
                                                               ElementType result);       \
  template KernelResult make_long_scale_gradient<RootMeanSquare, T>(const NormRows& rows, \
                                                                    ElementType result);
GRAPHC_LONG_SCALE_GRADIENTS(float)
GRAPHC_LONG_SCALE_GRADIENTS(__half)
GRAPHC_LONG_SCALE_GRADIENTS(__nv_bfloat16)
#undef GRAPHC_LONG_SCALE_GRADIENTS

}  // namespace graphrt::cuda

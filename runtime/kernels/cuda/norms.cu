// Norms over the last dimension. A team of threads takes a row; threads without a row have one of
// no elements, because all threads of a block take part in its reductions.
#include <algorithm>

#include "runtime/base/strides.h"
#include "runtime/kernels/cuda/prepare.h"
#include "runtime/kernels/cuda/team.cuh"
#include "runtime/kernels/cuda/totals.cuh"

namespace graphrt::cuda {
namespace {

/// Tensors of rows, and what is added to the mean square of each.
struct NormRows {
  int64_t num_rows;
  int64_t size;
  double epsilon;
  TeamLayout layout;

  unsigned num_blocks() const { return num_blocks_for(num_rows, layout.teams_per_block()); }
};

NormRows norm_rows_of(const TensorType& type, double epsilon) {
  const AxisSplit split = split_at(type.shape, -1);
  return {split.outer, split.size, epsilon, team_layout_for(split.outer, split.size, 1)};
}

/// The row of the calling thread's team.
struct OwnRow {
  Team team;
  int64_t number;
  int64_t size;   ///< 0 where there is none
  int64_t start;  ///< of its elements

  __device__ explicit OwnRow(const NormRows& rows)
      : team(rows.layout),
        number(int64_t{blockIdx.x} * rows.layout.teams_per_block() + team.index()),
        size(number < rows.num_rows ? rows.size : 0),
        start(size > 0 ? number * size : 0) {}
};

/// xhat = (x - center) * factor, in double: in a gradient, most of it may cancel out.
struct RowScale {
  double center;
  double factor;
  __device__ double xhat(float x) const { return (x - center) * factor; }
};

struct Sums {
  double first;
  double second;
};

struct AddSums {
  __device__ Sums operator()(const Sums& a, const Sums& b) const {
    return {a.first + b.first, a.second + b.second};
  }
};

/// The sums of x - shift and of its square over the team's row, for every thread of the team.
__device__ Sums moments_of(const float* x, const OwnRow& row, double shift) {
  Sums sums = {0, 0};
#pragma unroll 4
  for (int64_t i = row.team.lane(); i < row.size; i += row.team.width()) {
    const double distance = x[i] - shift;
    sums.first += distance;
    sums.second += distance * distance;
  }
  return row.team.reduce(sums, AddSums{});
}

struct AboutMean {
  static constexpr bool kTakesMeanAway = true;
  static constexpr double kEpsilon = 1e-5;

  /// One reading of the row is enough for its variance: distances from one of its elements are no
  /// larger than what it varies by, and keep their digits.
  __device__ static RowScale scale_of(const float* x, const OwnRow& row, double epsilon) {
    const double shift = x[0];
    const Sums sums = moments_of(x, row, shift);
    const auto size = static_cast<double>(row.size);
    const double mean = sums.first / size;
    const double variance = sums.second / size - mean * mean;
    // Rounding may leave less than nothing. A NaN stays.
    return {shift + mean, 1 / sqrt((variance < 0 ? 0 : variance) + epsilon)};
  }
};

struct RootMeanSquare {
  static constexpr bool kTakesMeanAway = false;
  static constexpr double kEpsilon = 1e-6;

  __device__ static RowScale scale_of(const float* x, const OwnRow& row, double epsilon) {
    const Sums sums = moments_of(x, row, 0);
    return {0, 1 / sqrt(sums.second / static_cast<double>(row.size) + epsilon)};
  }
};

/// xhat * gamma, plus beta where there is one.
template <class Norm>
__global__ void normalize_rows(const NormRows rows, const float* x, const float* gamma,
                               const float* beta, float* y) {
  const OwnRow row(rows);
  const RowScale scale = Norm::scale_of(x + row.start, row, rows.epsilon);
  for (int64_t i = row.team.lane(); i < row.size; i += row.team.width()) {
    const float shift = beta != nullptr ? beta[i] : 0.0F;
    y[row.start + i] = static_cast<float>(scale.xhat(x[row.start + i]) * gamma[i] + shift);
  }
}

template <class Norm>
class NormKernel : public CudaKernel {
 public:
  explicit NormKernel(const NormRows& rows) : rows_(rows) {}

  Result<void> launch(std::span<const std::byte* const> inputs, std::byte* output,
                      const CudaQueue& queue) const override {
    const auto* beta = inputs.size() > 2 ? elements<float>(inputs[2]) : nullptr;
    normalize_rows<Norm><<<rows_.num_blocks(), kThreadsPerBlock, 0, queue.stream>>>(
        rows_, elements<float>(inputs[0]), elements<float>(inputs[1]), beta,
        elements<float>(output));
    CUDA_TRY(cudaGetLastError());
    return {};
  }

 private:
  NormRows rows_;
};

/// With u = gradient * gamma: (u - mean(u) - xhat * mean(u * xhat)) * factor; a norm that takes no
/// mean away lets mean(u) stay.
template <class Norm>
__global__ void row_gradients(const NormRows rows, const float* gradient, const float* x,
                              const float* gamma, float* y) {
  const OwnRow row(rows);
  gradient += row.start;
  x += row.start;
  const RowScale scale = Norm::scale_of(x, row, rows.epsilon);
  Sums sums = {0, 0};
#pragma unroll 4
  for (int64_t i = row.team.lane(); i < row.size; i += row.team.width()) {
    const double u = static_cast<double>(gradient[i]) * gamma[i];
    sums.first += u;
    sums.second += u * scale.xhat(x[i]);
  }
  sums = row.team.reduce(sums, AddSums{});
  const double offset = Norm::kTakesMeanAway ? sums.first / static_cast<double>(row.size) : 0;
  const double slope = sums.second / static_cast<double>(row.size);
  for (int64_t i = row.team.lane(); i < row.size; i += row.team.width()) {
    const double u = static_cast<double>(gradient[i]) * gamma[i];
    y[row.start + i] = static_cast<float>((u - offset - scale.xhat(x[i]) * slope) * scale.factor);
  }
}

template <class Norm>
class NormGradKernel : public CudaKernel {
 public:
  explicit NormGradKernel(const NormRows& rows) : rows_(rows) {}

  Result<void> launch(std::span<const std::byte* const> inputs, std::byte* output,
                      const CudaQueue& queue) const override {
    row_gradients<Norm><<<rows_.num_blocks(), kThreadsPerBlock, 0, queue.stream>>>(
        rows_, elements<float>(inputs[0]), elements<float>(inputs[1]), elements<float>(inputs[2]),
        elements<float>(output));
    CUDA_TRY(cudaGetLastError());
    return {};
  }

 private:
  NormRows rows_;
};

template <class Norm>
__global__ void find_row_scales(const NormRows rows, const float* x, RowScale* scales) {
  const OwnRow row(rows);
  const RowScale scale = Norm::scale_of(x + row.start, row, rows.epsilon);
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
__device__ void sum_column(const Columns& columns, Term term, Output* y) {
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
  y[blockIdx.y * columns.num_columns + column] = static_cast<Output>(total);
}

/// Sums of gradient * xhat.
template <class Output>
__global__ void sum_scale_gradients(const Columns columns, const float* gradient, const float* x,
                                    const RowScale* scales, Output* y) {
  const auto term = [&](int64_t row, int64_t at) { return gradient[at] * scales[row].xhat(x[at]); };
  sum_column(columns, term, y);
}

__global__ void sum_totals(const Columns columns, const double* totals, float* y) {
  sum_column(columns, [&](int64_t, int64_t at) { return totals[at]; }, y);
}

/// Rows are taken in passes, as many at a time as the workspace has room to keep the scales of; the
/// totals of all chunks of all passes are added up in the end.
template <class Norm>
class NormScaleGradKernel : public CudaKernel {
 public:
  explicit NormScaleGradKernel(const NormRows& rows)
      : rows_(rows), chunk_size_(chunk_size_for(rows)) {}

  Result<void> launch(std::span<const std::byte* const> inputs, std::byte* output,
                      const CudaQueue& queue) const override {
    double* totals = elements<double>(queue.workspace + kScalesBytes);
    float* y = elements<float>(output);
    if (rows_.num_rows <= chunk_size_) {
      return launch_pass(rows_, inputs, 0, y, queue);
    }
    int64_t num_totals = 0;
    for (int64_t first = 0; first < rows_.num_rows; first += kRowsPerPass) {
      NormRows pass = rows_;
      pass.num_rows = std::min(kRowsPerPass, rows_.num_rows - first);
      TRY(launch_pass(pass, inputs, first, totals + num_totals * rows_.size, queue));
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
  static constexpr int64_t kScalesBytes = kCudaWorkspaceBytes / 2;
  static constexpr int64_t kRowsPerPass = kScalesBytes / sizeof(RowScale);
  static constexpr int64_t kMaxTotals = (kCudaWorkspaceBytes - kScalesBytes) / sizeof(double);

  /// Chunks that make enough blocks to fill a large GPU, of enough rows to be worth it, and whose
  /// totals fit in the workspace.
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

  template <class Output>
  Result<void> launch_pass(const NormRows& pass, std::span<const std::byte* const> inputs,
                           int64_t first_row, Output* y, const CudaQueue& queue) const {
    const float* gradient = elements<float>(inputs[0]) + first_row * pass.size;
    const float* x = elements<float>(inputs[1]) + first_row * pass.size;
    RowScale* scales = elements<RowScale>(queue.workspace);
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
  int64_t chunk_size_;
};

/// A kernel for the rows of the first operand.
template <template <class> class Kernel, class Norm>
KernelResult make_norm(const KernelSpec& spec) {
  const double epsilon = spec.attributes.number("epsilon", Norm::kEpsilon);
  return std::make_unique<Kernel<Norm>>(norm_rows_of(spec.inputs[0], epsilon));
}

}  // namespace

KernelResult prepare_layer_norm(const KernelSpec& spec) {
  return make_norm<NormKernel, AboutMean>(spec);
}

KernelResult prepare_layer_norm_grad(const KernelSpec& spec) {
  return make_norm<NormGradKernel, AboutMean>(spec);
}

KernelResult prepare_layer_norm_scale_grad(const KernelSpec& spec) {
  return make_norm<NormScaleGradKernel, AboutMean>(spec);
}

KernelResult prepare_rms_norm(const KernelSpec& spec) {
  return make_norm<NormKernel, RootMeanSquare>(spec);
}

KernelResult prepare_rms_norm_grad(const KernelSpec& spec) {
  return make_norm<NormGradKernel, RootMeanSquare>(spec);
}

KernelResult prepare_rms_norm_scale_grad(const KernelSpec& spec) {
  return make_norm<NormScaleGradKernel, RootMeanSquare>(spec);
}

}  // namespace graphrt::cuda

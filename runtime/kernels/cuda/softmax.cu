// Softmax and the loss that comes with it, row by row.
#include <limits>

#include "runtime/kernels/cuda/prepare.h"
#include "runtime/kernels/cuda/rows.cuh"
#include "runtime/kernels/cuda/totals.cuh"

namespace graphrt::cuda {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNotANumber = std::numeric_limits<float>::quiet_NaN();

/// Of some elements of a row: the largest, and the sum of exp(element - largest).
struct ExpSum {
  float largest;
  double total;
};

/// -inf adds nothing, also where nothing larger has been seen and exp(-inf - -inf) would be NaN.
__device__ void add_element(ExpSum& sum, float x) {
  if (x > sum.largest) {
    sum.total *= static_cast<double>(expf(sum.largest - x));
    sum.largest = x;
  }
  if (x != -kInfinity) sum.total += static_cast<double>(expf(x - sum.largest));
}

struct MergeExpSums {
  __device__ ExpSum operator()(const ExpSum& a, const ExpSum& b) const {
    const bool a_is_upper = a.largest >= b.largest;
    const float upper = a_is_upper ? a.largest : b.largest;
    const float lower = a_is_upper ? b.largest : a.largest;
    // Equal ones may be infinite: their difference would be NaN.
    const float weight = lower == upper ? 1.0F : expf(lower - upper);
    const double upper_total = a_is_upper ? a.total : b.total;
    const double lower_total = a_is_upper ? b.total : a.total;
    return {upper, upper_total + lower_total * static_cast<double>(weight)};
  }
};

/// The whole row's sums, for every thread of the team, in one reading of the row.
__device__ ExpSum exp_sum_of(const float* row, int64_t size, int64_t stride, const Team& team) {
  ExpSum sum = {-kInfinity, 0};
#pragma unroll 4
  for (int64_t i = team.lane(); i < size; i += team.width()) add_element(sum, row[i * stride]);
  return team.reduce(sum, MergeExpSums{});
}

/// `num_causal_rows`: rows of a matrix whose row i uses columns 0 .. i, the others being 0 in the
/// result; 0 where all rows use all columns.
__global__ void softmax_rows(const Rows rows, int64_t num_causal_rows, const float* x, float* y) {
  const Team team(rows.layout);
  const int64_t row = int64_t{blockIdx.x} * rows.layout.teams_per_block() + team.index();
  const int64_t size = row < rows.num_rows ? rows.split.size : 0;
  const int64_t num_used = num_causal_rows > 0 ? min(size, row % num_causal_rows + 1) : size;
  const int64_t start = size > 0 ? rows.start_of(row) : 0;
  const int64_t stride = rows.split.inner;
  const ExpSum sum = exp_sum_of(x + start, num_used, stride, team);
  const auto factor = static_cast<float>(1 / sum.total);
  for (int64_t i = team.lane(); i < size; i += team.width()) {
    const int64_t at = start + i * stride;
    y[at] = i < num_used ? expf(x[at] - sum.largest) * factor : 0.0F;
  }
}

class SoftmaxKernel : public CudaKernel {
 public:
  SoftmaxKernel(const Rows& rows, int64_t num_causal_rows)
      : rows_(rows), num_causal_rows_(num_causal_rows) {}

  Result<void> launch(std::span<const std::byte* const> inputs, std::byte* output,
                      const CudaQueue& queue) const override {
    softmax_rows<<<rows_.num_blocks(), kThreadsPerBlock, 0, queue.stream>>>(
        rows_, num_causal_rows_, elements<float>(inputs[0]), elements<float>(output));
    CUDA_TRY(cudaGetLastError());
    return {};
  }

 private:
  Rows rows_;
  int64_t num_causal_rows_;
};

/// y * (gradient - sum(gradient * y)). A thread alone reads what it overwrites if the result takes
/// the bytes of an operand.
__global__ void softmax_gradients(const Rows rows, const float* gradient, const float* y,
                                  float* result) {
  const Team team(rows.layout);
  const int64_t row = int64_t{blockIdx.x} * rows.layout.teams_per_block() + team.index();
  const int64_t size = row < rows.num_rows ? rows.split.size : 0;
  const int64_t start = size > 0 ? rows.start_of(row) : 0;
  const int64_t stride = rows.split.inner;
  double total = 0;
#pragma unroll 4
  for (int64_t i = team.lane(); i < size; i += team.width()) {
    const int64_t at = start + i * stride;
    total += static_cast<double>(gradient[at]) * static_cast<double>(y[at]);
  }
  // In double: the difference may cancel out, or be too large for f32.
  const double mean = team.reduce(total, Plus{});
  for (int64_t i = team.lane(); i < size; i += team.width()) {
    const int64_t at = start + i * stride;
    result[at] = static_cast<float>(y[at] * (gradient[at] - mean));
  }
}

class SoftmaxGradKernel : public CudaKernel {
 public:
  explicit SoftmaxGradKernel(const Rows& rows) : rows_(rows) {}

  Result<void> launch(std::span<const std::byte* const> inputs, std::byte* output,
                      const CudaQueue& queue) const override {
    softmax_gradients<<<rows_.num_blocks(), kThreadsPerBlock, 0, queue.stream>>>(
        rows_, elements<float>(inputs[0]), elements<float>(inputs[1]), elements<float>(output));
    CUDA_TRY(cudaGetLastError());
    return {};
  }

 private:
  Rows rows_;
};

__device__ bool is_class(int32_t label, int64_t num_classes) {
  return label >= 0 && label < num_classes;
}

/// log(sum(exp(row))) - row[label]. A label that names no class makes the loss NaN: visible, where
/// reading past the row would not be.
__device__ double row_loss(const float* row, int64_t num_classes, int32_t label,
                           const ExpSum& sum) {
  if (!is_class(label, num_classes)) return kNotANumber;
  return log(sum.total) + (static_cast<double>(sum.largest) - static_cast<double>(row[label]));
}

/// totals[block] = the sum of the losses of every gridDim.x-th group of rows.
__global__ void cross_entropy_losses(const Rows rows, const float* logits, const int32_t* label,
                                     double* totals) {
  const Team team(rows.layout);
  const int64_t num_classes = rows.split.size;
  const int64_t group_size = rows.layout.teams_per_block();
  double total = 0;
  for (int64_t first = blockIdx.x * group_size; first < rows.num_rows;
       first += gridDim.x * group_size) {
    const int64_t row = first + team.index();
    const bool has_row = row < rows.num_rows;
    const float* start = logits + (has_row ? row * num_classes : 0);
    const ExpSum sum = exp_sum_of(start, has_row ? num_classes : 0, 1, team);
    if (has_row && team.lane() == 0) total += row_loss(start, num_classes, label[row], sum);
  }
  total = block_total(total);
  if (threadIdx.x == 0) totals[blockIdx.x] = total;
}

class CrossEntropyKernel : public CudaKernel {
 public:
  explicit CrossEntropyKernel(const Rows& rows)
      : rows_(rows), num_blocks_(std::min(rows.num_blocks(), kMaxTotals)) {}

  Result<void> launch(std::span<const std::byte* const> inputs, std::byte* output,
                      const CudaQueue& queue) const override {
    double* totals = elements<double>(queue.workspace);
    cross_entropy_losses<<<num_blocks_, kThreadsPerBlock, 0, queue.stream>>>(
        rows_, elements<float>(inputs[0]), elements<int32_t>(inputs[1]), totals);
    CUDA_TRY(cudaGetLastError());
    return launch_quotient(totals, num_blocks_, rows_.num_rows, elements<float>(output), queue);
  }

 private:
  Rows rows_;
  unsigned num_blocks_;
};

/// (softmax - onehot(label)) * scale; NaN in rows whose label names no class.
__global__ void cross_entropy_gradients(const Rows rows, const float* logits, const int32_t* label,
                                        float scale, float* y) {
  const Team team(rows.layout);
  const int64_t row = int64_t{blockIdx.x} * rows.layout.teams_per_block() + team.index();
  const int64_t size = row < rows.num_rows ? rows.split.size : 0;
  const int64_t start = size > 0 ? row * size : 0;
  const ExpSum sum = exp_sum_of(logits + start, size, 1, team);
  if (size == 0) return;
  const int32_t row_label = label[row];
  const float factor = is_class(row_label, size) ? static_cast<float>(1 / sum.total) : kNotANumber;
  for (int64_t i = team.lane(); i < size; i += team.width()) {
    const float probability = expf(logits[start + i] - sum.largest) * factor;
    y[start + i] = (probability - (i == row_label ? 1.0F : 0.0F)) * scale;
  }
}

class CrossEntropyGradKernel : public CudaKernel {
 public:
  CrossEntropyGradKernel(const Rows& rows, float scale) : rows_(rows), scale_(scale) {}

  Result<void> launch(std::span<const std::byte* const> inputs, std::byte* output,
                      const CudaQueue& queue) const override {
    cross_entropy_gradients<<<rows_.num_blocks(), kThreadsPerBlock, 0, queue.stream>>>(
        rows_, elements<float>(inputs[0]), elements<int32_t>(inputs[1]), scale_,
        elements<float>(output));
    CUDA_TRY(cudaGetLastError());
    return {};
  }

 private:
  Rows rows_;
  float scale_;
};

constexpr int64_t kClassAxis = 1;

}  // namespace

KernelResult prepare_softmax(const KernelSpec& spec) {
  const Shape& shape = spec.result.shape;
  const int64_t num_causal_rows = spec.attributes.flag("causal") ? shape[shape.size() - 2] : 0;
  return std::make_unique<SoftmaxKernel>(rows_of(shape, spec.attributes.integer("axis", -1)),
                                         num_causal_rows);
}

KernelResult prepare_softmax_grad(const KernelSpec& spec) {
  return std::make_unique<SoftmaxGradKernel>(
      rows_of(spec.result.shape, spec.attributes.integer("axis", -1)));
}

KernelResult prepare_softmax_cross_entropy(const KernelSpec& spec) {
  return std::make_unique<CrossEntropyKernel>(rows_of(spec.inputs[0].shape, kClassAxis));
}

KernelResult prepare_softmax_cross_entropy_grad(const KernelSpec& spec) {
  const double mean = 1 / static_cast<double>(spec.result.shape[0]);
  const double scale = spec.attributes.number("scale", mean);
  return std::make_unique<CrossEntropyGradKernel>(rows_of(spec.result.shape, kClassAxis),
                                                  static_cast<float>(scale));
}

}  // namespace graphrt::cuda

// Operators that look at one row at a time, a row being all elements along one axis. A team of
// threads takes a row. Threads without a row have one of no elements, because all threads of a
// block take part in its reductions.
#include <limits>

#include "runtime/base/strides.h"
#include "runtime/kernels/cuda/prepare.h"
#include "runtime/kernels/cuda/team.cuh"

namespace graphrt::cuda {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNotANumber = std::numeric_limits<float>::quiet_NaN();

/// The rows of a tensor: row (o, n) has the number o * inner + n and a stride of `inner`.
struct Rows {
  AxisSplit split;
  int64_t num_rows;
  TeamLayout layout;

  unsigned num_blocks() const { return num_blocks_for(num_rows, layout.teams_per_block()); }

  __device__ int64_t start_of(int64_t row) const {
    if (split.inner == 1) return row * split.size;
    const int64_t o = row / split.inner;
    return o * split.size * split.inner + (row - o * split.inner);
  }
};

Rows rows_of(const Shape& shape, int64_t axis) {
  const AxisSplit split = split_at(shape, axis);
  const int64_t num_rows = split.outer * split.inner;
  return {split, num_rows, team_layout_for(num_rows, split.size, split.inner)};
}

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

__global__ void softmax_rows(const Rows rows, const float* x, float* y) {
  const Team team(rows.layout);
  const int64_t row = int64_t{blockIdx.x} * rows.layout.teams_per_block() + team.index();
  const int64_t size = row < rows.num_rows ? rows.split.size : 0;
  const int64_t start = size > 0 ? rows.start_of(row) : 0;
  const int64_t stride = rows.split.inner;
  const ExpSum sum = exp_sum_of(x + start, size, stride, team);
  const auto factor = static_cast<float>(1 / sum.total);
  for (int64_t i = team.lane(); i < size; i += team.width()) {
    const int64_t at = start + i * stride;
    y[at] = expf(x[at] - sum.largest) * factor;
  }
}

class SoftmaxKernel : public CudaKernel {
 public:
  explicit SoftmaxKernel(const Rows& rows) : rows_(rows) {}

  Result<void> launch(std::span<const std::byte* const> inputs, std::byte* output,
                      const CudaQueue& queue) const override {
    softmax_rows<<<rows_.num_blocks(), kThreadsPerBlock, 0, queue.stream>>>(
        rows_, elements<float>(inputs[0]), elements<float>(output));
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

struct Plus {
  __device__ double operator()(double a, double b) const { return a + b; }
};

__device__ double block_total(double value) {
  return Team({kThreadsPerBlock, false}).reduce(value, Plus{});
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

/// One block.
__global__ void mean_of_losses(const double* totals, int num_totals, int64_t num_rows, float* y) {
  double total = 0;
  for (int i = static_cast<int>(threadIdx.x); i < num_totals; i += kThreadsPerBlock) {
    total += totals[i];
  }
  total = block_total(total);
  if (threadIdx.x == 0) *y = static_cast<float>(total / static_cast<double>(num_rows));
}

class CrossEntropyKernel : public CudaKernel {
 public:
  explicit CrossEntropyKernel(const Rows& rows)
      : rows_(rows), num_blocks_(std::min(rows.num_blocks(), kMostBlocks)) {}

  Result<void> launch(std::span<const std::byte* const> inputs, std::byte* output,
                      const CudaQueue& queue) const override {
    double* totals = elements<double>(queue.workspace);
    cross_entropy_losses<<<num_blocks_, kThreadsPerBlock, 0, queue.stream>>>(
        rows_, elements<float>(inputs[0]), elements<int32_t>(inputs[1]), totals);
    CUDA_TRY(cudaGetLastError());
    mean_of_losses<<<1, kThreadsPerBlock, 0, queue.stream>>>(
        totals, static_cast<int>(num_blocks_), rows_.num_rows, elements<float>(output));
    CUDA_TRY(cudaGetLastError());
    return {};
  }

 private:
  /// Enough to fill a large GPU. The same on every GPU, and so are the results.
  static constexpr unsigned kMostBlocks = 1024;

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

template <class T>
struct Candidate {
  T value;
  int32_t index;
};

/// The larger one; the lower index of equals. A NaN is larger than every number.
template <class T>
struct Larger {
  __device__ static bool is_nan(T value) { return value != value; }

  __device__ Candidate<T> operator()(const Candidate<T>& a, const Candidate<T>& b) const {
    return wins(b, a) ? b : a;
  }

  __device__ static bool wins(const Candidate<T>& a, const Candidate<T>& b) {
    if (is_nan(a.value) != is_nan(b.value)) return is_nan(a.value);
    if (a.value > b.value) return true;
    if (a.value < b.value) return false;
    return a.index < b.index;
  }
};

constexpr int32_t kNoIndex = std::numeric_limits<int32_t>::max();
template <class T>
constexpr T kSmallest = std::numeric_limits<T>::lowest();
template <>
constexpr float kSmallest<float> = -kInfinity;

template <class T>
__global__ void argmax_rows(const Rows rows, const T* x, int32_t* y) {
  const Team team(rows.layout);
  const int64_t row = int64_t{blockIdx.x} * rows.layout.teams_per_block() + team.index();
  const int64_t size = row < rows.num_rows ? rows.split.size : 0;
  const T* start = x + (size > 0 ? rows.start_of(row) : 0);
  const Larger<T> larger;
  // Loses against every element: no index is as high.
  Candidate<T> best = {kSmallest<T>, kNoIndex};
#pragma unroll 4
  for (int64_t i = team.lane(); i < size; i += team.width()) {
    best = larger(best, {start[i * rows.split.inner], static_cast<int32_t>(i)});
  }
  best = team.reduce(best, larger);
  if (size > 0 && team.lane() == 0) y[row] = best.index;
}

template <class T>
class ArgmaxKernel : public CudaKernel {
 public:
  explicit ArgmaxKernel(const Rows& rows) : rows_(rows) {}

  Result<void> launch(std::span<const std::byte* const> inputs, std::byte* output,
                      const CudaQueue& queue) const override {
    argmax_rows<T><<<rows_.num_blocks(), kThreadsPerBlock, 0, queue.stream>>>(
        rows_, elements<T>(inputs[0]), elements<int32_t>(output));
    CUDA_TRY(cudaGetLastError());
    return {};
  }

 private:
  Rows rows_;
};

constexpr int64_t kClassAxis = 1;

}  // namespace

KernelResult prepare_softmax(const KernelSpec& spec) {
  return std::make_unique<SoftmaxKernel>(
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

KernelResult prepare_argmax(const KernelSpec& spec) {
  const TensorType& input = spec.inputs[0];
  const Rows rows = rows_of(input.shape, spec.attributes.integer("axis", -1));
  if (input.element == ElementType::kI32) return std::make_unique<ArgmaxKernel<int32_t>>(rows);
  return std::make_unique<ArgmaxKernel<float>>(rows);
}

}  // namespace graphrt::cuda

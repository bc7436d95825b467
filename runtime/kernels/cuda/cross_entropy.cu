// The loss that comes with softmax, and its gradient, row by row.
#include <limits>

#include "runtime/kernels/cuda/exp_sum.cuh"
#include "runtime/kernels/cuda/held_rows.cuh"
#include "runtime/kernels/cuda/prepare.h"
#include "runtime/kernels/cuda/rows.cuh"
#include "runtime/kernels/cuda/totals.cuh"

namespace graphrt::cuda {
namespace {

constexpr float kNotANumber = std::numeric_limits<float>::quiet_NaN();

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

/// losses[row], each by the team that holds the row.
template <class Form, class T>
__global__ void __launch_bounds__(kMaxHeldThreads, 2)
    losses_of_held_rows(const HeldRows rows, const T* logits, const int32_t* label,
                        double* losses) {
  HeldRow<Form> row(rows);
  logits += row.start();
  // Read in time, by who needs it in the end.
  const int32_t row_label = row.is_first() ? label[row.number()] : 0;
  const bool has_class = is_class(row_label, rows.size);
  const float logit = row.is_first() && has_class ? widened(logits[row_label]) : kNotANumber;
  HeldElements<Form> held = row.read(logits, row.size(), -kInfinity);
  float largest = -kInfinity;
  for_each_held(row, held, [&](float element, int) { largest = fmaxf(largest, element); });
  largest = row.reduce(largest, MaxOfFloats{});
  double total = 0;
  for_each_held(row, held,
                [&](float element, int) { total += static_cast<double>(expf(element - largest)); });
  total = row.reduce(total, Plus{});
  if (!row.is_first()) return;
  losses[row.number()] = log(total) + (static_cast<double>(largest) - static_cast<double>(logit));
}

/// The same, each by a block.
template <bool kIsAligned, class T>
__global__ void __launch_bounds__(kWideThreads, 4)
    losses_of_wide_rows(const WideRows rows, const T* logits, const int32_t* label,
                        double* losses) {
  const WideRow<kIsAligned> row(rows);
  logits += row.start();
  const int32_t row_label = label[row.number()];
  const bool has_class = is_class(row_label, row.size());
  const float logit = has_class ? widened(logits[row_label]) : kNotANumber;
  const ExpSum sum = exp_sum_of_wide(row, row.size(), logits);
  if (!row.is_first()) return;
  losses[row.number()] =
      log(sum.total) + (static_cast<double>(sum.largest) - static_cast<double>(logit));
}

struct LossOfRow {
  const double* losses;
  __device__ double operator()(int64_t row) const { return losses[row]; }
};

/// The mean of the losses, which the scratch memory holds behind the totals.
class LossesKernel : public CudaKernel {
 public:
  static constexpr int64_t kMaxRows =
      (kMaxScratchBytes - kTotalsBytes) / static_cast<int64_t>(sizeof(double));

  explicit LossesKernel(int64_t num_rows) : num_rows_(num_rows) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    auto* losses = elements<double>(at.scratch + kTotalsBytes);
    TRY(launch_losses(elements<float>(at.inputs[0]), elements<int32_t>(at.inputs[1]), losses,
                      queue));
    // As many as one block adds up faster than two launches do.
    constexpr int64_t kFewRows = 32 * kThreadsPerBlock;
    auto* y = elements<float>(at.result());
    if (num_rows_ <= kFewRows) {
      return launch_quotient(losses, static_cast<unsigned>(num_rows_), num_rows_, y, queue);
    }
    return launch_sum_of_terms(LossOfRow{losses}, num_rows_, num_rows_, at, queue);
  }

 private:
  virtual Result<void> launch_losses(const float* logits, const int32_t* label, double* losses,
                                     const CudaQueue& queue) const = 0;

  int64_t num_rows_;
};

class HeldCrossEntropyKernel : public LossesKernel {
 public:
  explicit HeldCrossEntropyKernel(const HeldRows& rows)
      : LossesKernel(rows.num_rows), rows_(rows) {}

 private:
  Result<void> launch_losses(const float* logits, const int32_t* label, double* losses,
                             const CudaQueue& queue) const override {
    return launch_in_form(rows_, are_aligned(kVectorBytes, logits), [&](auto form) {
      return launch_held(losses_of_held_rows<decltype(form), float>, queue, rows_, logits, label,
                         losses);
    });
  }

  HeldRows rows_;
};

class WideCrossEntropyKernel : public LossesKernel {
 public:
  explicit WideCrossEntropyKernel(const WideRows& rows)
      : LossesKernel(rows.num_rows), rows_(rows) {}

 private:
  Result<void> launch_losses(const float* logits, const int32_t* label, double* losses,
                             const CudaQueue& queue) const override {
    const bool is_aligned = are_aligned(kVectorBytes, logits);
    return launch_wide(
        is_aligned ? losses_of_wide_rows<true, float> : losses_of_wide_rows<false, float>, queue,
        rows_, logits, label, losses);
  }

  WideRows rows_;
};

class CrossEntropyKernel : public CudaKernel {
 public:
  explicit CrossEntropyKernel(const Rows& rows)
      : rows_(rows), num_blocks_(std::min(rows.num_blocks(), kMaxTotals)) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    double* totals = elements<double>(at.scratch);
    cross_entropy_losses<<<num_blocks_, kThreadsPerBlock, 0, queue.stream>>>(
        rows_, elements<float>(at.inputs[0]), elements<int32_t>(at.inputs[1]), totals);
    CUDA_TRY(cudaGetLastError());
    return launch_quotient(totals, num_blocks_, rows_.num_rows, elements<float>(at.result()),
                           queue);
  }

 private:
  Rows rows_;
  unsigned num_blocks_;
};

/// (softmax - onehot(label)) * scale; NaN in rows whose label names no class.
template <class Form, class T>
__global__ void __launch_bounds__(kMaxHeldThreads, 2)
    cross_entropy_gradients_of_held_rows(const HeldRows rows, const T* logits, const int32_t* label,
                                         float scale, T* y) {
  HeldRow<Form> row(rows);
  const int32_t row_label = row.size() > 0 ? label[row.number()] : 0;
  HeldElements<Form> held = row.read(logits + row.start(), row.size(), -kInfinity);
  float largest = -kInfinity;
  for_each_held(row, held, [&](float element, int) { largest = fmaxf(largest, element); });
  largest = row.reduce(largest, MaxOfFloats{});
  const double total = row.reduce(exponentiate(held, largest), Plus{});
  const float factor =
      is_class(row_label, row.size()) ? static_cast<float>(1 / total) : kNotANumber;
  for_each_held(row, held, [&](float& element, int i) {
    element = (element * factor - (i == row_label ? 1.0F : 0.0F)) * scale;
  });
  row.write(y + row.start(), held);
}

template <bool kIsAligned, class T>
__global__ void __launch_bounds__(kWideThreads, 4)
    cross_entropy_gradients_of_wide_rows(const WideRows rows, const T* logits, const int32_t* label,
                                         float scale, T* y) {
  const WideRow<kIsAligned> row(rows);
  logits += row.start();
  y += row.start();
  const int32_t row_label = label[row.number()];
  const ExpSum sum = exp_sum_of_wide(row, row.size(), logits);
  const float factor =
      is_class(row_label, row.size()) ? static_cast<float>(1 / sum.total) : kNotANumber;
  row.read_again(logits, [&](Vector<float, kWidest> vector, int first) {
#pragma unroll
    for (int i = 0; i < kWidest; ++i) {
      const float probability = expf(vector.lane[i] - sum.largest) * factor;
      vector.lane[i] = (probability - (first + i == row_label ? 1.0F : 0.0F)) * scale;
    }
    row.write(y, first, vector);
  });
}

class WideCrossEntropyGradKernel : public CudaKernel {
 public:
  WideCrossEntropyGradKernel(const WideRows& rows, float scale) : rows_(rows), scale_(scale) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    const auto* logits = elements<float>(at.inputs[0]);
    auto* y = elements<float>(at.result());
    const bool is_aligned = are_aligned(kVectorBytes, logits, y);
    return launch_wide(is_aligned ? cross_entropy_gradients_of_wide_rows<true, float>
                                  : cross_entropy_gradients_of_wide_rows<false, float>,
                       queue, rows_, logits, elements<int32_t>(at.inputs[1]), scale_, y);
  }

 private:
  WideRows rows_;
  float scale_;
};

class HeldCrossEntropyGradKernel : public CudaKernel {
 public:
  HeldCrossEntropyGradKernel(const HeldRows& rows, float scale) : rows_(rows), scale_(scale) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    const auto* logits = elements<float>(at.inputs[0]);
    const auto* label = elements<int32_t>(at.inputs[1]);
    auto* y = elements<float>(at.result());
    return launch_in_form(rows_, are_aligned(kVectorBytes, logits, y), [&](auto form) {
      return launch_held(cross_entropy_gradients_of_held_rows<decltype(form), float>, queue, rows_,
                         logits, label, scale_, y);
    });
  }

 private:
  HeldRows rows_;
  float scale_;
};

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

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    cross_entropy_gradients<<<rows_.num_blocks(), kThreadsPerBlock, 0, queue.stream>>>(
        rows_, elements<float>(at.inputs[0]), elements<int32_t>(at.inputs[1]), scale_,
        elements<float>(at.result()));
    CUDA_TRY(cudaGetLastError());
    return {};
  }

 private:
  Rows rows_;
  float scale_;
};

constexpr int64_t kClassAxis = 1;

}  // namespace

KernelResult prepare_softmax_cross_entropy(const KernelSpec& spec) {
  const Shape& shape = spec.inputs[0].shape;
  const int64_t num_rows = shape[0];
  const int64_t size = shape[kClassAxis];
  if (num_rows <= LossesKernel::kMaxRows && are_wide_rows_possible(num_rows, size)) {
    constexpr int64_t kLongestHeld =
        4096;  // longer ones are as fast in parts, and need no registers
    const auto held = held_rows_of(num_rows, size);
    if (held && size <= kLongestHeld) return std::make_unique<HeldCrossEntropyKernel>(*held);
    return std::make_unique<WideCrossEntropyKernel>(wide_rows_of(num_rows, size, 0));
  }
  return std::make_unique<CrossEntropyKernel>(rows_of(shape, kClassAxis));
}

KernelResult prepare_softmax_cross_entropy_grad(const KernelSpec& spec) {
  const Shape& shape = spec.result().shape;
  const double mean = 1 / static_cast<double>(shape[0]);
  const auto scale = static_cast<float>(spec.attributes.number("scale", mean));
  const auto held = held_rows_of(shape[0], shape[kClassAxis]);
  if (held) return std::make_unique<HeldCrossEntropyGradKernel>(*held, scale);
  if (are_wide_rows_possible(shape[0], shape[kClassAxis])) {
    TRY(allow_kept_bytes(cross_entropy_gradients_of_wide_rows<true, float>));
    TRY(allow_kept_bytes(cross_entropy_gradients_of_wide_rows<false, float>));
    return std::make_unique<WideCrossEntropyGradKernel>(
        wide_rows_of(shape[0], shape[kClassAxis], 1), scale);
  }
  return std::make_unique<CrossEntropyGradKernel>(rows_of(shape, kClassAxis), scale);
}

}  // namespace graphrt::cuda

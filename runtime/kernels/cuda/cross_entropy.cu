// The loss that comes with softmax, and its gradient, row by row.
#include <limits>

#include "runtime/kernels/cuda/device_types.cuh"
#include "runtime/kernels/cuda/exp_sum.cuh"
#include "runtime/kernels/cuda/held_rows.cuh"
#include "runtime/kernels/cuda/prepare.h"
#include "runtime/kernels/cuda/rows.cuh"
#include "runtime/kernels/cuda/totals.cuh"

namespace graphrt::cuda {
namespace {

constexpr float kNotANumber = std::numeric_limits<float>::quiet_NaN();

constexpr int64_t kNoClass = -1;

/// The class that a label names, or kNoClass.
__device__ int64_t class_of(int64_t label, int64_t num_classes) {
  return label >= 0 && label < num_classes ? label : kNoClass;
}

/// log(sum(exp(row))) - row[label]. A label that names no class makes the loss NaN: visible, where
/// reading past the row would not be.
template <class T>
__device__ double row_loss(const T* row, int64_t num_classes, int64_t label, const ExpSum& sum) {
  const int64_t own = class_of(label, num_classes);
  if (own == kNoClass) return kNotANumber;
  return log(sum.total) +
         (static_cast<double>(sum.largest) - static_cast<double>(widened(row[own])));
}

/// totals[block] = the sum of the losses of every gridDim.x-th group of rows.
template <class T>
__global__ void cross_entropy_losses(const Rows rows, const T* logits, const AnyIntegers label,
                                     double* totals) {
  const Team team(rows.layout);
  const int64_t num_classes = rows.split.size;
  const int64_t group_size = rows.layout.teams_per_block();
  double total = 0;
  for (int64_t first = blockIdx.x * group_size; first < rows.num_rows;
       first += gridDim.x * group_size) {
    const int64_t row = first + team.index();
    const bool has_row = row < rows.num_rows;
    const T* start = logits + (has_row ? row * num_classes : 0);
    const ExpSum sum = exp_sum_of(start, has_row ? num_classes : 0, 1, team);
    if (has_row && team.lane() == 0) total += row_loss(start, num_classes, label[row], sum);
  }
  total = block_total(total);
  if (threadIdx.x == 0) totals[blockIdx.x] = total;
}

/// losses[row], each by the team that holds the row.
template <class Form, class T>
__global__ void __launch_bounds__(kMaxHeldThreads, kAreNarrow<T> ? 3 : 2)
    losses_of_held_rows(const HeldRows rows, const T* logits, const AnyIntegers label,
                        double* losses) {
  HeldRow<Form> row(rows);
  logits += row.start();
  // Read in time, by who needs it in the end.
  const int64_t own = row.is_first() ? class_of(label[row.number()], rows.size) : kNoClass;
  const float logit = own != kNoClass ? widened(logits[own]) : kNotANumber;
  HeldElements<Form> held = row.read(logits, row.size(), -kInfinity);
  float largest = -kInfinity;
  for_each_held(row, held, [&](float element, int) { largest = fmaxf(largest, element); });
  largest = row.reduce(largest, MaxOfFloats{});
  double total = 0;
  if constexpr (kAreNarrow<T>) {
    total = exponentiate<T>(held, largest);
  } else {
    for_each_held(row, held, [&](float element, int) {
      total += static_cast<double>(expf(element - largest));
    });
  }
  total = row.reduce(total, Plus{});
  if (!row.is_first()) return;
  losses[row.number()] = log(total) + (static_cast<double>(largest) - static_cast<double>(logit));
}

/// The same, each by a block.
template <bool kIsAligned, class T>
__global__ void __launch_bounds__(kWideThreads, wide_blocks<T>(4, 3))
    losses_of_wide_rows(const WideRows rows, const T* logits, const AnyIntegers label,
                        double* losses) {
  const WideRow<T, kIsAligned> row(rows);
  logits += row.start();
  const int64_t own = class_of(label[row.number()], row.size());
  const float logit = own != kNoClass ? widened(logits[own]) : kNotANumber;
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
template <class T>
class LossesKernel : public CudaKernel {
 public:
  static constexpr int64_t kMaxRows =
      (kMaxScratchBytes - kTotalsBytes) / static_cast<int64_t>(sizeof(double));

  LossesKernel(int64_t num_rows, ElementType label) : num_rows_(num_rows), label_(label) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    auto* losses = elements<double>(at.scratch + kTotalsBytes);
    TRY(launch_losses(elements<T>(at.inputs[0]), {at.inputs[1], label_}, losses, queue));
    // As many as one block adds up faster than two launches do.
    constexpr int64_t kFewRows = 32 * kThreadsPerBlock;
    auto* y = elements<float>(at.result());
    if (num_rows_ <= kFewRows) {
      return launch_quotient(losses, static_cast<unsigned>(num_rows_), num_rows_, y, queue);
    }
    return launch_sum_of_terms(LossOfRow{losses}, num_rows_, num_rows_, at, queue);
  }

 private:
  virtual Result<void> launch_losses(const T* logits, const AnyIntegers& label, double* losses,
                                     const CudaQueue& queue) const = 0;

  int64_t num_rows_;
  ElementType label_;
};

template <class T>
class HeldCrossEntropyKernel : public LossesKernel<T> {
 public:
  HeldCrossEntropyKernel(const HeldRows& rows, ElementType label)
      : LossesKernel<T>(rows.num_rows, label), rows_(rows) {}

 private:
  Result<void> launch_losses(const T* logits, const AnyIntegers& label, double* losses,
                             const CudaQueue& queue) const override {
    return launch_in_form<T>(rows_, are_aligned(kVectorBytes, logits), [&](auto form) {
      return launch_held(losses_of_held_rows<decltype(form), T>, queue, rows_, logits, label,
                         losses);
    });
  }

  HeldRows rows_;
};

template <class T>
class WideCrossEntropyKernel : public LossesKernel<T> {
 public:
  WideCrossEntropyKernel(const WideRows& rows, ElementType label)
      : LossesKernel<T>(rows.num_rows, label), rows_(rows) {}

 private:
  Result<void> launch_losses(const T* logits, const AnyIntegers& label, double* losses,
                             const CudaQueue& queue) const override {
    const bool is_aligned = are_aligned(kVectorBytes, logits);
    return launch_wide(is_aligned ? losses_of_wide_rows<true, T> : losses_of_wide_rows<false, T>,
                       queue, rows_, logits, label, losses);
  }

  WideRows rows_;
};

template <class T>
class CrossEntropyKernel : public CudaKernel {
 public:
  CrossEntropyKernel(const Rows& rows, ElementType label)
      : rows_(rows), label_(label), num_blocks_(std::min(rows.num_blocks(), kMaxTotals)) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    double* totals = elements<double>(at.scratch);
    cross_entropy_losses<<<num_blocks_, kThreadsPerBlock, 0, queue.stream>>>(
        rows_, elements<T>(at.inputs[0]), AnyIntegers(at.inputs[1], label_), totals);
    CUDA_TRY(cudaGetLastError());
    return launch_quotient(totals, num_blocks_, rows_.num_rows, elements<float>(at.result()),
                           queue);
  }

 private:
  Rows rows_;
  ElementType label_;
  unsigned num_blocks_;
};

/// (softmax - onehot(label)) * scale; NaN in rows whose label names no class.
template <class Form, class T>
__global__ void __launch_bounds__(kMaxHeldThreads, kAreNarrow<T> ? 3 : 2)
    cross_entropy_gradients_of_held_rows(const HeldRows rows, const T* logits,
                                         const AnyIntegers label, float scale, T* y) {
  HeldRow<Form> row(rows);
  const auto own =
      static_cast<int>(row.size() > 0 ? class_of(label[row.number()], row.size()) : kNoClass);
  HeldElements<Form> held = row.read(logits + row.start(), row.size(), -kInfinity);
  float largest = -kInfinity;
  for_each_held(row, held, [&](float element, int) { largest = fmaxf(largest, element); });
  largest = row.reduce(largest, MaxOfFloats{});
  const double total = row.reduce(exponentiate<T>(held, largest), Plus{});
  const float factor = own != kNoClass ? static_cast<float>(1 / total) : kNotANumber;
  for_each_held(row, held, [&](float& element, int i) {
    element = (element * factor - (i == own ? 1.0F : 0.0F)) * scale;
  });
  row.write(y + row.start(), held);
}

template <bool kIsAligned, class T>
__global__ void __launch_bounds__(kWideThreads, wide_blocks<T>(4, 3))
    cross_entropy_gradients_of_wide_rows(const WideRows rows, const T* logits,
                                         const AnyIntegers label, float scale, T* y) {
  const WideRow<T, kIsAligned> row(rows);
  logits += row.start();
  y += row.start();
  const auto own = static_cast<int>(class_of(label[row.number()], row.size()));
  const ExpSum sum = exp_sum_of_wide(row, row.size(), logits);
  const float factor = own != kNoClass ? static_cast<float>(1 / sum.total) : kNotANumber;
  const float scaled_factor = factor * scale;  // of 16-bit elements
  row.read_again(logits, [&](auto vector, int first) {
#pragma unroll
    for (int i = 0; i < kLanesOf<T>; ++i) {
      const float power = exp_of<T>(vector.lane[i] - sum.largest);
      if constexpr (kAreNarrow<T>) {
        vector.lane[i] = power * scaled_factor;
      } else {
        vector.lane[i] = (power * factor - (first + i == own ? 1.0F : 0.0F)) * scale;
      }
    }
    if constexpr (kAreNarrow<T>) {
      // One vector of the row has the class.
      if (own >= first && own < first + kLanesOf<T>) {
#pragma unroll
        for (int i = 0; i < kLanesOf<T>; ++i) vector.lane[i] -= first + i == own ? scale : 0.0F;
      }
    }
    row.write(y, first, vector);
  });
}

template <class T>
class WideCrossEntropyGradKernel : public CudaKernel {
 public:
  WideCrossEntropyGradKernel(const WideRows& rows, ElementType label, float scale)
      : rows_(rows), label_(label), scale_(scale) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    const auto* logits = elements<T>(at.inputs[0]);
    auto* y = elements<T>(at.result());
    const bool is_aligned = are_aligned(kVectorBytes, logits, y);
    return launch_wide(is_aligned ? cross_entropy_gradients_of_wide_rows<true, T>
                                  : cross_entropy_gradients_of_wide_rows<false, T>,
                       queue, rows_, logits, AnyIntegers(at.inputs[1], label_), scale_, y);
  }

 private:
  WideRows rows_;
  ElementType label_;
  float scale_;
};

template <class T>
class HeldCrossEntropyGradKernel : public CudaKernel {
 public:
  HeldCrossEntropyGradKernel(const HeldRows& rows, ElementType label, float scale)
      : rows_(rows), label_(label), scale_(scale) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    const auto* logits = elements<T>(at.inputs[0]);
    const AnyIntegers label(at.inputs[1], label_);
    auto* y = elements<T>(at.result());
    return launch_in_form<T>(rows_, are_aligned(kVectorBytes, logits, y), [&](auto form) {
      return launch_held(cross_entropy_gradients_of_held_rows<decltype(form), T>, queue, rows_,
                         logits, label, scale_, y);
    });
  }

 private:
  HeldRows rows_;
  ElementType label_;
  float scale_;
};

template <class T>
__global__ void cross_entropy_gradients(const Rows rows, const T* logits, const AnyIntegers label,
                                        float scale, T* y) {
  const Team team(rows.layout);
  const int64_t row = int64_t{blockIdx.x} * rows.layout.teams_per_block() + team.index();
  const int64_t size = row < rows.num_rows ? rows.split.size : 0;
  const int64_t start = size > 0 ? row * size : 0;
  const ExpSum sum = exp_sum_of(logits + start, size, 1, team);
  if (size == 0) return;
  const int64_t own = class_of(label[row], size);
  const float factor = own != kNoClass ? static_cast<float>(1 / sum.total) : kNotANumber;
  for (int64_t i = team.lane(); i < size; i += team.width()) {
    const float probability = expf(widened(logits[start + i]) - sum.largest) * factor;
    y[start + i] = narrowed<T>((probability - (i == own ? 1.0F : 0.0F)) * scale);
  }
}

template <class T>
class CrossEntropyGradKernel : public CudaKernel {
 public:
  CrossEntropyGradKernel(const Rows& rows, ElementType label, float scale)
      : rows_(rows), label_(label), scale_(scale) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    cross_entropy_gradients<<<rows_.num_blocks(), kThreadsPerBlock, 0, queue.stream>>>(
        rows_, elements<T>(at.inputs[0]), AnyIntegers(at.inputs[1], label_), scale_,
        elements<T>(at.result()));
    CUDA_TRY(cudaGetLastError());
    return {};
  }

 private:
  Rows rows_;
  ElementType label_;
  float scale_;
};

constexpr int64_t kClassAxis = 1;

template <class T>
KernelResult make_cross_entropy(const KernelSpec& spec) {
  const Shape& shape = spec.inputs[0].shape;
  const ElementType label = spec.inputs[1].element;
  const int64_t num_rows = shape[0];
  const int64_t size = shape[kClassAxis];
  if (num_rows <= LossesKernel<T>::kMaxRows && are_wide_rows_possible(num_rows, size)) {
    constexpr int64_t kLongestHeld =
        4096;  // longer ones are as fast in parts, and need no registers
    const auto held = held_rows_of(num_rows, size, kLanesOf<T>);
    if (held && size <= kLongestHeld) {
      return std::make_unique<HeldCrossEntropyKernel<T>>(*held, label);
    }
    return std::make_unique<WideCrossEntropyKernel<T>>(wide_rows_of(num_rows, size, kLanesOf<T>, 0),
                                                       label);
  }
  return std::make_unique<CrossEntropyKernel<T>>(rows_of(shape, kClassAxis), label);
}

template <class T>
KernelResult make_cross_entropy_gradient(const KernelSpec& spec) {
  const Shape& shape = spec.result().shape;
  const ElementType label = spec.inputs[1].element;
  const double mean = 1 / static_cast<double>(shape[0]);
  const auto scale = static_cast<float>(spec.attributes.number("scale", mean));
  const auto held = held_rows_of(shape[0], shape[kClassAxis], kLanesOf<T>);
  if (held) return std::make_unique<HeldCrossEntropyGradKernel<T>>(*held, label, scale);
  if (are_wide_rows_possible(shape[0], shape[kClassAxis])) {
    TRY(allow_kept_bytes(cross_entropy_gradients_of_wide_rows<true, T>));
    TRY(allow_kept_bytes(cross_entropy_gradients_of_wide_rows<false, T>));
    return std::make_unique<WideCrossEntropyGradKernel<T>>(
        wide_rows_of(shape[0], shape[kClassAxis], kLanesOf<T>, 1), label, scale);
  }
  return std::make_unique<CrossEntropyGradKernel<T>>(rows_of(shape, kClassAxis), label, scale);
}

}  // namespace

KernelResult prepare_softmax_cross_entropy(const KernelSpec& spec) {
  return with_device_float(spec.inputs[0].element, [&](auto tag) {
    return make_cross_entropy<typename decltype(tag)::Type>(spec);
  });
}

KernelResult prepare_softmax_cross_entropy_grad(const KernelSpec& spec) {
  return with_device_float(spec.inputs[0].element, [&](auto tag) {
    return make_cross_entropy_gradient<typename decltype(tag)::Type>(spec);
  });
}

}  // namespace graphrt::cuda

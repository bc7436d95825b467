// The loss that comes with softmax, and its gradient, row by row.
#include <limits>

#include "runtime/kernels/cuda/exp_sum.cuh"
#include "runtime/kernels/cuda/held_rows.cuh"
#include "runtime/kernels/cuda/labelled_rows.cuh"

namespace graphrt::cuda {
namespace {

constexpr float kNotANumber = std::numeric_limits<float>::quiet_NaN();

/// log(sum(exp(row))) - logit of the class that the label names. A label that names none makes the
/// loss NaN: visible, where reading past the row would not be.
__device__ double loss_of_row(const ExpSum& sum, int64_t own, float logit) {
  if (own == kIgnored) return 0;
  if (own == kNoClass) return kNotANumber;
  return log(sum.total) + (static_cast<double>(sum.largest) - static_cast<double>(logit));
}

/// The same where a share of the label is every class's: `differences` are those of all logits from
/// the largest, added up.
__device__ double smoothed_loss_of_row(const ExpSum& sum, int64_t own, float logit,
                                       double smoothing, double differences, int64_t num_classes) {
  const double loss = loss_of_row(sum, own, logit);
  if (own < 0) return loss;
  // Of infinitely far logits, no share is no number.
  const double of_label =
      smoothing == 1
          ? 0
          : (1 - smoothing) * (static_cast<double>(sum.largest) - static_cast<double>(logit));
  return log(sum.total) + of_label + smoothing / static_cast<double>(num_classes) * differences;
}

/// totals[block] = the sum of the losses of every gridDim.x-th group of rows.
template <class T>
__global__ void cross_entropy_losses(Rows rows, const T* logits, Labels labels, double smoothing,
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
    double differences = 0;
    if (smoothing > 0) {
      for (int64_t i = team.lane(); has_row && i < num_classes; i += team.width()) {
        differences += static_cast<double>(sum.largest) - static_cast<double>(widened(start[i]));
      }
      differences = team.reduce(differences, Plus{});
    }
    if (!has_row || team.lane() != 0) continue;
    const int64_t own = labels.class_of(row, num_classes);
    const float logit = own >= 0 ? widened(start[own]) : kNotANumber;
    total += smoothing > 0
                 ? smoothed_loss_of_row(sum, own, logit, smoothing, differences, num_classes)
                 : loss_of_row(sum, own, logit);
  }
  total = block_total(total);
  if (threadIdx.x == 0) totals[blockIdx.x] = total;
}

/// losses[row], each by the team that holds the row.
template <class Form, class T>
__global__ void __launch_bounds__(kMaxHeldThreads, kAreNarrow<T> ? 3 : 2)
    losses_of_held_rows(const HeldRows rows, const T* logits, const Labels labels, double* losses) {
  HeldRow<Form> row(rows);
  logits += row.start();
  // Read in time, by who needs it in the end.
  const int64_t own = row.is_first() ? labels.class_of(row.number(), rows.size) : kNoClass;
  const float logit = own >= 0 ? widened(logits[own]) : kNotANumber;
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
  if (row.is_first()) losses[row.number()] = loss_of_row({largest, total}, own, logit);
}

/// The same, each by a block.
template <bool kIsAligned, class T>
__global__ void __launch_bounds__(kWideThreads, wide_blocks<T>(4, 3))
    losses_of_wide_rows(const WideRows rows, const T* logits, const Labels labels, double* losses) {
  const WideRow<T, kIsAligned> row(rows);
  logits += row.start();
  const int64_t own = labels.class_of(row.number(), row.size());
  const float logit = own >= 0 ? widened(logits[own]) : kNotANumber;
  const ExpSum sum = exp_sum_of_wide(row, row.size(), logits);
  if (row.is_first()) losses[row.number()] = loss_of_row(sum, own, logit);
}

struct LossOfRow {
  const double* losses;
  __device__ double operator()(int64_t row) const { return losses[row]; }
};

/// The sum or the mean of the losses, which the scratch memory holds behind the totals; what counts
/// how many there are goes behind them.
template <class T>
class LossesKernel : public CudaKernel {
 public:
  static constexpr int64_t kMaxRows =
      (kMaxScratchBytes - 2 * kTotalsBytes) / static_cast<int64_t>(sizeof(double));

  explicit LossesKernel(const KernelSpec& spec) : labelled_(spec) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    const int64_t num_rows = labelled_.num_rows();
    auto* losses = elements<double>(at.scratch + kTotalsBytes);
    TRY(launch_losses(elements<T>(at.inputs[0]), labelled_.labels(at), losses, queue));
    const int64_t unused = kTotalsBytes + num_rows * static_cast<int64_t>(sizeof(double));
    // As many as one block adds up faster than two launches do.
    constexpr int64_t kFewRows = 32 * kThreadsPerBlock;
    if (num_rows <= kFewRows) {
      return labelled_.launch_result(losses, static_cast<unsigned>(num_rows), unused, at, queue);
    }
    TRY(const double* totals, launch_totals(LossOfRow{losses}, num_rows, at.scratch, queue));
    return labelled_.launch_result(totals, num_totals_for(num_rows), unused, at, queue);
  }

 private:
  virtual Result<void> launch_losses(const T* logits, const Labels& labels, double* losses,
                                     const CudaQueue& queue) const = 0;

  LabelledRows labelled_;
};

template <class T>
class HeldCrossEntropyKernel : public LossesKernel<T> {
 public:
  HeldCrossEntropyKernel(const KernelSpec& spec, const HeldRows& rows)
      : LossesKernel<T>(spec), rows_(rows) {}

 private:
  Result<void> launch_losses(const T* logits, const Labels& labels, double* losses,
                             const CudaQueue& queue) const override {
    return launch_in_form<T>(rows_, are_aligned(kVectorBytes, logits), [&](auto form) {
      return launch_held(losses_of_held_rows<decltype(form), T>, queue, rows_, logits, labels,
                         losses);
    });
  }

  HeldRows rows_;
};

template <class T>
class WideCrossEntropyKernel : public LossesKernel<T> {
 public:
  WideCrossEntropyKernel(const KernelSpec& spec, const WideRows& rows)
      : LossesKernel<T>(spec), rows_(rows) {}

 private:
  Result<void> launch_losses(const T* logits, const Labels& labels, double* losses,
                             const CudaQueue& queue) const override {
    const bool is_aligned = are_aligned(kVectorBytes, logits);
    return launch_wide(is_aligned ? losses_of_wide_rows<true, T> : losses_of_wide_rows<false, T>,
                       queue, rows_, logits, labels, losses);
  }

  WideRows rows_;
};

/// What the gradient of a row is made with.
struct GradientOfRows {
  float scale;
  const float* gradient;  ///< of the loss, a factor, too; may be null
  float of_label;         ///< what a label says of its class, and of each of the others
  float of_others;

  __device__ float factor() const { return gradient != nullptr ? scale * *gradient : scale; }
  __device__ float target(bool is_label) const { return is_label ? of_label : of_others; }
};

/// (softmax - target) * scale; 0 in rows that do not count, NaN in rows whose label names no class.
template <class Form, class T>
__global__ void __launch_bounds__(kMaxHeldThreads, kAreNarrow<T> ? 3 : 2)
    cross_entropy_gradients_of_held_rows(const HeldRows rows, const T* logits, const Labels labels,
                                         const GradientOfRows of, T* y) {
  HeldRow<Form> row(rows);
  const auto own =
      static_cast<int>(row.size() > 0 ? labels.class_of(row.number(), row.size()) : kNoClass);
  const float scale = of.factor();
  HeldElements<Form> held = row.read(logits + row.start(), row.size(), -kInfinity);
  float largest = -kInfinity;
  for_each_held(row, held, [&](float element, int) { largest = fmaxf(largest, element); });
  largest = row.reduce(largest, MaxOfFloats{});
  const double total = row.reduce(exponentiate<T>(held, largest), Plus{});
  const float factor = own != kNoClass ? static_cast<float>(1 / total) : kNotANumber;
  for_each_held(row, held, [&](float& element, int i) {
    element = own == kIgnored ? 0.0F : (element * factor - of.target(i == own)) * scale;
  });
  row.write(y + row.start(), held);
}

template <bool kIsAligned, class T>
__global__ void __launch_bounds__(kWideThreads, wide_blocks<T>(4, 3))
    cross_entropy_gradients_of_wide_rows(const WideRows rows, const T* logits, const Labels labels,
                                         const GradientOfRows of, T* y) {
  const WideRow<T, kIsAligned> row(rows);
  logits += row.start();
  y += row.start();
  const auto own = static_cast<int>(labels.class_of(row.number(), row.size()));
  const float scale = of.factor();
  const ExpSum sum = exp_sum_of_wide(row, row.size(), logits);
  const float factor = own != kNoClass ? static_cast<float>(1 / sum.total) : kNotANumber;
  // Of 16-bit elements.
  const float scaled_factor = factor * scale;
  const float of_others = of.of_others * scale;
  const float of_label = (of.of_label - of.of_others) * scale;
  row.read_again(logits, [&](auto vector, int first) {
#pragma unroll
    for (int i = 0; i < kLanesOf<T>; ++i) {
      const float power = exp_of<T>(vector.lane[i] - sum.largest);
      if constexpr (kAreNarrow<T>) {
        vector.lane[i] = power * scaled_factor - of_others;
      } else {
        vector.lane[i] = (power * factor - of.target(first + i == own)) * scale;
      }
    }
    if constexpr (kAreNarrow<T>) {
      // One vector of the row has the class.
      if (own >= first && own < first + kLanesOf<T>) {
#pragma unroll
        for (int i = 0; i < kLanesOf<T>; ++i) vector.lane[i] -= first + i == own ? of_label : 0.0F;
      }
    }
    if (own == kIgnored) vector = {};
    row.write(y, first, vector);
  });
}

/// What all kernels of the gradient are called with.
class GradientArguments {
 public:
  explicit GradientArguments(const KernelSpec& spec)
      : labelled_(spec), has_gradient_(spec.inputs.size() > 2) {
    const double smoothing = spec.attributes.number("label_smoothing", 0);
    const double share = smoothing / static_cast<double>(spec.result().shape[1]);
    const double mean = 1 / static_cast<double>(spec.result().shape[0]);
    of_rows_ = {static_cast<float>(spec.attributes.number("scale", mean)), nullptr,
                static_cast<float>(1 - smoothing + share), static_cast<float>(share)};
  }

  Labels labels(const KernelArguments& at) const { return labelled_.labels(at); }
  GradientOfRows of_rows(const KernelArguments& at) const {
    GradientOfRows of = of_rows_;
    if (has_gradient_) of.gradient = elements<float>(at.inputs[2]);
    return of;
  }

 private:
  LabelledRows labelled_;
  bool has_gradient_;
  GradientOfRows of_rows_;
};

template <class T>
class WideCrossEntropyGradKernel : public CudaKernel {
 public:
  WideCrossEntropyGradKernel(const KernelSpec& spec, const WideRows& rows)
      : rows_(rows), arguments_(spec) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    const auto* logits = elements<T>(at.inputs[0]);
    auto* y = elements<T>(at.result());
    const bool is_aligned = are_aligned(kVectorBytes, logits, y);
    return launch_wide(is_aligned ? cross_entropy_gradients_of_wide_rows<true, T>
                                  : cross_entropy_gradients_of_wide_rows<false, T>,
                       queue, rows_, logits, arguments_.labels(at), arguments_.of_rows(at), y);
  }

 private:
  WideRows rows_;
  GradientArguments arguments_;
};

template <class T>
class HeldCrossEntropyGradKernel : public CudaKernel {
 public:
  HeldCrossEntropyGradKernel(const KernelSpec& spec, const HeldRows& rows)
      : rows_(rows), arguments_(spec) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    const auto* logits = elements<T>(at.inputs[0]);
    auto* y = elements<T>(at.result());
    return launch_in_form<T>(rows_, are_aligned(kVectorBytes, logits, y), [&](auto form) {
      return launch_held(cross_entropy_gradients_of_held_rows<decltype(form), T>, queue, rows_,
                         logits, arguments_.labels(at), arguments_.of_rows(at), y);
    });
  }

 private:
  HeldRows rows_;
  GradientArguments arguments_;
};

template <class T>
__global__ void cross_entropy_gradients(const Rows rows, const T* logits, const Labels labels,
                                        const GradientOfRows of, T* y) {
  const Team team(rows.layout);
  const int64_t row = int64_t{blockIdx.x} * rows.layout.teams_per_block() + team.index();
  const int64_t size = row < rows.num_rows ? rows.split.size : 0;
  const int64_t start = size > 0 ? row * size : 0;
  const ExpSum sum = exp_sum_of(logits + start, size, 1, team);
  if (size == 0) return;
  const int64_t own = labels.class_of(row, size);
  const float factor = own != kNoClass ? static_cast<float>(1 / sum.total) : kNotANumber;
  const float scale = of.factor();
  for (int64_t i = team.lane(); i < size; i += team.width()) {
    const float probability = expf(widened(logits[start + i]) - sum.largest) * factor;
    const float gradient = (probability - of.target(i == own)) * scale;
    y[start + i] = narrowed<T>(own == kIgnored ? 0.0F : gradient);
  }
}

constexpr int64_t kClassAxis = 1;

template <class T>
class CrossEntropyGradKernel : public CudaKernel {
 public:
  explicit CrossEntropyGradKernel(const KernelSpec& spec)
      : rows_(rows_of(spec.result().shape, kClassAxis)), arguments_(spec) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    cross_entropy_gradients<<<rows_.num_blocks(), kThreadsPerBlock, 0, queue.stream>>>(
        rows_, elements<T>(at.inputs[0]), arguments_.labels(at), arguments_.of_rows(at),
        elements<T>(at.result()));
    CUDA_TRY(cudaGetLastError());
    return {};
  }

 private:
  Rows rows_;
  GradientArguments arguments_;
};

template <class T>
KernelResult make_cross_entropy(const KernelSpec& spec) {
  const Shape& shape = spec.inputs[0].shape;
  const int64_t num_rows = shape[0];
  const int64_t size = shape[kClassAxis];
  const double smoothing = spec.attributes.number("label_smoothing", 0);
  const bool is_fast = smoothing == 0 && num_rows <= LossesKernel<T>::kMaxRows;
  if (is_fast && are_wide_rows_possible(num_rows, size)) {
    constexpr int64_t kLongestHeld =
        4096;  // longer ones are as fast in parts, and need no registers
    const auto held = held_rows_of(num_rows, size, kLanesOf<T>);
    if (held && size <= kLongestHeld) {
      return std::make_unique<HeldCrossEntropyKernel<T>>(spec, *held);
    }
    return std::make_unique<WideCrossEntropyKernel<T>>(
        spec, wide_rows_of(num_rows, size, kLanesOf<T>, 0));
  }
  return std::make_unique<TotalsOfRowsKernel<T, double>>(spec, cross_entropy_losses<T>, smoothing);
}

template <class T>
KernelResult make_cross_entropy_gradient(const KernelSpec& spec) {
  const Shape& shape = spec.result().shape;
  const auto held = held_rows_of(shape[0], shape[kClassAxis], kLanesOf<T>);
  if (held) return std::make_unique<HeldCrossEntropyGradKernel<T>>(spec, *held);
  if (are_wide_rows_possible(shape[0], shape[kClassAxis])) {
    TRY(allow_kept_bytes(cross_entropy_gradients_of_wide_rows<true, T>));
    TRY(allow_kept_bytes(cross_entropy_gradients_of_wide_rows<false, T>));
    return std::make_unique<WideCrossEntropyGradKernel<T>>(
        spec, wide_rows_of(shape[0], shape[kClassAxis], kLanesOf<T>, 1));
  }
  return std::make_unique<CrossEntropyGradKernel<T>>(spec);
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

#pragma once

#include "runtime/kernels/cuda/device_types.cuh"
#include "runtime/kernels/cuda/prepare.h"
#include "runtime/kernels/cuda/rows.cuh"
#include "runtime/kernels/cuda/totals.cuh"

namespace graphrt::cuda {

/// What Labels::class_of() says of a label that names no class, and of one that does not count.
inline constexpr int64_t kNoClass = -1;
inline constexpr int64_t kIgnored = -2;

/// The labels of the rows of a launch.
struct Labels {
  AnyIntegers labels;
  bool ignores;     ///< whether there is one that does not count
  int64_t ignored;  ///< that one

  __device__ bool counts(int64_t label) const { return !ignores || label != ignored; }
  __device__ int64_t class_of(int64_t row, int64_t num_classes) const {
    const int64_t label = labels[row];
    if (!counts(label)) return kIgnored;
    return label >= 0 && label < num_classes ? label : kNoClass;
  }
};

struct LabelCounts {
  Labels labels;
  __device__ double operator()(int64_t row) const {
    return labels.counts(labels.labels[row]) ? 1 : 0;
  }
};

/// Logits[N, C] with labels[N], of which some may not count, and a result that is the sum or the mean
/// over the rows.
class LabelledRows {
 public:
  explicit LabelledRows(const KernelSpec& spec)
      : num_rows_(spec.inputs[0].shape[0]),
        label_(spec.inputs[1].element),
        ignores_(spec.attributes.find("ignore_index") != nullptr),
        ignored_(spec.attributes.integer("ignore_index", 0)),
        is_sum_(spec.attributes.text("reduction", "mean") == "sum") {}

  int64_t num_rows() const { return num_rows_; }
  Labels labels(const KernelArguments& at) const {
    return {AnyIntegers(at.inputs[1], label_), ignores_, ignored_};
  }

  /// The result, from totals whose sum is that over the rows. From `unused_scratch` on, as many
  /// bytes of the scratch memory as totals take are nobody's.
  Result<void> launch_result(const double* totals, unsigned num_totals, int64_t unused_scratch,
                             const KernelArguments& at, const CudaQueue& queue) const {
    auto* y = elements<float>(at.result());
    if (is_sum_) return launch_quotient(totals, num_totals, 1, y, queue);
    if (!ignores_) return launch_quotient(totals, num_totals, num_rows_, y, queue);
    TRY(const double* counts,
        launch_totals(LabelCounts{labels(at)}, num_rows_, at.scratch + unused_scratch, queue));
    return launch_ratio(totals, num_totals, counts, num_totals_for(num_rows_), y, queue);
  }

 private:
  int64_t num_rows_;
  ElementType label_;
  bool ignores_;
  int64_t ignored_;
  bool is_sum_;
};

/// Adds up, in totals[block], what a function of the logits and the label gives for every
/// gridDim.x-th group of rows.
template <class T, class Parameter>
using TotalsOfRows = void (*)(Rows rows, const T* logits, Labels labels, Parameter parameter,
                              double* totals);

/// The sum or the mean of what such a function gives.
template <class T, class Parameter>
class TotalsOfRowsKernel : public CudaKernel {
 public:
  TotalsOfRowsKernel(const KernelSpec& spec, TotalsOfRows<T, Parameter> function,
                     Parameter parameter)
      : rows_(rows_of(spec.inputs[0].shape, 1)),
        labelled_(spec),
        function_(function),
        parameter_(parameter),
        num_blocks_(std::min(rows_.num_blocks(), kMaxTotals)) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    auto* totals = elements<double>(at.scratch);
    function_<<<num_blocks_, kThreadsPerBlock, 0, queue.stream>>>(
        rows_, elements<T>(at.inputs[0]), labelled_.labels(at), parameter_, totals);
    CUDA_TRY(cudaGetLastError());
    return labelled_.launch_result(totals, num_blocks_, kTotalsBytes, at, queue);
  }

 private:
  Rows rows_;
  LabelledRows labelled_;
  TotalsOfRows<T, Parameter> function_;
  Parameter parameter_;
  unsigned num_blocks_;
};

}  // namespace graphrt::cuda

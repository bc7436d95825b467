// Which element of a row is the largest, and how often that is the right one.
#include <limits>

#include "runtime/kernels/cuda/labelled_rows.cuh"

namespace graphrt::cuda {
namespace {

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
constexpr float kSmallest<float> = -std::numeric_limits<float>::infinity();

/// What elements are compared as.
template <class T>
using Compared = decltype(widened(T()));

/// The whole row's largest element, for every thread of the team.
template <class Stored, class T = Compared<Stored>>
__device__ Candidate<T> largest_of(const Stored* row, int64_t size, int64_t stride,
                                   const Team& team) {
  constexpr int kBatch = 8;
  const Larger<T> larger;
  const int64_t step = team.width();
  // Loses against every element: no index is as high.
  Candidate<T> best = {kSmallest<T>, kNoIndex};
  for (int64_t first = team.lane(); first < size; first += kBatch * step) {
    T batch[kBatch];
#pragma unroll
    for (int k = 0; k < kBatch; ++k) {
      const int64_t i = first + k * step;
      batch[k] = i < size ? widened(row[i * stride]) : kSmallest<T>;
    }
#pragma unroll
    for (int k = 0; k < kBatch; ++k) {
      // Indices rise: of equals, the first one stays.
      const bool wins = !(batch[k] <= best.value) && !larger.is_nan(best.value);
      if (wins) best = {batch[k], static_cast<int32_t>(first + k * step)};
    }
  }
  const bool are_all_smallest = best.index == kNoIndex && team.lane() < size;
  if (are_all_smallest) best.index = team.lane();
  return team.reduce(best, larger);
}

template <class T>
__global__ void argmax_rows(const Rows rows, const T* x, int32_t* y) {
  const Team team(rows.layout);
  const int64_t row = int64_t{blockIdx.x} * rows.layout.teams_per_block() + team.index();
  const int64_t size = row < rows.num_rows ? rows.split.size : 0;
  const T* start = x + (size > 0 ? rows.start_of(row) : 0);
  const auto best = largest_of(start, size, rows.split.inner, team);
  if (size > 0 && team.lane() == 0) y[row] = best.index;
}

template <class T>
class ArgmaxKernel : public CudaKernel {
 public:
  explicit ArgmaxKernel(const Rows& rows) : rows_(rows) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    argmax_rows<T><<<rows_.num_blocks(), kThreadsPerBlock, 0, queue.stream>>>(
        rows_, elements<T>(at.inputs[0]), elements<int32_t>(at.result()));
    CUDA_TRY(cudaGetLastError());
    return {};
  }

 private:
  Rows rows_;
};

struct NoParameter {};

/// totals[block] = how many labels name the largest logit, in every gridDim.x-th group of rows.
template <class T>
__global__ void count_right_labels(Rows rows, const T* logits, Labels labels, NoParameter,
                                   double* totals) {
  const Team team(rows.layout);
  const int64_t num_classes = rows.split.size;
  const int64_t group_size = rows.layout.teams_per_block();
  double num_right = 0;
  for (int64_t first = blockIdx.x * group_size; first < rows.num_rows;
       first += gridDim.x * group_size) {
    const int64_t row = first + team.index();
    const bool has_row = row < rows.num_rows;
    const T* start = logits + (has_row ? row * num_classes : 0);
    const auto best = largest_of(start, has_row ? num_classes : 0, 1, team);
    if (has_row && team.lane() == 0 && best.index == labels.class_of(row, num_classes)) {
      num_right += 1;
    }
  }
  num_right = block_total(num_right);
  if (threadIdx.x == 0) totals[blockIdx.x] = num_right;
}

}  // namespace

KernelResult prepare_argmax(const KernelSpec& spec) {
  const TensorType& input = spec.inputs[0];
  const Rows rows = rows_of(input.shape, spec.attributes.integer("axis", -1));
  if (!is_float(input.element)) return std::make_unique<ArgmaxKernel<int32_t>>(rows);
  return with_device_float(input.element, [&](auto tag) -> KernelResult {
    return std::make_unique<ArgmaxKernel<typename decltype(tag)::Type>>(rows);
  });
}

KernelResult prepare_accuracy(const KernelSpec& spec) {
  return with_device_float(spec.inputs[0].element, [&](auto tag) -> KernelResult {
    using T = typename decltype(tag)::Type;
    return std::make_unique<TotalsOfRowsKernel<T, NoParameter>>(spec, count_right_labels<T>,
                                                                NoParameter());
  });
}

}  // namespace graphrt::cuda

// The gradients of what norms multiply their rows with: a sum over rows for every column.
#include "runtime/kernels/cuda/norm_rows.cuh"
#include "runtime/kernels/cuda/norm_rules.cuh"
#include "runtime/kernels/cuda/prepare.h"
#include "runtime/kernels/cuda/reduce_passes.cuh"
#include "runtime/kernels/cuda/scale_grad_rows.cuh"

namespace graphrt::cuda {
namespace {

/// Writes the totals of a block, or of each of its warps.
template <int kVectors, ColumnForm kForm>
__device__ void write_totals(const ScaleGradRows& rows,
                             const ColumnVectors<kVectors, kForm>& columns,
                             Vector<double, kWidest> (&total)[kVectors], double* totals) {
  const auto thread = static_cast<int>(threadIdx.x);
  if (rows.width <= kThreadsPerWarp) {
    for (int distance = rows.width; distance < kThreadsPerWarp; distance *= 2) {
      for (double& element : total[0].lane) element += shuffle_xor(element, distance);
    }
    if (thread % kThreadsPerWarp >= rows.width) return;
    totals +=
        (int64_t{blockIdx.x} * (kThreadsPerBlock / kThreadsPerWarp) + thread / kThreadsPerWarp) *
        rows.size;
  } else {
    totals += int64_t{blockIdx.x} * rows.size;
  }
#pragma unroll
  for (int k = 0; k < kVectors; ++k) {
#pragma unroll
    for (int i = 0; i < kWidest; ++i) {
      const int column = columns.at(k, i);
      if (column < rows.size) totals[column] = total[k].lane[i];
    }
  }
}

constexpr unsigned kAllOfWarp = 0xffffffff;

template <int kRows>
__device__ bool do_floats_fit(const ManySums<kRows>& sums) {
  bool fit = true;
#pragma unroll
  for (int r = 0; r < kRows; ++r) fit = fit && do_floats_fit(sums.of[r]);
  return fit;
}

/// The thread's part in double, of a row of 16-bit elements that are too large for sums of floats,
/// or too small. Read again: it is rare.
template <int kVectors, ColumnForm kForm, class T>
__device__ Sums exact_sums(const ColumnVectors<kVectors, kForm>& columns, const T* x, int size,
                           float shift) {
  Sums sums = {0, 0};
#pragma unroll 1
  for (int k = 0; k < kVectors; ++k) {
#pragma unroll 1
    for (int i = 0; i < kWidest; ++i) {
      const int column = columns.at(k, i);
      if (column >= size) continue;
      sums.add_square_of(made_double(widened(x[column])) - static_cast<double>(shift));
    }
  }
  return sums;
}

/// The thread's parts of the sums of some rows.
template <class T, int kRows, int kVectors>
__device__ ManySums<kRows> own_sums(const Vector<float, kWidest> (&x)[kRows][kVectors],
                                    const float (&shift)[kRows]) {
  ManySums<kRows> sums = AddManySums<kRows>::nothing();
#pragma unroll
  for (int r = 0; r < kRows; ++r) {
#pragma unroll
    for (int k = 0; k < kVectors; ++k) {
      if constexpr (kAreNarrow<T>) {
        add_as_floats(sums.of[r], x[r][k], shift[r]);
      } else {
#pragma unroll
        for (const float element : x[r][k].lane) {
          sums.of[r].add_square_of(made_double(element) - static_cast<double>(shift[r]));
        }
      }
    }
  }
  return sums;
}

/// Adds gradient * xhat of a row: of 16-bit elements as floats, where those hold it.
template <class T, int kVectors>
__device__ void add_scale_gradients(const RowScale& scale,
                                    const Vector<float, kWidest> (&gradient)[kVectors],
                                    const Vector<float, kWidest> (&x)[kVectors],
                                    Vector<float, kWidest> (&floats)[kVectors],
                                    Vector<double, kWidest> (&totals)[kVectors]) {
  if (kAreNarrow<T> && FloatRowScale::fits(scale)) {
    const FloatRowScale float_scale(scale);
#pragma unroll
    for (int k = 0; k < kVectors; ++k) {
#pragma unroll
      for (int i = 0; i < kWidest; ++i) {
        float& sum = floats[k].lane[i];
        sum = fmaf(gradient[k].lane[i], float_scale.xhat(x[k].lane[i]), sum);
      }
    }
    return;
  }
#pragma unroll
  for (int k = 0; k < kVectors; ++k) {
#pragma unroll
    for (int i = 0; i < kWidest; ++i) {
      totals[k].lane[i] += made_double(gradient[k].lane[i]) * scale.xhat(x[k].lane[i]);
    }
  }
}

template <int kVectors>
__device__ void add_vectors(Vector<double, kWidest> (&totals)[kVectors],
                            const Vector<float, kWidest> (&vectors)[kVectors]) {
#pragma unroll
  for (int k = 0; k < kVectors; ++k) {
#pragma unroll
    for (int i = 0; i < kWidest; ++i) totals[k].lane[i] += made_double(vectors[k].lane[i]);
  }
}

/// The sums of gradient * xhat over the rows of a block: totals[block, column], or
/// totals[block, warp, column].
template <class Norm, int kVectors, ColumnForm kForm, class T>
__global__ void __launch_bounds__(kThreadsPerBlock, 3)
    sum_scale_gradients_of_rows(const ScaleGradRows rows, const T* gradient, const T* x,
                                double* totals) {
  constexpr int kRows = num_rows_at_once(kVectors);
  const auto thread = static_cast<int>(threadIdx.x);
  const bool is_in_warp = rows.width <= kThreadsPerWarp;
  const ColumnVectors<kVectors, kForm> columns(rows, thread % rows.width);
  const int num_teams = is_in_warp ? kThreadsPerBlock / rows.width : 1;
  const int team = is_in_warp ? thread / rows.width : 0;
  const int64_t begin = int64_t{blockIdx.x} * rows.chunk_size;
  const int64_t end = min(begin + rows.chunk_size, rows.num_rows);
  BlockSums<kRows> block;
  Vector<double, kWidest> total[kVectors] = {};
  for (int64_t first = begin; first < end; first += kRows * num_teams) {
    Vector<float, kWidest> held_x[kRows][kVectors];
    Vector<float, kWidest> held[kRows][kVectors];
    float shift[kRows];
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      const int64_t row = first + r * num_teams + team;
      const bool has_row = row < end;
      const int64_t start = has_row ? row * rows.size : 0;
      shift[r] = Norm::shift_of(widened(x[start]));
      columns.read(x + start, has_row, shift[r], held_x[r]);
      columns.read(gradient + start, has_row, 0, held[r]);
    }
    const auto reduce = [&](const ManySums<kRows>& own) {
      return is_in_warp ? reduce_warp(own, rows.width, AddManySums<kRows>{}) : block.reduce(own);
    };
    ManySums<kRows> sums = reduce(own_sums<T>(held_x, shift));
    if constexpr (kAreNarrow<T>) {
      if (__any_sync(kAllOfWarp, !do_floats_fit(sums))) {
        ManySums<kRows> exact;
#pragma unroll
        for (int r = 0; r < kRows; ++r) {
          const int64_t row = first + r * num_teams + team;
          exact.of[r] = exact_sums(columns, x + (row < end ? row * rows.size : 0),
                                   row < end ? rows.size : 0, shift[r]);
        }
        exact = reduce(exact);
#pragma unroll
        for (int r = 0; r < kRows; ++r) {
          if (!do_floats_fit(sums.of[r])) sums.of[r] = exact.of[r];
        }
      }
    }
    Vector<float, kWidest> of_rows[kVectors] = {};  // of 16-bit elements
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      const RowScale scale = Norm::scale_of(sums.of[r], shift[r], rows.numbers);
      // Behind the last row nothing is added, not even what is no number.
      if (first + r * num_teams + team >= end) continue;
      add_scale_gradients<T>(scale, held[r], held_x[r], of_rows, total);
    }
    if constexpr (kAreNarrow<T>) add_vectors(total, of_rows);
  }
  write_totals(rows, columns, total, totals);
}

template <class Norm, class T>
class NormScaleGradKernel : public CudaKernel {
 public:
  NormScaleGradKernel(const ScaleGradRows& rows, ElementType result)
      : rows_(rows), second_(pass_over_totals(rows.size, rows.num_totals())), result_(result) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    TRY(launch_sums(at, queue));
    return add_totals(second_, at, result_, queue);
  }

 private:
  Result<void> launch_sums(const KernelArguments& at, const CudaQueue& queue) const {
    if (rows_.size % kWidest != 0) return launch_in<ColumnForm::kApart>(at, queue);
    if (!are_aligned(kWidest * sizeof(T), at.inputs[0], at.inputs[1])) {
      return launch_in<ColumnForm::kUnaligned>(at, queue);
    }
    return launch_in<ColumnForm::kAligned>(at, queue);
  }

  template <ColumnForm kForm>
  Result<void> launch_in(const KernelArguments& at, const CudaQueue& queue) const {
    if (rows_.num_vectors == 1) return launch_with<1, kForm>(at, queue);
    if (rows_.num_vectors == 2) return launch_with<2, kForm>(at, queue);
    return launch_with<4, kForm>(at, queue);
  }

  template <int kVectors, ColumnForm kForm>
  Result<void> launch_with(const KernelArguments& at, const CudaQueue& queue) const {
    sum_scale_gradients_of_rows<Norm, kVectors, kForm>
        <<<rows_.num_blocks(), rows_.threads_per_block(), 0, queue.stream>>>(
            rows_, elements<T>(at.inputs[0]), elements<T>(at.inputs[1]),
            elements<double>(at.scratch));
    CUDA_TRY(cudaGetLastError());
    return {};
  }

  ScaleGradRows rows_;
  ReductionPass<uint32_t> second_;
  ElementType result_;
};

template <class Norm>
KernelResult make_scale_grad(const KernelSpec& spec) {
  return with_device_float(spec.inputs[0].element, [&](auto tag) -> KernelResult {
    using T = typename decltype(tag)::Type;
    const double epsilon = spec.attributes.number("epsilon", Norm::kEpsilon);
    const NormRows rows = norm_rows_of(spec.inputs[0], epsilon);
    const ElementType result = spec.result().element;
    if constexpr (kAreNarrow<T>) {
      auto narrow = make_narrow_scale_gradient<Norm, T>(rows, result);
      if (narrow) return narrow;
    }
    const auto held = scale_grad_rows_of(rows);
    if (held) return std::make_unique<NormScaleGradKernel<Norm, T>>(*held, result);
    return make_long_scale_gradient<Norm, T>(rows, result);
  });
}

}  // namespace

Result<void> add_totals(const ReductionPass<uint32_t>& pass, const KernelArguments& at,
                        ElementType result, const CudaQueue& queue) {
  const auto* totals = elements<double>(static_cast<const std::byte*>(at.scratch));
  const TotalsOrResults<double> y{{at.result(), result}, false};
  return launch_columns<1, FloatSum>(pass, totals, y, 1, queue);
}

KernelResult prepare_layer_norm_scale_grad(const KernelSpec& spec) {
  return make_scale_grad<AboutMean>(spec);
}

KernelResult prepare_rms_norm_scale_grad(const KernelSpec& spec) {
  return make_scale_grad<RootMeanSquare>(spec);
}

}  // namespace graphrt::cuda

// The gradients of what norms multiply short rows of 16-bit elements with: a warp, or a part of one,
// takes a row, and keeps a sum for each of its columns.
#include "runtime/kernels/cuda/narrow_rows.cuh"
#include "runtime/kernels/cuda/reduce_passes.cuh"
#include "runtime/kernels/cuda/scale_grad_rows.cuh"

namespace graphrt::cuda {
namespace {

constexpr int kWarpsOfNarrowBlock = kThreadsPerBlock / kThreadsPerWarp;
constexpr int kLongestNarrowRow = kThreadsPerWarp * kMaxNarrowVectors * kNarrowLanes;
/// Of a team, that are added up as floats: what is lost is far less than 16 bits show.
constexpr int kRowsInFloats = 16;

struct NarrowScaleGradRows {
  HeldRows held;
  NormNumbers numbers;
  int64_t chunk_size;  ///< rows of a block

  int teams_per_block() const { return kThreadsPerBlock / held.width; }
  unsigned num_blocks() const { return num_blocks_for(held.num_rows, chunk_size); }
};

/// A thread's sums, one for each element that it holds of a row.
struct ColumnSums {
  float of[kMaxNarrowVectors][kNarrowLanes] = {};
};

/// Adds gradient * xhat of a row, which may be none.
template <class Norm, class Row>
__device__ void add_narrow_row(Row& row, const NormNumbers& numbers,
                               const typename Row::Element* gradient,
                               const typename Row::Element* x, ColumnSums& sums) {
  using T = typename Row::Element;
  x += row.start();
  const NarrowHeld held_x = row.read(x);
  const NarrowHeld held = row.read(gradient + row.start());
  NarrowScale<Norm> scale;
  const NarrowFloats distances = scale.distances(row, held_x, x, numbers);
  const float squares = row.reduce(sum_of_squares(row, distances), AddFloats{});
  const bool fits = scale.set_factor(squares, numbers);
  const auto add_with = [&](auto xhat) {
#pragma unroll
    for (int k = 0; k < kMaxNarrowVectors; ++k) {
      if (!row.has(k)) continue;
      const FloatsOfVector own = widened_as<T>(held.vector[k]);
#pragma unroll
      for (int i = 0; i < kNarrowLanes; ++i) {
        sums.of[k][i] = fmaf(own.lane[i], xhat(k, i), sums.of[k][i]);
      }
    }
  };
  if (says_any(!fits)) {
    const RowScale exact = exact_scale<Norm>(row, x, numbers);
    if (!fits) {
      return add_with([&](int k, int i) {
        return static_cast<float>(exact.xhat(widened_as<T>(held_x.vector[k]).lane[i]));
      });
    }
  }
  add_with([&](int k, int i) { return __fmul_rn(distances.vector[k].lane[i], scale.factor); });
}

/// The sums of gradient * xhat over the rows of a block: totals[block, column].
template <class Norm, class T>
__global__ void __launch_bounds__(kThreadsPerBlock, 2)
    narrow_scale_gradients(const NarrowScaleGradRows rows, bool is_aligned, const T* gradient,
                           const T* x, double* totals) {
  __shared__ float of_warps[kWarpsOfNarrowBlock][kLongestNarrowRow];
  const int size = rows.held.size;
  const auto thread = static_cast<int>(threadIdx.x);
  const int warp = thread / kThreadsPerWarp;
  const int num_teams = kThreadsPerBlock / rows.held.width;
  const int64_t begin = int64_t{blockIdx.x} * rows.chunk_size;
  const int64_t end = min(begin + rows.chunk_size, rows.held.num_rows);
  NarrowRow<T, true> row(rows.held, is_aligned);
  double total[kLongestNarrowRow / kThreadsPerBlock] = {};
  for (int64_t first = begin; first < end; first += kRowsInFloats * num_teams) {
    ColumnSums sums;
#pragma unroll 1
    for (int turn = 0; turn < kRowsInFloats && first + turn * num_teams < end; ++turn) {
      const int64_t number = first + turn * num_teams + thread / rows.held.width;
      row.move_to(number < end ? number : rows.held.num_rows, rows.held);
      add_narrow_row<Norm>(row, rows.numbers, gradient, x, sums);
    }
    row.move_to(0, rows.held);  // any row: its columns are wanted
#pragma unroll
    for (int k = 0; k < kMaxNarrowVectors; ++k) {
#pragma unroll
      for (int i = 0; i < kNarrowLanes; ++i) {
        float& sum = sums.of[k][i];
        for (int distance = rows.held.width; distance < kThreadsPerWarp; distance *= 2) {
          sum += shuffle_xor(sum, distance);
        }
        if (row.has(k)) of_warps[warp][row.at(k) + i] = sum;
      }
    }
    __syncthreads();
#pragma unroll
    for (int i = 0; i < kLongestNarrowRow / kThreadsPerBlock; ++i) {
      const int column = i * kThreadsPerBlock + thread;
      if (column >= size) continue;
#pragma unroll
      for (int other = 0; other < kWarpsOfNarrowBlock; ++other) {
        total[i] += static_cast<double>(of_warps[other][column]);
      }
    }
    __syncthreads();
  }
#pragma unroll
  for (int i = 0; i < kLongestNarrowRow / kThreadsPerBlock; ++i) {
    const int column = i * kThreadsPerBlock + thread;
    if (column < size) totals[int64_t{blockIdx.x} * size + column] = total[i];
  }
}

template <class Norm, class T>
class NarrowScaleGradKernel : public CudaKernel {
 public:
  NarrowScaleGradKernel(const NarrowScaleGradRows& rows, ElementType result)
      : rows_(rows),
        second_(pass_over_totals(rows.held.size, rows.num_blocks())),
        result_(result) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    const auto* gradient = elements<T>(at.inputs[0]);
    const auto* x = elements<T>(at.inputs[1]);
    narrow_scale_gradients<Norm><<<rows_.num_blocks(), kThreadsPerBlock, 0, queue.stream>>>(
        rows_, are_aligned(kVectorBytes, gradient, x), gradient, x, elements<double>(at.scratch));
    CUDA_TRY(cudaGetLastError());
    return add_totals(second_, at, result_, queue);
  }

 private:
  NarrowScaleGradRows rows_;
  ReductionPass<uint32_t> second_;
  ElementType result_;
};

}  // namespace

template <class Norm, class T>
std::unique_ptr<const CudaKernel> make_narrow_scale_gradient(const NormRows& all,
                                                             ElementType result) {
  constexpr int64_t kWantedBlocks = 264;  // two on each multiprocessor of a large GPU
  if (all.size > kLongestNarrowRow || !have_whole_vectors(all.size)) return nullptr;
  NarrowScaleGradRows rows = {
      .held = *narrow_rows_of(all.num_rows, all.size), .numbers = all.numbers, .chunk_size = 0};
  const int64_t num_turns = num_blocks_for(all.num_rows, rows.teams_per_block());
  rows.chunk_size = num_blocks_for(num_turns, kWantedBlocks) * int64_t{rows.teams_per_block()};
  return std::make_unique<NarrowScaleGradKernel<Norm, T>>(rows, result);
}

#define GRAPHC_NARROW_SCALE_GRADIENTS(Norm, T)                                    \
  template std::unique_ptr<const CudaKernel> make_narrow_scale_gradient<Norm, T>( \
      const NormRows& all, ElementType result);
GRAPHC_NARROW_SCALE_GRADIENTS(AboutMean, __half)
GRAPHC_NARROW_SCALE_GRADIENTS(AboutMean, __nv_bfloat16)
GRAPHC_NARROW_SCALE_GRADIENTS(RootMeanSquare, __half)
GRAPHC_NARROW_SCALE_GRADIENTS(RootMeanSquare, __nv_bfloat16)
#undef GRAPHC_NARROW_SCALE_GRADIENTS

}  // namespace graphrt::cuda

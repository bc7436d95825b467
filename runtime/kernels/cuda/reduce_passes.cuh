#pragma once

#include <algorithm>
#include <bit>

#include "runtime/kernels/cuda/cuda_error.h"
#include "runtime/kernels/cuda/cuda_kernels.h"
#include "runtime/kernels/cuda/device_types.cuh"
#include "runtime/kernels/cuda/short_rows.cuh"
#include "runtime/kernels/cuda/storage.cuh"
#include "runtime/kernels/cuda/team.cuh"
#include "runtime/kernels/cuda/walk.cuh"

namespace graphrt::cuda {

// What goes into one result is cut into chunks where there are too few results to keep a GPU busy:
// one pass makes a total of each chunk, a second one adds up the totals, always in the same order.
// Every thread has several loads under way before it uses the first.

/// One launch: a total for every chunk of every result, totals[chunk, result].
template <class Index>
struct ReductionPass {
  Walk<Index, 1> kept;     ///< from the number of a result to where its elements start
  Walk<Index, 1> reduced;  ///< from the number of an element to where it is behind the start
  Index num_results;
  Index size;  ///< elements that go into one
  Index chunk_size = 0;
  int width = 0;   ///< of a block, in vectors of results, or threads of a team
  int height = 1;  ///< threads that share a column

  unsigned num_chunks() const { return num_blocks_for(size, chunk_size); }
};

/// In double: a sum of many floats in float loses more digits than users expect. Memory is slower
/// all the same.
struct FloatSum {
  using Total = double;
  static constexpr Total kStart = 0;
  __device__ Total operator()(Total total, Total x) const { return total + x; }
};

/// Where a pass over 16-bit floats, or one to them, puts what it makes: totals or results, which
/// threads tell apart in the end. Of f32, each has kernels of its own.
template <class Total>
struct TotalsOrResults {
  AnyFloatResults at;
  bool are_totals;
};

template <class Output, class Total>
__device__ void put_total(Output* y, size_t i, Total total) {
  y[i] = static_cast<Output>(total);
}
template <class Total>
__device__ void put_total(const TotalsOrResults<Total>& y, size_t i, Total total) {
  if (y.are_totals) {
    reinterpret_cast<Total*>(y.at.data)[i] = total;
  } else {
    y.at.set(static_cast<int64_t>(i), static_cast<float>(total));
  }
}

inline constexpr int kLoadsPerBatch = 4;

/// Combines the elements begin, begin + step, ... before `end` into totals, lane by lane.
/// `offset_of` says where an element is.
template <int kSize, bool kIsAligned, class Reduction, class Input, class Index, class OffsetOf>
__device__ void combine_batches(const Input* start, Index begin, Index end, Index step,
                                OffsetOf offset_of, typename Reduction::Total (&totals)[kSize]) {
  // Of narrow elements more, so that as many bytes are under way.
  constexpr bool kIsNarrow = kSize == 1 || sizeof(Input) < sizeof(float);
  constexpr int kBatch = kIsNarrow ? 2 * kLoadsPerBatch : kLoadsPerBatch;
  const Reduction combine;
  for (Index first = begin; first < end; first += step * kBatch) {
    Vector<Input, kSize> batch[kBatch];
#pragma unroll
    for (int k = 0; k < kBatch; ++k) {
      const Index i = first + k * step;
      if (i < end) {
        batch[k] = load_elements<kSize, kIsAligned>(start + offset_of(i));
      } else {
#pragma unroll
        for (Input& element : batch[k].lane) element = static_cast<Input>(Reduction::kStart);
      }
    }
    if constexpr (kAreNarrow<Input> && std::is_same_v<Reduction, FloatSum>) {
#pragma unroll
      for (int lane = 0; lane < kSize; ++lane) {
        // Sixteenths, which are exact: a float holds the sum of any bf16.
        constexpr float kPart = 1.0F / 16;
        static_assert(kBatch < 16);
        float sum = 0;
#pragma unroll
        for (int k = 0; k < kBatch; ++k) sum = fmaf(widened(batch[k].lane[lane]), kPart, sum);
        totals[lane] = fma(static_cast<double>(sum), 16.0, totals[lane]);
      }
    } else {
#pragma unroll
      for (int k = 0; k < kBatch; ++k) {
#pragma unroll
        for (int lane = 0; lane < kSize; ++lane) {
          totals[lane] = combine(totals[lane], widened(batch[k].lane[lane]));
        }
      }
    }
  }
}

/// The same for the elements of a walk, in units of `unit` neighbours.
template <int kSize, bool kIsAligned, class Reduction, class Input, class Index>
__device__ void combine_walk(const Walk<Index, 1>& walk, const Input* start, Index begin, Index end,
                             Index step, Index unit, typename Reduction::Total (&totals)[kSize]) {
  if (walk.num_loops == 1) {
    const Index stride = walk.stride[0][0] * unit;
    const auto offset_of = [=](Index i) { return i * stride; };
    return combine_batches<kSize, kIsAligned, Reduction>(start, begin, end, step, offset_of,
                                                         totals);
  }
  const auto offset_of = [&](Index i) { return walk.offsets_at(i * unit).of[0]; };
  combine_batches<kSize, kIsAligned, Reduction>(start, begin, end, step, offset_of, totals);
}

template <int kSize, class Reduction>
__device__ void start_totals(typename Reduction::Total (&totals)[kSize]) {
#pragma unroll
  for (int lane = 0; lane < kSize; ++lane) totals[lane] = Reduction::kStart;
}

/// Where results lie side by side, so do threads, kSize results each; block (x, y) takes chunk y of
/// a tile of results, and each of them is shared by `height` threads.
template <int kSize, class Reduction, class Input, class Output, class Index>
__global__ void __launch_bounds__(kThreadsPerBlock, sizeof(Index) == 4 ? 5 : 1)
    reduce_columns(const __grid_constant__ ReductionPass<Index> pass, const Input* x, Output y,
                   typename Reduction::Total divisor) {
  using Total = typename Reduction::Total;
  __shared__ Vector<Total, kSize> shared[kThreadsPerBlock];
  const auto thread = static_cast<int>(threadIdx.x);
  const int lane = thread / pass.width;
  const Index result = (static_cast<Index>(blockIdx.x) * static_cast<Index>(pass.width) +
                        static_cast<Index>(thread - lane * pass.width)) *
                       kSize;
  const bool is_used = lane < pass.height && result < pass.num_results;
  Vector<Total, kSize> totals;
  start_totals<kSize, Reduction>(totals.lane);
  if (is_used) {
    const Index begin = static_cast<Index>(blockIdx.y) * pass.chunk_size;
    const Index end = min(begin + pass.chunk_size, pass.size);
    combine_walk<kSize, true, Reduction>(pass.reduced, x + pass.kept.offsets_at(result).of[0],
                                         begin + static_cast<Index>(lane), end,
                                         static_cast<Index>(pass.height), Index{1}, totals.lane);
  }
  const Reduction combine;
  for (int num_lanes = pass.height; num_lanes > 1;) {
    const int half = (num_lanes + 1) / 2;
    shared[thread] = totals;
    __syncthreads();
    if (lane + half < num_lanes) {
      const auto& other = shared[thread + half * pass.width];
#pragma unroll
      for (int i = 0; i < kSize; ++i) totals.lane[i] = combine(totals.lane[i], other.lane[i]);
    }
    __syncthreads();
    num_lanes = half;
  }
  if (lane != 0 || !is_used) return;
  const size_t first = static_cast<size_t>(blockIdx.y) * pass.num_results + result;
#pragma unroll
  for (int i = 0; i < kSize; ++i) put_total(y, first + i, totals.lane[i] / divisor);
}

/// Where what goes into a result lies side by side: a team of threads takes chunk blockIdx.y of a
/// result, kSize neighbours a thread.
template <int kSize, bool kIsAligned, class Reduction, class Input, class Output, class Index>
__global__ void __launch_bounds__(kThreadsPerBlock, sizeof(Index) == 4 ? 5 : 1)
    reduce_rows(const __grid_constant__ ReductionPass<Index> pass, const Input* x, Output y,
                typename Reduction::Total divisor) {
  using Total = typename Reduction::Total;
  const TeamLayout layout{pass.width, false};
  const Team team(layout);
  const Index result =
      static_cast<Index>(blockIdx.x) * static_cast<Index>(layout.teams_per_block()) +
      static_cast<Index>(team.index());
  const bool is_used = result < pass.num_results;
  Total totals[kSize];
  start_totals<kSize, Reduction>(totals);
  if (is_used) {
    const Index begin = static_cast<Index>(blockIdx.y) * pass.chunk_size;
    const Index end = min(begin + pass.chunk_size, pass.size);
    combine_walk<kSize, kIsAligned, Reduction>(pass.reduced, x + pass.kept.offsets_at(result).of[0],
                                               begin / kSize + static_cast<Index>(team.lane()),
                                               end / kSize, static_cast<Index>(team.width()),
                                               Index{kSize}, totals);
  }
  const Reduction combine;
  Total total = totals[0];
#pragma unroll
  for (int i = 1; i < kSize; ++i) total = combine(total, totals[i]);
  total = team.reduce(total, combine);
  if (!is_used || team.lane() != 0) return;
  put_total(y, static_cast<size_t>(blockIdx.y) * pass.num_results + result, total / divisor);
}

template <class Reduction, class Input, class Output>
__global__ void __launch_bounds__(kThreadsPerBlock)
    reduce_short_rows(const ShortRows rows, const Input* x, Output y,
                      typename Reduction::Total divisor) {
  __shared__ ShortRowTile<decltype(widened(Input()))> tile;
  const auto row = static_cast<int>(threadIdx.x);
  tile.read(rows, x);
  __syncthreads();
  if (row >= rows.rows_in_tile()) return;
  const Reduction combine;
  typename Reduction::Total total = Reduction::kStart;
#pragma unroll 8
  for (int i = 0; i < rows.size; ++i) total = combine(total, tile.at(row * rows.size + i));
  put_total(y, static_cast<size_t>(rows.first_row() + row), total / divisor);
}

template <int kSize, class Reduction, class Index, class Input, class Output>
Result<void> launch_columns(const ReductionPass<Index>& pass, const Input* x, Output y,
                            typename Reduction::Total divisor, const CudaQueue& queue) {
  const dim3 grid(num_blocks_for(pass.num_results, int64_t{pass.width} * kSize), pass.num_chunks());
  reduce_columns<kSize, Reduction>
      <<<grid, kThreadsPerBlock, 0, queue.stream>>>(pass, x, y, divisor);
  CUDA_TRY(cudaGetLastError());
  return {};
}

/// Blocks of a pass that has room for more chunks: twice as many as run at once on a large GPU.
inline constexpr int64_t kWantedReductionBlocks = 1320;
inline constexpr int64_t kFewestLoadsOfThread = 16;

/// Sets the chunks of a pass of `num_tiles` blocks a chunk, of which every thread takes every
/// `step`th element; chunks are whole batches of all threads.
template <class Index>
void set_chunks(ReductionPass<Index>& pass, int64_t num_tiles, int64_t step) {
  const auto size = static_cast<int64_t>(pass.size);
  const int64_t most = size / (step * kFewestLoadsOfThread);
  const int64_t num_chunks =
      std::max<int64_t>(1, std::min(kWantedReductionBlocks / num_tiles, most));
  const int64_t unit = step * kLoadsPerBatch;
  const int64_t chunk_size = (size + num_chunks - 1) / num_chunks;
  const int64_t whole_batches = (chunk_size + unit - 1) / unit * unit;
  pass.chunk_size = static_cast<Index>(num_chunks == 1 ? size : whole_batches);
}

/// For reduce_columns, with `vector_size` results a thread. Tiles are no narrower than `narrowest`
/// threads, where there are so many results; every lane has some elements of each.
template <class Index>
void lay_out_columns(ReductionPass<Index>& pass, int64_t vector_size, int64_t narrowest,
                     int64_t fewest_of_lane) {
  const int64_t num_columns = static_cast<int64_t>(pass.num_results) / vector_size;
  const int64_t most_lanes = kThreadsPerBlock / std::min(num_columns, narrowest);
  const int64_t wanted_lanes = static_cast<int64_t>(pass.size) / fewest_of_lane;
  const int64_t height = std::clamp<int64_t>(wanted_lanes, 1, most_lanes);
  const int64_t num_tiles = num_blocks_for(num_columns, kThreadsPerBlock / height);
  pass.height = static_cast<int>(height);
  pass.width = static_cast<int>((num_columns + num_tiles - 1) / num_tiles);
}

/// For reduce_rows, with `vector_size` neighbours a thread.
template <class Index>
void lay_out_rows(ReductionPass<Index>& pass, int64_t vector_size) {
  constexpr int64_t kFewRows = 4096;
  constexpr int64_t kWantedLoads = 8;  // of a thread
  const auto num_rows = static_cast<int64_t>(pass.num_results);
  const int64_t num_vectors = static_cast<int64_t>(pass.size) / vector_size;
  const int64_t wanted = num_rows < kFewRows ? num_vectors : num_vectors / kWantedLoads;
  const auto width = std::bit_floor(static_cast<uint64_t>(std::max<int64_t>(1, wanted)));
  pass.width = static_cast<int>(std::clamp<uint64_t>(width, kThreadsPerWarp, kThreadsPerBlock));
  set_chunks(pass, num_blocks_for(num_rows, kThreadsPerBlock / pass.width),
             pass.width * vector_size);
}

/// Combines totals[chunk, result].
inline ReductionPass<uint32_t> pass_over_totals(int64_t num_results, int64_t num_chunks) {
  const StridedDim kept{num_results, {1}};
  const StridedDim reduced{num_chunks, {num_results}};
  ReductionPass<uint32_t> pass = {.kept = walk_of<uint32_t, 1>({&kept, 1}),
                                  .reduced = walk_of<uint32_t, 1>({&reduced, 1}),
                                  .num_results = static_cast<uint32_t>(num_results),
                                  .size = static_cast<uint32_t>(num_chunks)};
  // A sector of memory holds four totals. There are few, and as many blocks as may be.
  lay_out_columns(pass, 1, 4, 4);
  pass.chunk_size = pass.size;
  return pass;
}

}  // namespace graphrt::cuda

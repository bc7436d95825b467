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

/// Elements of 16 bits are added up as floats, as many as a thread has under way, before they become
/// doubles, which takes longer than reading them.
template <class Reduction, class Input>
inline constexpr bool kAddsFloats = kAreNarrow<Input> && std::is_same_v<Reduction, FloatSum>;

/// In parts, which are exact: a float holds the sum of so many of any bf16.
inline constexpr int kMostInFloats = 64;
template <class Input>
__device__ void add_part(float& sum, Input element) {
  constexpr float kPart = 1.0F / kMostInFloats;
  sum = fmaf(widened(element), kPart, sum);
}
__device__ inline void add_parts(double& total, float sum) {
  total = fma(static_cast<double>(sum), static_cast<double>(kMostInFloats), total);
}

/// Combines the elements begin, begin + step, ... before `end`, kBatch of them at a time, into totals,
/// lane by lane, or into one of all lanes. `offset_of` says where an element is.
template <int kSize, bool kIsAligned, int kBatch, class Reduction, class Input, class Index,
          class OffsetOf, int kNumTotals>
__device__ void combine_batches(const Input* start, Index begin, Index end, Index step,
                                OffsetOf offset_of,
                                typename Reduction::Total (&totals)[kNumTotals]) {
  static_assert(kNumTotals == 1 || kNumTotals == kSize);
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
    if constexpr (kAddsFloats<Reduction, Input>) {
      static_assert(kBatch * kSize / kNumTotals < kMostInFloats);
      float sums[kNumTotals] = {};
#pragma unroll
      for (int k = 0; k < kBatch; ++k) {
#pragma unroll
        for (int lane = 0; lane < kSize; ++lane) {
          add_part(sums[lane % kNumTotals], batch[k].lane[lane]);
        }
      }
#pragma unroll
      for (int i = 0; i < kNumTotals; ++i) add_parts(totals[i], sums[i]);
    } else {
#pragma unroll
      for (int k = 0; k < kBatch; ++k) {
#pragma unroll
        for (int lane = 0; lane < kSize; ++lane) {
          auto& total = totals[lane % kNumTotals];
          total = combine(total, widened(batch[k].lane[lane]));
        }
      }
    }
  }
}

/// The same for the elements of a walk, in units of `unit` neighbours.
template <int kSize, bool kIsAligned, int kBatch, class Reduction, class Input, class Index,
          int kNumTotals>
__device__ void combine_walk(const Walk<Index, 1>& walk, const Input* start, Index begin, Index end,
                             Index step, Index unit,
                             typename Reduction::Total (&totals)[kNumTotals]) {
  if (walk.num_loops == 1) {
    const Index stride = walk.stride[0][0] * unit;
    const auto offset_of = [=](Index i) { return i * stride; };
    return combine_batches<kSize, kIsAligned, kBatch, Reduction>(start, begin, end, step, offset_of,
                                                                 totals);
  }
  const auto offset_of = [&](Index i) { return walk.offsets_at(i * unit).of[0]; };
  combine_batches<kSize, kIsAligned, kBatch, Reduction>(start, begin, end, step, offset_of, totals);
}

template <int kSize, class Reduction>
__device__ void start_totals(typename Reduction::Total (&totals)[kSize]) {
#pragma unroll
  for (int lane = 0; lane < kSize; ++lane) totals[lane] = Reduction::kStart;
}

/// Loads that a thread of reduce_columns has under way at once, and blocks of it on a
/// multiprocessor: threads that take vectors of 16-bit elements are few, and each has much to hold;
/// those that take single elements have little.
template <class Input, int kSize>
inline constexpr int kColumnBatch = kSize == 1 || kAreNarrow<Input> ? 8 : 4;
template <class Input, int kSize>
inline constexpr int kColumnBlocks = kSize == 1          ? 6
                                     : kAreNarrow<Input> ? 3
                                                         : 5;
/// The same of reduce_rows.
template <int kSize>
inline constexpr int kRowBatch = kSize == 1 ? 8 : 4;
inline constexpr int kRowBlocks = 5;

/// The totals of a block's threads, `width` threads of kSize results in each of `height` lanes.
template <int kSize, class Total>
struct ColumnTotals {
  /// Where threads read neighbours across their writers' vectors, a word is left free.
  static constexpr int kFree = kSize > 1 ? 1 : 0;

  Total memory[kThreadsPerBlock * kSize * (1 + kFree)];

  __device__ Total& at(int lane, int column, int i, int width) {
    return memory[(lane * kSize + i) * (width + kFree) + column];
  }
};

/// Where results lie side by side, so do threads, kSize results each; block (x, y) takes chunk y of
/// a tile of results, and each of them is shared by `height` threads.
template <int kSize, class Reduction, class Input, class Output, class Index>
__global__ void __launch_bounds__(kThreadsPerBlock,
                                  sizeof(Index) == 4 ? kColumnBlocks<Input, kSize> : 1)
    reduce_columns(const __grid_constant__ ReductionPass<Index> pass, const Input* x, Output y,
                   typename Reduction::Total divisor) {
  using Total = typename Reduction::Total;
  __shared__ ColumnTotals<kSize, Total> shared;
  const auto thread = static_cast<int>(threadIdx.x);
  const int width = pass.width;
  const int lane = thread / width;
  const int column = thread - lane * width;
  const Index first = static_cast<Index>(blockIdx.x) * static_cast<Index>(width * kSize);
  const Index result = first + static_cast<Index>(column * kSize);
  Total totals[kSize];
  start_totals<kSize, Reduction>(totals);
  if (lane < pass.height && result < pass.num_results) {
    const Index begin = static_cast<Index>(blockIdx.y) * pass.chunk_size;
    const Index end = min(begin + pass.chunk_size, pass.size);
    combine_walk<kSize, true, kColumnBatch<Input, kSize>, Reduction>(
        pass.reduced, x + pass.kept.offsets_at(result).of[0], begin + static_cast<Index>(lane), end,
        static_cast<Index>(pass.height), Index{1}, totals);
  }
  if (lane < pass.height) {
#pragma unroll
    for (int i = 0; i < kSize; ++i) shared.at(lane, column, i, width) = totals[i];
  }
  __syncthreads();
  const Reduction combine;
  constexpr int kFewLanes = 8;
  int num_lanes = pass.height;
  while (num_lanes > kFewLanes) {
    const int half = (num_lanes + 1) / 2;
    if (lane + half < num_lanes) {
#pragma unroll
      for (int i = 0; i < kSize; ++i) {
        Total& total = shared.at(lane, column, i, width);
        total = combine(total, shared.at(lane + half, column, i, width));
      }
    }
    __syncthreads();
    num_lanes = half;
  }
  // Neighbours in memory by neighbours among threads.
  const size_t start = static_cast<size_t>(blockIdx.y) * pass.num_results + first;
  for (int own = thread; own < width * kSize; own += kThreadsPerBlock) {
    if (first + static_cast<Index>(own) >= pass.num_results) return;
    Total total = shared.at(0, own / kSize, own % kSize, width);
    for (int other = 1; other < num_lanes; ++other) {
      total = combine(total, shared.at(other, own / kSize, own % kSize, width));
    }
    put_total(y, start + static_cast<size_t>(own), total / divisor);
  }
}

/// Where what goes into a result lies side by side: a team of threads takes chunk blockIdx.y of a
/// result, kSize neighbours a thread.
template <int kSize, bool kIsAligned, class Reduction, class Input, class Output, class Index>
__global__ void __launch_bounds__(kThreadsPerBlock, sizeof(Index) == 4 ? kRowBlocks : 1)
    reduce_rows(const __grid_constant__ ReductionPass<Index> pass, const Input* x, Output y,
                typename Reduction::Total divisor) {
  using Total = typename Reduction::Total;
  const TeamLayout layout{pass.width, false};
  const Team team(layout);
  const Index result =
      static_cast<Index>(blockIdx.x) * static_cast<Index>(layout.teams_per_block()) +
      static_cast<Index>(team.index());
  const bool is_used = result < pass.num_results;
  constexpr int kNumTotals = kAddsFloats<Reduction, Input> ? 1 : kSize;
  Total totals[kNumTotals];
  start_totals<kNumTotals, Reduction>(totals);
  if (is_used) {
    const Index begin = static_cast<Index>(blockIdx.y) * pass.chunk_size;
    const Index end = min(begin + pass.chunk_size, pass.size);
    combine_walk<kSize, kIsAligned, kRowBatch<kSize>, Reduction>(
        pass.reduced, x + pass.kept.offsets_at(result).of[0],
        begin / kSize + static_cast<Index>(team.lane()), end / kSize,
        static_cast<Index>(team.width()), Index{kSize}, totals);
  }
  const Reduction combine;
  Total total = totals[0];
#pragma unroll
  for (int i = 1; i < kNumTotals; ++i) total = combine(total, totals[i]);
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

/// How a pass reads, for its layout.
struct ReductionLoads {
  int64_t vector_size;
  int64_t per_batch;
  int64_t fewest;         ///< of a thread
  int64_t wanted_blocks;  ///< where there is room for more chunks

  static constexpr int64_t kFewest = 16;
  static constexpr int64_t kMultiprocessors = 132;  // of a large GPU
  static constexpr int64_t kTwoTurns = 2 * kMultiprocessors * kRowBlocks;

  /// With vectors, or element by element.
  template <class Input>
  static ReductionLoads of_rows(bool takes_vectors) {
    if (!takes_vectors) return {1, kRowBatch<1>, kFewest, kTwoTurns};
    return {kLanesOf<Input>, kRowBatch<kLanesOf<Input>>, kFewest, kTwoTurns};
  }

  template <class Input>
  static ReductionLoads of_columns(bool takes_vectors) {
    if (!takes_vectors) return {1, kColumnBatch<Input, 1>, kFewest, kTwoTurns};
    constexpr int kLanes = kLanesOf<Input>;
    constexpr int64_t kBatch = kColumnBatch<Input, kLanes>;
    if (!kAreNarrow<Input>) return {kLanes, kBatch, kFewest, kTwoTurns};
    // Fewer chunks: each has a total to write for every few elements that it reads.
    return {kLanes, kBatch, kBatch, kMultiprocessors * kColumnBlocks<Input, kLanes>};
  }
};

/// Sets the chunks of a pass of `num_tiles` blocks a chunk, of which every thread takes every
/// `step`th element; chunks are whole batches of all threads.
template <class Index>
void set_chunks(ReductionPass<Index>& pass, int64_t num_tiles, int64_t step,
                const ReductionLoads& loads) {
  const auto size = static_cast<int64_t>(pass.size);
  const int64_t most = size / (step * loads.fewest);
  const int64_t num_chunks = std::max<int64_t>(1, std::min(loads.wanted_blocks / num_tiles, most));
  const int64_t unit = step * loads.per_batch;
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
  pass.width = static_cast<int>((num_columns + num_tiles - 1) / num_tiles);
  pass.height =
      static_cast<int>(std::clamp<int64_t>(wanted_lanes, 1, kThreadsPerBlock / pass.width));
}

/// For reduce_rows.
template <class Index>
void lay_out_rows(ReductionPass<Index>& pass, const ReductionLoads& loads) {
  constexpr int64_t kFewRows = 4096;
  constexpr int64_t kWantedLoads = 8;  // of a thread
  const auto num_rows = static_cast<int64_t>(pass.num_results);
  const int64_t num_vectors = static_cast<int64_t>(pass.size) / loads.vector_size;
  const int64_t wanted = num_rows < kFewRows ? num_vectors : num_vectors / kWantedLoads;
  const auto width = std::bit_floor(static_cast<uint64_t>(std::max<int64_t>(1, wanted)));
  pass.width = static_cast<int>(std::clamp<uint64_t>(width, kThreadsPerWarp, kThreadsPerBlock));
  set_chunks(pass, num_blocks_for(num_rows, kThreadsPerBlock / pass.width),
             pass.width * loads.vector_size, loads);
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

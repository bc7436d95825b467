// The sums of rows that go back into a table. A warp adds up its columns of a row alone, in the
// order of the indices: results have the same bits every time.
#include <algorithm>

#include "runtime/kernels/cuda/device_types.cuh"
#include "runtime/kernels/cuda/prepare.h"
#include "runtime/kernels/cuda/team.cuh"
#include "runtime/op/embedding_sums.h"

namespace graphrt::cuda {
namespace {

constexpr unsigned kWholeWarp = 0xffffffff;
constexpr int kGradThreads = 512;
constexpr int kGradWarps = kGradThreads / kThreadsPerWarp;
/// Indices are taken in rounds, after each of which sums are rounded: the result itself holds them.
/// One of 16-bit elements cannot: there shared memory holds the sums of a tile, in double.
constexpr int kRoundSize = static_cast<int>(kIndicesPerRounding);
constexpr int kIndicesPerThread = kRoundSize / kGradThreads;
static_assert(kIndicesPerThread * kGradThreads == kRoundSize);
constexpr int kColumnsOfWarp = kThreadsPerWarp * kWidest;

/// What a block adds up: neighbouring rows of the table, and some of their columns.
struct GradTiles {
  static constexpr int kMaxRows = 128;
  /// Where shared memory holds the sums of a tile that is as wide as a warp: two blocks fit on a
  /// multiprocessor.
  static constexpr int kMaxKeptRows = 64;
  static constexpr int kKeptBytes =
      kMaxKeptRows * kColumnsOfWarp * static_cast<int>(sizeof(double));

  int64_t num_rows;
  int64_t row_size;
  int rows_per_tile;
  int64_t columns_per_tile;
  unsigned num_column_tiles;

  unsigned num_blocks() const { return num_blocks_for(num_rows, rows_per_tile) * num_column_tiles; }
};

/// The positions of the indices that name a row of the tile: those of a round, in their order, and
/// then sorted by row.
struct Hits {
  uint8_t row[kRoundSize];
  uint16_t position[kRoundSize];
  uint16_t sorted[kRoundSize];
  int num_of_row[GradTiles::kMaxRows];
  int start_of_row[GradTiles::kMaxRows];
  int used_rows[GradTiles::kMaxRows];  ///< those with hits
  int num_used_rows;
  int num_of_warp[kGradWarps];
};

/// The sum of `number` over the threads in front of the calling one; all of them in `total`.
/// Requires: all threads of the block call it.
__device__ int sum_of_threads_before(int number, int (&of_warps)[kGradWarps], int& total) {
  const auto lane = static_cast<int>(threadIdx.x) % kThreadsPerWarp;
  const auto own_warp = static_cast<int>(threadIdx.x) / kThreadsPerWarp;
  int sum = number;
  for (int distance = 1; distance < kThreadsPerWarp; distance *= 2) {
    const int before = __shfl_up_sync(kWholeWarp, sum, static_cast<unsigned>(distance));
    if (lane >= distance) sum += before;
  }
  if (lane == kThreadsPerWarp - 1) of_warps[own_warp] = sum;
  __syncthreads();
  total = 0;
  for (int warp = 0; warp < kGradWarps; ++warp) {
    if (warp == own_warp) sum += total;
    total += of_warps[warp];
  }
  return sum - number;
}

/// Writes the hits of a round in the order of the indices; returns how many there are. A thread
/// looks at neighbouring indices.
template <class Index>
__device__ int collect_hits(Hits& hits, const Index* index, int num_indices, int64_t first_row,
                            int num_rows) {
  const auto thread = static_cast<int>(threadIdx.x);
  int rows[kIndicesPerThread];
  int num_hits = 0;
#pragma unroll
  for (int k = 0; k < kIndicesPerThread; ++k) {
    const int position = thread * kIndicesPerThread + k;
    const int64_t row = position < num_indices ? index[position] - first_row : -1;
    rows[k] = row >= 0 && row < num_rows ? static_cast<int>(row) : -1;
    num_hits += rows[k] >= 0 ? 1 : 0;
  }
  int total = 0;
  int at = sum_of_threads_before(num_hits, hits.num_of_warp, total);
#pragma unroll
  for (int k = 0; k < kIndicesPerThread; ++k) {
    if (rows[k] < 0) continue;
    hits.row[at] = static_cast<uint8_t>(rows[k]);
    hits.position[at] = static_cast<uint16_t>(thread * kIndicesPerThread + k);
    atomicAdd(&hits.num_of_row[rows[k]], 1);  // of integers: any order gives the same
    ++at;
  }
  return total;
}

/// Where the hits of each row start, and which rows have any. One warp.
__device__ void find_starts(Hits& hits, int num_rows) {
  const auto lane = static_cast<int>(threadIdx.x) % kThreadsPerWarp;
  int start = 0;
  int num_used = 0;
  for (int first = 0; first < num_rows; first += kThreadsPerWarp) {
    const int row = first + lane;
    const int own = row < num_rows ? hits.num_of_row[row] : 0;
    int sum = own;
    for (int distance = 1; distance < kThreadsPerWarp; distance *= 2) {
      const int before = __shfl_up_sync(kWholeWarp, sum, static_cast<unsigned>(distance));
      if (lane >= distance) sum += before;
    }
    if (row < num_rows) hits.start_of_row[row] = start + sum - own;
    const unsigned used = __ballot_sync(kWholeWarp, own > 0);
    const unsigned lower_lanes = (1U << lane) - 1;
    if (own > 0) hits.used_rows[num_used + __popc(used & lower_lanes)] = row;
    num_used += __popc(used);
    start += __shfl_sync(kWholeWarp, sum, kThreadsPerWarp - 1);
  }
  if (lane == 0) hits.num_used_rows = num_used;
}

/// Sorts the hits by row; those of a row stay in their order. A warp takes a row.
__device__ void sort_hits(Hits& hits, int num_hits, int num_rows) {
  const auto lane = static_cast<int>(threadIdx.x) % kThreadsPerWarp;
  const auto warp = static_cast<int>(threadIdx.x) / kThreadsPerWarp;
  if (warp == 0) find_starts(hits, num_rows);
  __syncthreads();
  for (int used = warp; used < hits.num_used_rows; used += kGradWarps) {
    const int row = hits.used_rows[used];
    int at = hits.start_of_row[row];
    const int end = at + hits.num_of_row[row];
    for (int first = 0; at < end && first < num_hits; first += kThreadsPerWarp) {
      const int hit = first + lane;
      const bool is_of_row = hit < num_hits && hits.row[hit] == row;
      const unsigned of_row = __ballot_sync(kWholeWarp, is_of_row);
      const unsigned lower_lanes = (1U << lane) - 1;
      if (is_of_row) hits.sorted[at + __popc(of_row & lower_lanes)] = hits.position[hit];
      at += __popc(of_row);
    }
  }
}

/// Columns `first` and on of a row, four to a thread: neighbours, or where rows fit no vectors, a
/// warp's width apart.
template <bool kTakesVectors, class T>
__device__ Vector<float, kWidest> read_columns(const T* row, int64_t first, int64_t row_size) {
  const auto lane = static_cast<int>(threadIdx.x) % kThreadsPerWarp;
  Vector<float, kWidest> vector = {};
  if constexpr (kTakesVectors) {
    const int64_t column = first + lane * kWidest;
    if (column < row_size) vector = load_floats<kWidest, true>(row + column);
  } else {
#pragma unroll
    for (int i = 0; i < kWidest; ++i) {
      const int64_t column = first + lane + i * kThreadsPerWarp;
      if (column < row_size) vector.lane[i] = widened(row[column]);
    }
  }
  return vector;
}

template <bool kTakesVectors, class T>
__device__ void write_columns(T* row, int64_t first, int64_t row_size,
                              const Vector<float, kWidest>& vector) {
  const auto lane = static_cast<int>(threadIdx.x) % kThreadsPerWarp;
  if constexpr (kTakesVectors) {
    const int64_t column = first + lane * kWidest;
    if (column < row_size) store_floats<kWidest, true>(row + column, vector);
  } else {
#pragma unroll
    for (int i = 0; i < kWidest; ++i) {
      const int64_t column = first + lane + i * kThreadsPerWarp;
      if (column < row_size) row[column] = narrowed<T>(vector.lane[i]);
    }
  }
}

template <bool kTakesVectors>
__device__ void write_any_columns(const AnyFloatResults& y, int64_t start, int64_t first,
                                  int64_t row_size, const Vector<float, kWidest>& vector) {
  if (y.type == ElementType::kBF16) {
    auto* row = reinterpret_cast<__nv_bfloat16*>(y.data) + start;
    write_columns<kTakesVectors>(row, first, row_size, vector);
  } else if (y.type == ElementType::kF16) {
    auto* row = reinterpret_cast<__half*>(y.data) + start;
    write_columns<kTakesVectors>(row, first, row_size, vector);
  }
}

/// Adds the rows of the gradient at these positions, in double.
template <bool kTakesVectors, class T>
__device__ void add_hits(double (&totals)[kWidest], const T* gradient, const uint16_t* positions,
                         int num_hits, int64_t first, int64_t row_size) {
  constexpr int kBatch = 4;
  for (int hit = 0; hit < num_hits; hit += kBatch) {
    Vector<float, kWidest> batch[kBatch];
#pragma unroll
    for (int k = 0; k < kBatch; ++k) {
      if (hit + k >= num_hits) continue;
      batch[k] =
          read_columns<kTakesVectors>(gradient + positions[hit + k] * row_size, first, row_size);
    }
#pragma unroll
    for (int k = 0; k < kBatch; ++k) {
      if (hit + k >= num_hits) continue;
#pragma unroll
      for (int i = 0; i < kWidest; ++i) totals[i] += static_cast<double>(batch[k].lane[i]);
    }
  }
}

/// The sums of a thread's columns of a row, from one round to the next.
template <bool kTakesVectors, class Output>
class RowSums;

/// The result holds them, as floats.
template <bool kTakesVectors>
class RowSums<kTakesVectors, float*> {
 public:
  static constexpr bool kIsResult = true;

  __device__ RowSums(float* y, int64_t start, int, int64_t first, int64_t row_size)
      : row_(y + start), first_(first), row_size_(row_size) {}

  __device__ void read(double (&totals)[kWidest]) const {
    const auto before = read_columns<kTakesVectors>(row_, first_, row_size_);
#pragma unroll
    for (int i = 0; i < kWidest; ++i) totals[i] = before.lane[i];
  }
  __device__ void write(const double (&totals)[kWidest], bool) const {
    Vector<float, kWidest> sums;
#pragma unroll
    for (int i = 0; i < kWidest; ++i) sums.lane[i] = static_cast<float>(totals[i]);
    write_columns<kTakesVectors>(row_, first_, row_size_, sums);
  }

 private:
  float* row_;
  int64_t first_;
  int64_t row_size_;
};

/// Shared memory holds them until the last round, in double.
template <bool kTakesVectors>
class RowSums<kTakesVectors, AnyFloatResults> {
 public:
  static constexpr bool kIsResult = false;

  __device__ RowSums(const AnyFloatResults& y, int64_t start, int row, int64_t first,
                     int64_t row_size)
      : y_(y), start_(start), row_(row), first_(first), row_size_(row_size) {}

  __device__ void read(double (&totals)[kWidest]) const {
#pragma unroll
    for (int i = 0; i < kWidest; ++i) totals[i] = kept_sums()[at(i)];
  }
  __device__ void write(const double (&totals)[kWidest], bool is_last_round) const {
    if (!is_last_round) {
#pragma unroll
      for (int i = 0; i < kWidest; ++i) kept_sums()[at(i)] = totals[i];
      return;
    }
    Vector<float, kWidest> sums;
#pragma unroll
    for (int i = 0; i < kWidest; ++i) sums.lane[i] = static_cast<float>(totals[i]);
    write_any_columns<kTakesVectors>(y_, start_, first_, row_size_, sums);
  }

 private:
  __device__ static double* kept_sums() {
    extern __shared__ double kept_sums_of_tile[];
    return kept_sums_of_tile;
  }
  __device__ int at(int i) const {
    const auto lane = static_cast<int>(threadIdx.x) % kThreadsPerWarp;
    return row_ * kColumnsOfWarp + i * kThreadsPerWarp + lane;
  }

  const AnyFloatResults& y_;
  int64_t start_;
  int row_;  ///< of the tile
  int64_t first_;
  int64_t row_size_;
};

/// Every block reads all indices, and adds up the rows that go into its tile.
template <bool kTakesVectors, class T, class Index, class Output>
__global__ void __launch_bounds__(kGradThreads, 3)
    add_rows(const GradTiles tiles, const T* gradient, const Index* index, int64_t num_indices,
             Output y) {
  using Sums = RowSums<kTakesVectors, Output>;
  __shared__ Hits hits;
  const auto thread = static_cast<int>(threadIdx.x);
  const int64_t first_row = int64_t{blockIdx.x / tiles.num_column_tiles} * tiles.rows_per_tile;
  const auto num_rows =
      static_cast<int>(min(int64_t{tiles.rows_per_tile}, tiles.num_rows - first_row));
  const int64_t first_column =
      int64_t{blockIdx.x % tiles.num_column_tiles} * tiles.columns_per_tile;
  const int64_t num_columns = min(tiles.columns_per_tile, tiles.row_size - first_column);
  const auto num_parts = static_cast<int>((num_columns + kColumnsOfWarp - 1) / kColumnsOfWarp);
  for (int64_t begin = 0; begin < num_indices; begin += kRoundSize) {
    const auto round_size = static_cast<int>(min(int64_t{kRoundSize}, num_indices - begin));
    __syncthreads();
    if (thread < num_rows) hits.num_of_row[thread] = 0;
    __syncthreads();
    const int num_hits = collect_hits(hits, index + begin, round_size, first_row, num_rows);
    __syncthreads();
    sort_hits(hits, num_hits, num_rows);
    __syncthreads();
    // In the first round every row gets a sum, and in the last its result; else those with hits.
    const bool is_last_round = begin + kRoundSize >= num_indices;
    const bool takes_all = begin == 0 || (is_last_round && !Sums::kIsResult);
    const int num_summed = takes_all ? num_rows : hits.num_used_rows;
    for (int part = thread / kThreadsPerWarp; part < num_summed * num_parts; part += kGradWarps) {
      const int number = part / num_parts;
      const int row = takes_all ? number : hits.used_rows[number];
      const int64_t first = first_column + int64_t{part - number * num_parts} * kColumnsOfWarp;
      const Sums sums(y, (first_row + row) * tiles.row_size, row, first, tiles.row_size);
      double totals[kWidest] = {};
      if (begin > 0) sums.read(totals);
      add_hits<kTakesVectors>(totals, gradient + begin * tiles.row_size,
                              &hits.sorted[hits.start_of_row[row]], hits.num_of_row[row], first,
                              tiles.row_size);
      sums.write(totals, is_last_round);
    }
  }
}

/// Large tiles, as each costs a reading of the indices, but enough of them to fill a large GPU.
/// Sums do not depend on it.
GradTiles grad_tiles_of(int64_t num_rows, int64_t row_size) {
  constexpr int64_t kWantedBlocks = 396;
  const int64_t most_column_tiles = num_blocks_for(row_size, kColumnsOfWarp);
  const int64_t num_large = num_blocks_for(num_rows, GradTiles::kMaxRows);
  const int64_t wanted_column_tiles =
      std::clamp<int64_t>(kWantedBlocks / num_large, 1, most_column_tiles);
  const int64_t columns_of_warps = num_blocks_for(most_column_tiles, wanted_column_tiles);
  const int64_t num_column_tiles = num_blocks_for(most_column_tiles, columns_of_warps);
  const int64_t rows_per_tile = num_rows * num_column_tiles / kWantedBlocks;
  return {.num_rows = num_rows,
          .row_size = row_size,
          .rows_per_tile =
              static_cast<int>(std::clamp<int64_t>(rows_per_tile, kGradWarps, GradTiles::kMaxRows)),
          .columns_per_tile = columns_of_warps * kColumnsOfWarp,
          .num_column_tiles = static_cast<unsigned>(num_column_tiles)};
}

/// Tiles as wide as a warp, whose sums fit in shared memory.
GradTiles kept_grad_tiles_of(int64_t num_rows, int64_t row_size) {
  GradTiles tiles = grad_tiles_of(num_rows, row_size);
  tiles.rows_per_tile = std::min(tiles.rows_per_tile, GradTiles::kMaxKeptRows);
  tiles.columns_per_tile = kColumnsOfWarp;
  tiles.num_column_tiles = num_blocks_for(row_size, kColumnsOfWarp);
  return tiles;
}

template <class T, class Index, class Output>
class EmbeddingGradKernel : public CudaKernel {
 public:
  EmbeddingGradKernel(const GradTiles& tiles, int64_t num_indices, ElementType result)
      : tiles_(tiles), num_indices_(num_indices), result_(result) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    const bool takes_vectors =
        tiles_.row_size % kWidest == 0 && are_aligned(kVectorBytes, at.inputs[0], at.result());
    const auto kernel =
        takes_vectors ? add_rows<true, T, Index, Output> : add_rows<false, T, Index, Output>;
    const int kept_bytes = keeps_sums() ? GradTiles::kKeptBytes : 0;
    kernel<<<tiles_.num_blocks(), kGradThreads, kept_bytes, queue.stream>>>(
        tiles_, elements<T>(at.inputs[0]), elements<Index>(at.inputs[1]), num_indices_,
        output_of(at));
    CUDA_TRY(cudaGetLastError());
    return {};
  }

 private:
  bool keeps_sums() const {
    return std::is_same_v<Output, AnyFloatResults> && num_indices_ > kRoundSize;
  }
  Output output_of(const KernelArguments& at) const {
    if constexpr (std::is_same_v<Output, float*>) {
      return elements<float>(at.result());
    } else {
      return {at.result(), result_};
    }
  }

  GradTiles tiles_;
  int64_t num_indices_;
  ElementType result_;
};

template <class T, class Index>
KernelResult make_embedding_grad(const KernelSpec& spec) {
  const TensorType& table = spec.result();
  const int64_t num_rows = table.shape[0];
  const int64_t row_size = table.shape[1];
  const int64_t num_indices = spec.inputs[1].num_elements();
  if (table.element == ElementType::kF32) {
    return std::make_unique<EmbeddingGradKernel<T, Index, float*>>(
        grad_tiles_of(num_rows, row_size), num_indices, table.element);
  }
  using Output = AnyFloatResults;
  for (auto* kernel : {add_rows<true, T, Index, Output>, add_rows<false, T, Index, Output>}) {
    CUDA_TRY(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                  GradTiles::kKeptBytes));
  }
  const GradTiles tiles = num_indices > kRoundSize ? kept_grad_tiles_of(num_rows, row_size)
                                                   : grad_tiles_of(num_rows, row_size);
  return std::make_unique<EmbeddingGradKernel<T, Index, Output>>(tiles, num_indices, table.element);
}

}  // namespace

KernelResult prepare_embedding_grad(const KernelSpec& spec) {
  return with_device_float(spec.inputs[0].element, [&](auto tag) {
    using T = typename decltype(tag)::Type;
    const bool are_wide = spec.inputs[1].element == ElementType::kI64;
    return are_wide ? make_embedding_grad<T, int64_t>(spec) : make_embedding_grad<T, int32_t>(spec);
  });
}

}  // namespace graphrt::cuda

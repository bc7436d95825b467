// Rows of a table, by their index, and the sums of rows that go back into it. No atomics: a thread
// adds up its elements of the table alone, in the order of the indices.
#include <limits>

#include "runtime/kernels/cuda/prepare.h"
#include "runtime/kernels/cuda/team.cuh"
#include "runtime/op/embedding_sums.h"

namespace graphrt::cuda {
namespace {

struct Table {
  int64_t num_rows;
  int64_t row_size;

  __device__ bool has_row(int32_t index) const { return index >= 0 && index < num_rows; }
};

/// A thread takes one element of the result. An index that names no row makes its part of the
/// result NaN: visible, where reading past the table would not be.
template <class Index>
__global__ void look_up(const Table table, const float* rows, const int32_t* index, float* y,
                        Index num_elements) {
  const auto thread = static_cast<Index>(thread_number());
  if (thread >= num_elements) return;
  const auto size = static_cast<Index>(table.row_size);
  const Index position = thread / size;
  const int32_t row = index[position];
  y[thread] = table.has_row(row) ? rows[row * table.row_size + (thread - position * size)]
                                 : std::numeric_limits<float>::quiet_NaN();
}

class EmbeddingKernel : public CudaKernel {
 public:
  EmbeddingKernel(const Table& table, int64_t num_elements)
      : table_(table), num_elements_(num_elements) {}

  Result<void> launch(std::span<const std::byte* const> inputs, std::byte* output,
                      const CudaQueue& queue) const override {
    if (fits_32_bits(num_elements_)) return launch_with<uint32_t>(inputs, output, queue);
    return launch_with<uint64_t>(inputs, output, queue);
  }

 private:
  template <class Index>
  Result<void> launch_with(std::span<const std::byte* const> inputs, std::byte* output,
                           const CudaQueue& queue) const {
    look_up<<<num_blocks_for(num_elements_), kThreadsPerBlock, 0, queue.stream>>>(
        table_, elements<float>(inputs[0]), elements<int32_t>(inputs[1]), elements<float>(output),
        static_cast<Index>(num_elements_));
    CUDA_TRY(cudaGetLastError());
    return {};
  }

  Table table_;
  int64_t num_elements_;
};

/// What a block of threads adds up: neighbouring rows of the table, a column of them a thread.
struct Tile {
  static constexpr int kMaxRows = 16;
  static constexpr int kNumColumns = kThreadsPerBlock;

  int num_rows;
  unsigned num_column_tiles;
};

/// The positions of indices that name a row of the tile, of as many indices as a block has threads.
struct Hits {
  int16_t position[kThreadsPerBlock];
  int16_t row[kThreadsPerBlock];  ///< of the tile
  int num_of_warp[kThreadsPerBlock / kThreadsPerWarp];
};

/// Writes the hits in the order of the indices; returns how many there are.
/// Requires: all threads of the block call it; `row` is that of the thread's index, in the tile
///           where `is_hit`.
__device__ int collect_hits(Hits& hits, bool is_hit, int row) {
  constexpr unsigned kWholeWarp = 0xffffffff;
  constexpr int kNumWarps = kThreadsPerBlock / kThreadsPerWarp;
  const auto thread = static_cast<int>(threadIdx.x);
  const unsigned hits_of_warp = __ballot_sync(kWholeWarp, is_hit);
  if (thread % kThreadsPerWarp == 0) {
    hits.num_of_warp[thread / kThreadsPerWarp] = __popc(hits_of_warp);
  }
  __syncthreads();
  int num_hits = 0;
  int num_before = 0;
  for (int warp = 0; warp < kNumWarps; ++warp) {
    if (warp == thread / kThreadsPerWarp) num_before = num_hits;
    num_hits += hits.num_of_warp[warp];
  }
  if (is_hit) {
    const unsigned lower_lanes = (1U << (thread % kThreadsPerWarp)) - 1;
    const int at = num_before + __popc(hits_of_warp & lower_lanes);
    hits.position[at] = static_cast<int16_t>(thread);
    hits.row[at] = static_cast<int16_t>(row);
  }
  __syncthreads();
  return num_hits;
}

/// Every block reads all indices and adds up the rows that go into its tile, in double: a row that
/// a million indices name keeps its digits.
__global__ void add_rows(const Table table, const Tile tile, const float* __restrict__ gradient,
                         const int32_t* index, int64_t num_indices, float* y) {
  __shared__ Hits hits;
  __shared__ double totals[Tile::kMaxRows][Tile::kNumColumns];
  const auto thread = static_cast<int>(threadIdx.x);
  const int64_t column = int64_t{blockIdx.x % tile.num_column_tiles} * Tile::kNumColumns + thread;
  const int64_t first_row = int64_t{blockIdx.x / tile.num_column_tiles} * tile.num_rows;
  const bool has_column = column < table.row_size;
  for (int row = 0; row < tile.num_rows; ++row) totals[row][thread] = 0;

  static_assert(kIndicesPerRounding % kThreadsPerBlock == 0);
  for (int64_t begin = 0; begin < num_indices; begin += kThreadsPerBlock) {
    if (begin > 0 && begin % kIndicesPerRounding == 0) {
      for (int row = 0; row < tile.num_rows; ++row) {
        totals[row][thread] = static_cast<float>(totals[row][thread]);
      }
    }
    const int64_t position = begin + thread;
    const int64_t row = position < num_indices ? index[position] - first_row : -1;
    const bool is_hit = row >= 0 && row < tile.num_rows;
    const int num_hits = collect_hits(hits, is_hit, static_cast<int>(row));
    if (!has_column) continue;
#pragma unroll 4
    for (int i = 0; i < num_hits; ++i) {
      totals[hits.row[i]][thread] += gradient[(begin + hits.position[i]) * table.row_size + column];
    }
  }

  if (!has_column) return;
  const int64_t num_rows = min(int64_t{tile.num_rows}, table.num_rows - first_row);
  for (int row = 0; row < num_rows; ++row) {
    y[(first_row + row) * table.row_size + column] = static_cast<float>(totals[row][thread]);
  }
}

/// Tiles of as many rows as leave enough blocks to fill a large GPU. Sums do not depend on it.
Tile tile_for(const Table& table) {
  constexpr int64_t kWantedBlocks = 1024;
  const int64_t num_column_tiles = num_blocks_for(table.row_size, Tile::kNumColumns);
  const int64_t num_rows = table.num_rows * num_column_tiles / kWantedBlocks;
  return {.num_rows = static_cast<int>(std::clamp<int64_t>(num_rows, 1, Tile::kMaxRows)),
          .num_column_tiles = static_cast<unsigned>(num_column_tiles)};
}

class EmbeddingGradKernel : public CudaKernel {
 public:
  EmbeddingGradKernel(const Table& table, int64_t num_indices)
      : table_(table), tile_(tile_for(table)), num_indices_(num_indices) {}

  Result<void> launch(std::span<const std::byte* const> inputs, std::byte* output,
                      const CudaQueue& queue) const override {
    const unsigned num_row_tiles = num_blocks_for(table_.num_rows, tile_.num_rows);
    add_rows<<<num_row_tiles * tile_.num_column_tiles, kThreadsPerBlock, 0, queue.stream>>>(
        table_, tile_, elements<float>(inputs[0]), elements<int32_t>(inputs[1]), num_indices_,
        elements<float>(output));
    CUDA_TRY(cudaGetLastError());
    return {};
  }

 private:
  Table table_;
  Tile tile_;
  int64_t num_indices_;
};

Table table_of(const TensorType& type) { return {type.shape[0], type.shape[1]}; }

}  // namespace

KernelResult prepare_embedding(const KernelSpec& spec) {
  return std::make_unique<EmbeddingKernel>(table_of(spec.inputs[0]), spec.result.num_elements());
}

KernelResult prepare_embedding_grad(const KernelSpec& spec) {
  return std::make_unique<EmbeddingGradKernel>(table_of(spec.result),
                                               spec.inputs[1].num_elements());
}

}  // namespace graphrt::cuda

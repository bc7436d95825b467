// Transpositions, of elements as unsigned integers of their size.
#include <algorithm>
#include <vector>

#include "runtime/kernels/cuda/device_types.cuh"
#include "runtime/kernels/cuda/prepare.h"
#include "runtime/kernels/cuda/walk.cuh"

namespace graphrt::cuda {
namespace {

constexpr size_t kFrom = 0;
constexpr size_t kTo = 1;

/// to[i] = from[walk(i)].
template <int kSize, class Index, class Element>
__global__ void transpose_elements(const __grid_constant__ Walk<Index, 1> walk, const Element* from,
                                   Element* to, Index num_vectors) {
  move_vectors<kSize>(to, num_vectors, [&](Index first) {
    return load<kSize>(from + walk.offsets_at(first).of[0]);
  });
}

/// For transpositions that keep the innermost loop, and for those with too short loops to tile:
/// results are written in the order of memory, operands come through the caches.
template <class Index, class Element>
class ElementwiseTransposeKernel : public CudaKernel {
 public:
  ElementwiseTransposeKernel(std::span<const StridedDim> loops, int64_t num_elements)
      : walk_(walk_of<Index, 1>(loops)),
        takes_vectors_(takes_vectors(loops, 1)),
        num_elements_(num_elements) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    const Element* from = elements<Element>(at.inputs[0]);
    Element* to = elements<Element>(at.result());
    if (takes_vectors_ && are_aligned(kVectorBytes, from, to)) {
      return launch_with<kNeighbours<Element, Element>>(from, to, queue);
    }
    return launch_with<1>(from, to, queue);
  }

 private:
  template <int kSize>
  Result<void> launch_with(const Element* from, Element* to, const CudaQueue& queue) const {
    transpose_elements<kSize, Index, Element>
        <<<num_moving_blocks_for(num_elements_ / kSize), kThreadsPerBlock, 0, queue.stream>>>(
            walk_, from, to, static_cast<Index>(num_elements_ / kSize));
    CUDA_TRY(cudaGetLastError());
    return {};
  }

  Walk<Index, 1> walk_;
  bool takes_vectors_;
  int64_t num_elements_;
};

/// A side of a tile is as long as fills most of it.
constexpr int kWideTileSide = 64;
constexpr int kNarrowTileSide = 32;
/// Shorter loops leave most of a tile empty.
constexpr int64_t kShortestTiledLoop = 8;

/// Matrices to transpose: `columns` lie side by side in the operand, `rows` in the result. The
/// batch names one of many matrices.
template <class Index>
struct Tiles {
  Walk<Index, 2> batch;
  Index num_rows;
  Index num_columns;
  Index row_stride;     ///< of the operand
  Index column_stride;  ///< of the result
  Index num_row_tiles;
  Index num_column_tiles;
};

/// Through shared memory, so that both sides are read and written along their rows. A tile's rows
/// are one element longer than full, so that its columns spread over all banks.
template <int kTileSide, class Index, class Element>
__global__ void __launch_bounds__(kThreadsPerBlock)
    transpose_tiles(const __grid_constant__ Tiles<Index> tiles, const Element* from, Element* to) {
  constexpr int kTileStep = kThreadsPerBlock / kTileSide;
  constexpr int kNumSteps = kTileSide / kTileStep;
  __shared__ Element tile[kTileSide][kTileSide + 1];
  const Index row_of_tiles = blockIdx.x / tiles.num_column_tiles;
  const Index first_column = (blockIdx.x - row_of_tiles * tiles.num_column_tiles) * kTileSide;
  const Index matrix = row_of_tiles / tiles.num_row_tiles;
  const Index first_row = (row_of_tiles - matrix * tiles.num_row_tiles) * kTileSide;
  const auto offsets = tiles.batch.offsets_at(matrix);
  const Index along = threadIdx.x % kTileSide;
  const Index across = threadIdx.x / kTileSide;
  from += offsets.of[kFrom] + first_column + along;
  Element held[kNumSteps];  // all are under way before the first is put down
#pragma unroll
  for (int step = 0; step < kNumSteps; ++step) {
    const Index row = first_row + across + step * kTileStep;
    if (row < tiles.num_rows && first_column + along < tiles.num_columns) {
      held[step] = from[row * tiles.row_stride];
    }
  }
#pragma unroll
  for (int step = 0; step < kNumSteps; ++step) {
    tile[across + step * kTileStep][along] = held[step];
  }
  __syncthreads();
  to += offsets.of[kTo] + first_row + along;
#pragma unroll
  for (int step = 0; step < kNumSteps; ++step) {
    const Index i = across + step * kTileStep;
    const Index column = first_column + i;
    if (first_row + along < tiles.num_rows && column < tiles.num_columns) {
      to[column * tiles.column_stride] = tile[along][i];
    }
  }
}

template <class Index, class Element>
class TiledTransposeKernel : public CudaKernel {
 public:
  /// `columns`: which of the loops runs along the operand. The last runs along the result.
  TiledTransposeKernel(std::vector<StridedDim> loops, size_t columns) {
    const StridedDim row_loop = loops.back();
    const StridedDim column_loop = loops[columns];
    loops.pop_back();
    loops.erase(loops.begin() + static_cast<std::ptrdiff_t>(columns));
    int64_t num_matrices = 1;
    for (const StridedDim& loop : loops) num_matrices *= loop.size;
    is_wide_ = std::min(row_loop.size, column_loop.size) > kNarrowTileSide;
    const int side = is_wide_ ? kWideTileSide : kNarrowTileSide;
    const int64_t num_row_tiles = num_blocks_for(row_loop.size, side);
    const int64_t num_column_tiles = num_blocks_for(column_loop.size, side);
    tiles_ = {.batch = walk_of<Index, 2>(loops),
              .num_rows = static_cast<Index>(row_loop.size),
              .num_columns = static_cast<Index>(column_loop.size),
              .row_stride = static_cast<Index>(row_loop.strides[kFrom]),
              .column_stride = static_cast<Index>(column_loop.strides[kTo]),
              .num_row_tiles = static_cast<Index>(num_row_tiles),
              .num_column_tiles = static_cast<Index>(num_column_tiles)};
    num_tiles_ = static_cast<unsigned>(num_matrices * num_row_tiles * num_column_tiles);
  }

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    const auto kernel = is_wide_ ? transpose_tiles<kWideTileSide, Index, Element>
                                 : transpose_tiles<kNarrowTileSide, Index, Element>;
    kernel<<<num_tiles_, kThreadsPerBlock, 0, queue.stream>>>(
        tiles_, elements<Element>(at.inputs[0]), elements<Element>(at.result()));
    CUDA_TRY(cudaGetLastError());
    return {};
  }

 private:
  Tiles<Index> tiles_;
  unsigned num_tiles_;
  bool is_wide_;
};

/// The loop that runs along the operand.
size_t innermost_of_operand(std::span<const StridedDim> loops) {
  const auto at = std::find_if(loops.begin(), loops.end(),
                               [](const StridedDim& loop) { return loop.strides[kFrom] == 1; });
  return static_cast<size_t>(at - loops.begin());
}

template <class Index, class Element>
KernelResult make_transpose(const std::vector<StridedDim>& loops, int64_t num_elements) {
  const size_t columns = innermost_of_operand(loops);
  const bool swaps_innermost = columns + 1 < loops.size();
  if (swaps_innermost && loops.back().size >= kShortestTiledLoop &&
      loops[columns].size >= kShortestTiledLoop) {
    return std::make_unique<TiledTransposeKernel<Index, Element>>(loops, columns);
  }
  return std::make_unique<ElementwiseTransposeKernel<Index, Element>>(loops, num_elements);
}

}  // namespace

KernelResult prepare_transpose(const KernelSpec& spec) {
  const int64_t num_elements = spec.result().num_elements();
  const auto loops =
      transpose_loops(spec.inputs[0].shape, spec.result().shape, spec.attributes.list("axes"));
  if (loops.size() == 1) return prepare_copy(spec);
  return by_size(spec, [&](auto tag) {
    using Element = typename decltype(tag)::Type;
    if (fits_32_bits(num_elements)) return make_transpose<uint32_t, Element>(loops, num_elements);
    return make_transpose<uint64_t, Element>(loops, num_elements);
  });
}

}  // namespace graphrt::cuda

// Operators that move elements without looking at them. Every element type has 4 bytes.
#include <vector>

#include "runtime/kernels/cuda/prepare.h"
#include "runtime/kernels/cuda/walk.cuh"

namespace graphrt::cuda {
namespace {

using Element = uint32_t;

Result<void> queue_copy(const Element* from, Element* to, int64_t num_elements,
                        const CudaQueue& queue) {
  CUDA_TRY(cudaMemcpyAsync(to, from, static_cast<size_t>(num_elements) * sizeof(Element),
                           cudaMemcpyDeviceToDevice, queue.stream));
  return {};
}

class CopyKernel : public CudaKernel {
 public:
  explicit CopyKernel(int64_t num_elements) : num_elements_(num_elements) {}

  Result<void> launch(std::span<const std::byte* const> inputs, std::byte* output,
                      const CudaQueue& queue) const override {
    if (inputs[0] == output) return {};
    return queue_copy(elements<Element>(inputs[0]), elements<Element>(output), num_elements_,
                      queue);
  }

 private:
  int64_t num_elements_;
};

/// Equal runs of neighbours that start at regular distances on either side.
/// Units: elements.
struct Runs {
  int64_t num_runs;
  int64_t run_size;
  int64_t from_stride;
  int64_t to_stride;
};

template <int kSize, class Index>
__global__ void copy_runs(const Element* from, int64_t from_stride, Element* to, int64_t to_stride,
                          Index run_size, Index num_elements) {
  const Index first = static_cast<Index>(thread_number()) * kSize;
  if (first >= num_elements) return;
  const Index run = first / run_size;
  const int64_t in_run = first - run * run_size;
  const auto number = static_cast<int64_t>(run);
  store<kSize>(to + number * to_stride + in_run, load<kSize>(from + number * from_stride + in_run));
}

template <int kSize, class Index>
Result<void> launch_copy_runs(const Runs& runs, const Element* from, Element* to,
                              const CudaQueue& queue) {
  const int64_t num_elements = runs.num_runs * runs.run_size;
  copy_runs<kSize, Index>
      <<<num_blocks_for(num_elements / kSize), kThreadsPerBlock, 0, queue.stream>>>(
          from, runs.from_stride, to, runs.to_stride, static_cast<Index>(runs.run_size),
          static_cast<Index>(num_elements));
  CUDA_TRY(cudaGetLastError());
  return {};
}

bool fit_vectors(const Runs& runs) {
  return runs.run_size % kWidest == 0 && runs.from_stride % kWidest == 0 &&
         runs.to_stride % kWidest == 0;
}

Result<void> queue_runs(const Runs& runs, const Element* from, Element* to,
                        const CudaQueue& queue) {
  const int64_t num_elements = runs.num_runs * runs.run_size;
  const bool side_by_side = runs.run_size == runs.from_stride && runs.run_size == runs.to_stride;
  if (runs.num_runs == 1 || side_by_side) return queue_copy(from, to, num_elements, queue);
  const bool wide = fit_vectors(runs) && are_aligned(kVectorBytes, from, to);
  if (fits_32_bits(num_elements)) {
    return wide ? launch_copy_runs<kWidest, uint32_t>(runs, from, to, queue)
                : launch_copy_runs<1, uint32_t>(runs, from, to, queue);
  }
  return wide ? launch_copy_runs<kWidest, uint64_t>(runs, from, to, queue)
              : launch_copy_runs<1, uint64_t>(runs, from, to, queue);
}

/// A piece of the operand, taken for each index in front of the axis.
class SliceKernel : public CudaKernel {
 public:
  SliceKernel(const Runs& runs, int64_t offset) : runs_(runs), offset_(offset) {}

  Result<void> launch(std::span<const std::byte* const> inputs, std::byte* output,
                      const CudaQueue& queue) const override {
    return queue_runs(runs_, elements<Element>(inputs[0]) + offset_, elements<Element>(output),
                      queue);
  }

 private:
  Runs runs_;
  int64_t offset_;
};

class ConcatKernel : public CudaKernel {
 public:
  explicit ConcatKernel(std::vector<Runs> runs) : runs_(std::move(runs)) {}

  Result<void> launch(std::span<const std::byte* const> inputs, std::byte* output,
                      const CudaQueue& queue) const override {
    Element* to = elements<Element>(output);
    for (size_t i = 0; i < runs_.size(); ++i) {
      TRY(queue_runs(runs_[i], elements<Element>(inputs[i]), to, queue));
      to += runs_[i].run_size;
    }
    return {};
  }

 private:
  std::vector<Runs> runs_;  // of every operand
};

constexpr size_t kFrom = 0;
constexpr size_t kTo = 1;

/// to[i] = from[walk(i)].
template <int kSize, class Index>
__global__ void transpose_elements(const __grid_constant__ Walk<Index, 1> walk, const Element* from,
                                   Element* to, Index num_elements) {
  const Index first = static_cast<Index>(thread_number()) * kSize;
  if (first >= num_elements) return;
  store<kSize>(to + first, load<kSize>(from + walk.offsets_at(first).of[0]));
}

/// For transpositions that keep the innermost loop, and for those with too short loops to tile:
/// results are written in the order of memory, operands come through the caches.
template <class Index>
class ElementwiseTransposeKernel : public CudaKernel {
 public:
  ElementwiseTransposeKernel(std::span<const StridedDim> loops, int64_t num_elements)
      : walk_(walk_of<Index, 1>(loops)),
        takes_vectors_(takes_vectors(loops, 1)),
        num_elements_(num_elements) {}

  Result<void> launch(std::span<const std::byte* const> inputs, std::byte* output,
                      const CudaQueue& queue) const override {
    const Element* from = elements<Element>(inputs[0]);
    Element* to = elements<Element>(output);
    if (takes_vectors_ && are_aligned(kVectorBytes, from, to)) {
      return launch_with<kWidest>(from, to, queue);
    }
    return launch_with<1>(from, to, queue);
  }

 private:
  template <int kSize>
  Result<void> launch_with(const Element* from, Element* to, const CudaQueue& queue) const {
    transpose_elements<kSize, Index>
        <<<num_blocks_for(num_elements_ / kSize), kThreadsPerBlock, 0, queue.stream>>>(
            walk_, from, to, static_cast<Index>(num_elements_));
    CUDA_TRY(cudaGetLastError());
    return {};
  }

  Walk<Index, 1> walk_;
  bool takes_vectors_;
  int64_t num_elements_;
};

constexpr int kTileSide = 32;
constexpr int kTileStep = kThreadsPerBlock / kTileSide;
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
template <class Index>
__global__ void transpose_tiles(const __grid_constant__ Tiles<Index> tiles, const Element* from,
                                Element* to) {
  __shared__ Element tile[kTileSide][kTileSide + 1];
  const Index row_of_tiles = blockIdx.x / tiles.num_column_tiles;
  const Index first_column = (blockIdx.x - row_of_tiles * tiles.num_column_tiles) * kTileSide;
  const Index matrix = row_of_tiles / tiles.num_row_tiles;
  const Index first_row = (row_of_tiles - matrix * tiles.num_row_tiles) * kTileSide;
  const auto offsets = tiles.batch.offsets_at(matrix);
  const Index along = threadIdx.x % kTileSide;
  const Index across = threadIdx.x / kTileSide;
  for (Index i = across; i < kTileSide; i += kTileStep) {
    const Index row = first_row + i;
    const Index column = first_column + along;
    if (row >= tiles.num_rows || column >= tiles.num_columns) continue;
    tile[i][along] = from[offsets.of[kFrom] + row * tiles.row_stride + column];
  }
  __syncthreads();
  for (Index i = across; i < kTileSide; i += kTileStep) {
    const Index row = first_row + along;
    const Index column = first_column + i;
    if (row >= tiles.num_rows || column >= tiles.num_columns) continue;
    to[offsets.of[kTo] + column * tiles.column_stride + row] = tile[along][i];
  }
}

template <class Index>
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
    const int64_t num_row_tiles = (row_loop.size + kTileSide - 1) / kTileSide;
    const int64_t num_column_tiles = (column_loop.size + kTileSide - 1) / kTileSide;
    tiles_ = {.batch = walk_of<Index, 2>(loops),
              .num_rows = static_cast<Index>(row_loop.size),
              .num_columns = static_cast<Index>(column_loop.size),
              .row_stride = static_cast<Index>(row_loop.strides[kFrom]),
              .column_stride = static_cast<Index>(column_loop.strides[kTo]),
              .num_row_tiles = static_cast<Index>(num_row_tiles),
              .num_column_tiles = static_cast<Index>(num_column_tiles)};
    num_tiles_ = static_cast<unsigned>(num_matrices * num_row_tiles * num_column_tiles);
  }

  Result<void> launch(std::span<const std::byte* const> inputs, std::byte* output,
                      const CudaQueue& queue) const override {
    transpose_tiles<Index><<<num_tiles_, kThreadsPerBlock, 0, queue.stream>>>(
        tiles_, elements<Element>(inputs[0]), elements<Element>(output));
    CUDA_TRY(cudaGetLastError());
    return {};
  }

 private:
  Tiles<Index> tiles_;
  unsigned num_tiles_;
};

/// The loop that runs along the operand.
size_t innermost_of_operand(std::span<const StridedDim> loops) {
  const auto at = std::find_if(loops.begin(), loops.end(),
                               [](const StridedDim& loop) { return loop.strides[kFrom] == 1; });
  return static_cast<size_t>(at - loops.begin());
}

template <class Index>
KernelResult make_transpose(const std::vector<StridedDim>& loops, int64_t num_elements) {
  const size_t columns = innermost_of_operand(loops);
  const bool swaps_innermost = columns + 1 < loops.size();
  if (swaps_innermost && loops.back().size >= kShortestTiledLoop &&
      loops[columns].size >= kShortestTiledLoop) {
    return std::make_unique<TiledTransposeKernel<Index>>(loops, columns);
  }
  return std::make_unique<ElementwiseTransposeKernel<Index>>(loops, num_elements);
}

}  // namespace

KernelResult prepare_copy(const KernelSpec& spec) {
  return std::make_unique<CopyKernel>(spec.result.num_elements());
}

/// The elements stay where they are.
KernelResult prepare_reshape(const KernelSpec& spec) { return prepare_copy(spec); }

KernelResult prepare_slice(const KernelSpec& spec) {
  const AxisSplit from = split_at(spec.inputs[0].shape, spec.attributes.integer("axis", 0));
  const int64_t begin = spec.attributes.integer("begin", 0);
  const int64_t end = spec.attributes.integer("end", from.size);
  const int64_t run_size = (end - begin) * from.inner;
  const Runs runs{.num_runs = from.outer,
                  .run_size = run_size,
                  .from_stride = from.size * from.inner,
                  .to_stride = run_size};
  return std::make_unique<SliceKernel>(runs, begin * from.inner);
}

KernelResult prepare_concat(const KernelSpec& spec) {
  const int64_t axis = spec.attributes.integer("axis", 0);
  const AxisSplit to = split_at(spec.result.shape, axis);
  std::vector<Runs> runs;
  for (const TensorType& input : spec.inputs) {
    const AxisSplit from = split_at(input.shape, axis);
    const int64_t run_size = from.size * from.inner;
    runs.push_back({.num_runs = to.outer,
                    .run_size = run_size,
                    .from_stride = run_size,
                    .to_stride = to.size * to.inner});
  }
  return std::make_unique<ConcatKernel>(std::move(runs));
}

KernelResult prepare_transpose(const KernelSpec& spec) {
  const int64_t num_elements = spec.result.num_elements();
  const auto loops =
      transpose_loops(spec.inputs[0].shape, spec.result.shape, spec.attributes.list("axes"));
  if (loops.size() == 1) return std::make_unique<CopyKernel>(num_elements);
  if (fits_32_bits(num_elements)) return make_transpose<uint32_t>(loops, num_elements);
  return make_transpose<uint64_t>(loops, num_elements);
}

}  // namespace graphrt::cuda

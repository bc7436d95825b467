// Reductions without atomics. A team of threads adds up one row, which is all that goes into one
// result. Where there are too few rows to keep a GPU busy, rows are cut into chunks, as many as the
// shape says, whose totals are rows for a second pass.
#include <limits>

#include "runtime/base/check.h"
#include "runtime/kernels/cuda/prepare.h"
#include "runtime/kernels/cuda/team.cuh"
#include "runtime/kernels/cuda/walk.cuh"
#include "runtime/op/op_table.h"

namespace graphrt::cuda {
namespace {

/// In double: a sum of many floats in float loses more digits than users expect. Memory is slower
/// all the same.
struct FloatSum {
  using Element = float;
  using Total = double;
  static constexpr Total kStart = 0;
  __device__ Total operator()(Total total, Total x) const { return total + x; }
};

/// Unsigned, because there going past 32 bits is defined: the sum wraps around.
struct IntSum {
  using Element = uint32_t;
  using Total = uint32_t;
  static constexpr Total kStart = 0;
  __device__ Total operator()(Total total, Total x) const { return total + x; }
};

/// A NaN is larger than every number, and stays. -0 counts as 0, so that no order matters.
struct FloatMax {
  using Element = float;
  using Total = float;
  static constexpr Total kStart = -std::numeric_limits<float>::infinity();
  __device__ Total operator()(Total largest, Total x) const {
    return largest >= x || largest != largest ? largest : x + 0.0F;
  }
};

struct IntMax {
  using Element = int32_t;
  using Total = int32_t;
  static constexpr Total kStart = std::numeric_limits<int32_t>::lowest();
  __device__ Total operator()(Total largest, Total x) const { return x > largest ? x : largest; }
};

/// One launch: every row in chunks, a total for each chunk.
template <class Index>
struct Pass {
  Walk<Index, 1> kept;     ///< from the number of a row to where it starts
  Walk<Index, 1> reduced;  ///< from the number of an element to where it is in its row
  Index num_rows;
  Index row_size;
  Index chunk_size;
  unsigned num_chunks;  ///< of a row
  TeamLayout layout;
};

template <class Reduction, class Input, class Index>
__device__ typename Reduction::Total total_of(const Walk<Index, 1>& reduced, const Input* row,
                                              Index begin, Index end, Index step) {
  using Total = typename Reduction::Total;
  const Reduction combine;
  Total total = Reduction::kStart;
  if (reduced.num_loops == 1) {
    const Index stride = reduced.stride[0][0];
#pragma unroll 4
    for (Index i = begin; i < end; i += step) {
      total = combine(total, static_cast<Total>(row[i * stride]));
    }
    return total;
  }
  for (Index i = begin; i < end; i += step) {
    total = combine(total, static_cast<Total>(row[reduced.offsets_at(i).of[0]]));
  }
  return total;
}

/// Block (x, y) takes chunk y of several rows; chunk totals of a row lie side by side.
template <class Reduction, class Input, class Output, class Index>
__global__ void reduce_rows(const __grid_constant__ Pass<Index> pass, const Input* x, Output* y,
                            typename Reduction::Total divisor) {
  const Team team(pass.layout);
  const Index row = static_cast<Index>(blockIdx.x) * pass.layout.teams_per_block() + team.index();
  const bool has_row = row < pass.num_rows;
  const Index begin = blockIdx.y * pass.chunk_size;
  const Index end = has_row ? min(begin + pass.chunk_size, pass.row_size) : begin;
  const Input* start = x + (has_row ? pass.kept.offsets_at(row).of[0] : 0);
  auto total = total_of<Reduction>(pass.reduced, start, begin + team.lane(), end,
                                   static_cast<Index>(team.width()));
  total = team.reduce(total, Reduction{});
  if (!has_row || team.lane() != 0) return;
  y[static_cast<size_t>(row) * pass.num_chunks + blockIdx.y] = static_cast<Output>(total / divisor);
}

template <class Reduction, class Input, class Output, class Index>
Result<void> launch_pass(const Pass<Index>& pass, const Input* x, Output* y,
                         typename Reduction::Total divisor, const CudaQueue& queue) {
  const dim3 grid(num_blocks_for(pass.num_rows, pass.layout.teams_per_block()), pass.num_chunks);
  reduce_rows<Reduction, Input, Output, Index>
      <<<grid, kThreadsPerBlock, 0, queue.stream>>>(pass, x, y, divisor);
  CUDA_TRY(cudaGetLastError());
  return {};
}

/// How many chunks make enough blocks to fill a large GPU, of enough elements to be worth it.
int64_t num_chunks_for(int64_t num_rows, int64_t row_size, const TeamLayout& layout) {
  constexpr int64_t kWantedBlocks = 1024;
  constexpr int64_t kFewestElementsPerThread = 16;
  const int64_t num_blocks = num_blocks_for(num_rows, layout.teams_per_block());
  const int64_t most = row_size / (layout.width * kFewestElementsPerThread);
  return std::max<int64_t>(1, std::min(kWantedBlocks / num_blocks, most));
}

template <class Index>
Pass<Index> first_pass(const ReductionLoops& loops, int64_t num_rows, int64_t row_size) {
  const bool rows_are_adjacent = !loops.kept.empty() && loops.kept.back().strides[0] == 1;
  const int64_t num_adjacent = rows_are_adjacent ? loops.kept.back().size : 1;
  const TeamLayout layout = team_layout_for(num_rows, row_size, num_adjacent);
  const int64_t wanted_chunks = num_chunks_for(num_rows, row_size, layout);
  const int64_t chunk_size = (row_size + wanted_chunks - 1) / wanted_chunks;
  return {.kept = walk_of<Index, 1>(loops.kept),
          .reduced = walk_of<Index, 1>(loops.reduced),
          .num_rows = static_cast<Index>(num_rows),
          .row_size = static_cast<Index>(row_size),
          .chunk_size = static_cast<Index>(chunk_size),
          .num_chunks = static_cast<unsigned>((row_size + chunk_size - 1) / chunk_size),
          .layout = layout};
}

/// Combines the totals of the first pass.
Pass<uint32_t> second_pass(int64_t num_rows, int64_t num_chunks) {
  const StridedDim rows{num_rows, {num_chunks}};
  const StridedDim row{num_chunks, {1}};
  return {.kept = walk_of<uint32_t, 1>({&rows, 1}),
          .reduced = walk_of<uint32_t, 1>({&row, 1}),
          .num_rows = static_cast<uint32_t>(num_rows),
          .row_size = static_cast<uint32_t>(num_chunks),
          .chunk_size = static_cast<uint32_t>(num_chunks),
          .num_chunks = 1,
          .layout = team_layout_for(num_rows, num_chunks, 1)};
}

template <class Reduction, class Index>
class ReduceKernel : public CudaKernel {
 public:
  using Element = typename Reduction::Element;
  using Total = typename Reduction::Total;

  ReduceKernel(const ReductionLoops& loops, int64_t num_rows, int64_t row_size, Total divisor)
      : first_(first_pass<Index>(loops, num_rows, row_size)),
        second_(second_pass(num_rows, first_.num_chunks)),
        divisor_(divisor) {
    constexpr int64_t kMaxTotalsOfRows = kCudaWorkspaceBytes / sizeof(Total);
    CHECK(first_.num_chunks == 1 || num_rows * first_.num_chunks <= kMaxTotalsOfRows,
          "totals of chunks fit in the workspace");
  }

  Result<void> launch(std::span<const std::byte* const> inputs, std::byte* output,
                      const CudaQueue& queue) const override {
    const Element* x = elements<Element>(inputs[0]);
    Element* y = elements<Element>(output);
    if (first_.num_chunks == 1) {
      return launch_pass<Reduction>(first_, x, y, divisor_, queue);
    }
    Total* totals = elements<Total>(queue.workspace);
    TRY(launch_pass<Reduction>(first_, x, totals, Total{1}, queue));
    return launch_pass<Reduction>(second_, static_cast<const Total*>(totals), y, divisor_, queue);
  }

 private:
  Pass<Index> first_;
  Pass<uint32_t> second_;  // only where the first has several chunks a row
  Total divisor_;
};

template <class Reduction>
KernelResult make_reduce(const KernelSpec& spec, typename Reduction::Total divisor) {
  const TensorType& input = spec.inputs[0];
  const std::vector<int64_t> axes = normalized_axes(spec.attributes.list("axes"), input.rank());
  const ReductionLoops loops = reduction_loops(input.shape, axes);
  const int64_t num_rows = spec.result.num_elements();
  const int64_t row_size = input.num_elements() / num_rows;
  if (fits_32_bits(input.num_elements())) {
    using Kernel = ReduceKernel<Reduction, uint32_t>;
    return std::make_unique<Kernel>(loops, num_rows, row_size, divisor);
  }
  using Kernel = ReduceKernel<Reduction, uint64_t>;
  return std::make_unique<Kernel>(loops, num_rows, row_size, divisor);
}

}  // namespace

KernelResult prepare_sum(const KernelSpec& spec) {
  if (is_float(spec.inputs[0].element)) return make_reduce<FloatSum>(spec, 1);
  return make_reduce<IntSum>(spec, 1);
}

KernelResult prepare_mean(const KernelSpec& spec) {
  const int64_t count = spec.inputs[0].num_elements() / spec.result.num_elements();
  return make_reduce<FloatSum>(spec, static_cast<double>(count));
}

KernelResult prepare_max(const KernelSpec& spec) {
  if (is_float(spec.inputs[0].element)) return make_reduce<FloatMax>(spec, 1);
  return make_reduce<IntMax>(spec, 1);
}

}  // namespace graphrt::cuda

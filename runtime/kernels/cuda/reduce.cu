// Reductions without atomics, in the order that the shape says.
#include <algorithm>
#include <limits>

#include "runtime/base/check.h"
#include "runtime/base/strides.h"
#include "runtime/kernels/cuda/prepare.h"
#include "runtime/kernels/cuda/reduce_passes.cuh"
#include "runtime/op/op_table.h"

namespace graphrt::cuda {
namespace {

/// Unsigned, because there going past 32 bits is defined: the sum wraps around.
struct IntSum {
  using Total = uint32_t;
  static constexpr Total kStart = 0;
  __device__ Total operator()(Total total, Total x) const { return total + x; }
};

/// A NaN is larger than every number, and stays. -0 counts as 0, so that no order matters.
struct FloatMax {
  using Total = float;
  static constexpr Total kStart = -std::numeric_limits<float>::infinity();
  __device__ Total operator()(Total largest, Total x) const {
    return largest >= x || largest != largest ? largest : x + 0.0F;
  }
};

struct IntMax {
  using Total = int32_t;
  static constexpr Total kStart = std::numeric_limits<int32_t>::lowest();
  __device__ Total operator()(Total largest, Total x) const { return x > largest ? x : largest; }
};

/// How the elements of one result lie.
enum class ReductionForm {
  kColumns,    ///< not side by side: results do
  kRows,       ///< side by side, at least in part
  kShortRows,  ///< side by side, and few
};

struct ReductionShape {
  ReductionForm form;
  bool takes_vectors;  ///< at aligned addresses
};

/// Whether vectors of so many neighbours lie at aligned addresses, whatever loop they are reached by.
bool takes_aligned_vectors(const ReductionLoops& loops, const StridedDim& innermost,
                           int64_t num_lanes) {
  const auto fits = [&](const StridedDim& loop) {
    return &loop == &innermost || loop.strides[0] % num_lanes == 0;
  };
  return innermost.size % num_lanes == 0 &&
         std::all_of(loops.kept.begin(), loops.kept.end(), fits) &&
         std::all_of(loops.reduced.begin(), loops.reduced.end(), fits);
}

ReductionShape reduction_shape_of(const ReductionLoops& loops, int64_t row_size,
                                  int64_t num_lanes) {
  const bool keeps_innermost =
      loops.reduced.empty() || (!loops.kept.empty() && loops.kept.back().strides[0] == 1 &&
                                loops.reduced.back().strides[0] != 1);
  if (keeps_innermost) {
    return {ReductionForm::kColumns, takes_aligned_vectors(loops, loops.kept.back(), num_lanes)};
  }
  const bool is_matrix = loops.kept.size() == 1 && loops.reduced.size() == 1;
  if (is_matrix && row_size <= ShortRows::kLongest) return {ReductionForm::kShortRows, false};
  return {ReductionForm::kRows, takes_aligned_vectors(loops, loops.reduced.back(), num_lanes)};
}

template <class Index>
ReductionPass<Index> first_pass(const ReductionLoops& loops, int64_t num_results, int64_t size,
                                const ReductionShape& shape, const ReductionLoads& loads) {
  ReductionPass<Index> pass = {.kept = walk_of<Index, 1>(loops.kept),
                               .reduced = walk_of<Index, 1>(loops.reduced),
                               .num_results = static_cast<Index>(num_results),
                               .size = static_cast<Index>(size)};
  if (shape.form == ReductionForm::kColumns) {
    constexpr int64_t kWideTile = 64;
    constexpr int64_t kOneBatch = 8;
    lay_out_columns(pass, loads.vector_size, kWideTile, kOneBatch);
    const int64_t num_columns = num_results / loads.vector_size;
    set_chunks(pass, num_blocks_for(num_columns, pass.width), pass.height, loads);
  } else {
    lay_out_rows(pass, loads);
  }
  return pass;
}

/// Of elements of Input, to such or, of floats, to any other.
template <class Reduction, class Input, class Index>
class ReduceKernel : public CudaKernel {
 public:
  using Total = typename Reduction::Total;

  ReduceKernel(const ReductionLoops& loops, int64_t num_results, int64_t size, Total divisor,
               ElementType result)
      : shape_(reduction_shape_of(loops, size, kLanes)),
        first_(first_pass<Index>(loops, num_results, size, shape_, reduction_loads(shape_))),
        second_(pass_over_totals(num_results, first_.num_chunks())),
        divisor_(divisor),
        result_(result) {
    constexpr int64_t kMaxTotalsOfResults = kMaxScratchBytes / sizeof(Total);
    CHECK(first_.num_chunks() == 1 || num_results * first_.num_chunks() <= kMaxTotalsOfResults,
          "totals of chunks fit in the scratch memory");
  }

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    const auto* x = elements<Input>(at.inputs[0]);
    if constexpr (!kIsNarrow) {
      const bool is_same = size_bytes(result_) == int64_t{sizeof(Input)};
      if (is_same) {
        return launch_to(x, elements<Total>(at.scratch), elements<Input>(at.result()), queue);
      }
    }
    if constexpr (kIsDeviceFloat<Input>) {
      using Output = TotalsOrResults<Total>;
      return launch_to(x, Output{{at.scratch, result_}, true},
                       Output{{at.result(), result_}, false}, queue);
    }
    return {};  // integers stay what they are
  }

 private:
  static constexpr bool kIsNarrow = sizeof(Input) < sizeof(float);
  static constexpr int kLanes = kLanesOf<Input>;

  static ReductionLoads reduction_loads(const ReductionShape& shape) {
    if (shape.form != ReductionForm::kColumns) {
      return ReductionLoads::of_rows<Input>(shape.takes_vectors);
    }
    return ReductionLoads::of_columns<Input>(shape.takes_vectors);
  }

  template <class Totals, class Output>
  Result<void> launch_to(const Input* x, Totals totals, Output y, const CudaQueue& queue) const {
    if (shape_.form == ReductionForm::kShortRows) return launch_short_rows(x, y, queue);
    if (first_.num_chunks() == 1) return launch_first(x, y, divisor_, queue);
    TRY(launch_first(x, totals, Total{1}, queue));
    return launch_columns<1, Reduction>(second_, address_of(totals), y, divisor_, queue);
  }

  static const Total* address_of(const Total* totals) { return totals; }
  static const Total* address_of(const TotalsOrResults<Total>& totals) {
    return reinterpret_cast<const Total*>(totals.at.data);
  }

  template <class Output>
  Result<void> launch_first(const Input* x, Output y, Total divisor, const CudaQueue& queue) const {
    const bool is_aligned = are_aligned(kVectorBytes, x);
    if (shape_.form == ReductionForm::kColumns) {
      if (shape_.takes_vectors && is_aligned) {
        return launch_columns<kLanes, Reduction>(first_, x, y, divisor, queue);
      }
      return launch_columns<1, Reduction>(first_, x, y, divisor, queue);
    }
    if (!shape_.takes_vectors) return launch_rows<1, true>(x, y, divisor, queue);
    if (is_aligned) return launch_rows<kLanes, true>(x, y, divisor, queue);
    return launch_rows<kLanes, false>(x, y, divisor, queue);
  }

  template <int kSize, bool kIsAligned, class Output>
  Result<void> launch_rows(const Input* x, Output y, Total divisor, const CudaQueue& queue) const {
    const dim3 grid(num_blocks_for(first_.num_results, kThreadsPerBlock / first_.width),
                    first_.num_chunks());
    reduce_rows<kSize, kIsAligned, Reduction>
        <<<grid, kThreadsPerBlock, 0, queue.stream>>>(first_, x, y, divisor);
    CUDA_TRY(cudaGetLastError());
    return {};
  }

  template <class Output>
  Result<void> launch_short_rows(const Input* x, Output y, const CudaQueue& queue) const {
    const ShortRows rows = short_rows_of(first_.num_results, first_.size);
    reduce_short_rows<Reduction>
        <<<rows.num_blocks(), kThreadsPerBlock, 0, queue.stream>>>(rows, x, y, divisor_);
    CUDA_TRY(cudaGetLastError());
    return {};
  }

  ReductionShape shape_;
  ReductionPass<Index> first_;
  ReductionPass<uint32_t> second_;  // only where the first has several chunks a result
  Total divisor_;
  ElementType result_;
};

template <class Reduction, class Input>
KernelResult make_reduce(const KernelSpec& spec, typename Reduction::Total divisor) {
  const TensorType& input = spec.inputs[0];
  const std::vector<int64_t> axes = normalized_axes(spec.attributes.list("axes"), input.rank());
  const ReductionLoops loops = reduction_loops(input.shape, axes);
  const ElementType result = spec.result().element;
  const int64_t num_results = spec.result().num_elements();
  const int64_t size = input.num_elements() / num_results;
  if (fits_32_bits(input.num_elements())) {
    using Kernel = ReduceKernel<Reduction, Input, uint32_t>;
    return std::make_unique<Kernel>(loops, num_results, size, divisor, result);
  }
  using Kernel = ReduceKernel<Reduction, Input, uint64_t>;
  return std::make_unique<Kernel>(loops, num_results, size, divisor, result);
}

template <class Reduction>
KernelResult make_float_reduce(const KernelSpec& spec, typename Reduction::Total divisor) {
  return with_device_float(spec.inputs[0].element, [&](auto tag) {
    return make_reduce<Reduction, typename decltype(tag)::Type>(spec, divisor);
  });
}

}  // namespace

KernelResult prepare_sum(const KernelSpec& spec) {
  if (is_float(spec.inputs[0].element)) return make_float_reduce<FloatSum>(spec, 1);
  return make_reduce<IntSum, uint32_t>(spec, 1);
}

KernelResult prepare_mean(const KernelSpec& spec) {
  const int64_t count = spec.inputs[0].num_elements() / spec.result().num_elements();
  return make_float_reduce<FloatSum>(spec, static_cast<double>(count));
}

KernelResult prepare_max(const KernelSpec& spec) {
  if (is_float(spec.inputs[0].element)) return make_float_reduce<FloatMax>(spec, 1);
  return make_reduce<IntMax, int32_t>(spec, 1);
}

}  // namespace graphrt::cuda

// Reductions without scratch memory: results are accumulated in registers or in a small block on
// the stack, always in the same order.
#include <algorithm>
#include <array>
#include <limits>

#include "runtime/base/strides.h"
#include "runtime/kernels/cpu/combine_terms.h"
#include "runtime/kernels/cpu/prepare.h"
#include "runtime/kernels/cpu/vector_functions.h"
#include "runtime/op/op_table.h"

namespace graphrt::cpu {
namespace {

/// In double: a sum of many floats in float loses more digits than users expect.
template <class T, class To>
struct FloatSum {
  using Element = T;
  using Result = To;
  using Total = double;
  static constexpr Total kStart = 0;
  static Total term(T x) { return widened(x); }
  static Total combine(Total total, Total x) { return total + x; }
};

/// Unsigned, because there going past 32 bits is defined: the sum wraps around.
struct IntSum {
  using Element = uint32_t;
  using Result = uint32_t;
  using Total = uint32_t;
  static constexpr Total kStart = 0;
  static Total term(uint32_t x) { return x; }
  static Total combine(Total total, Total x) { return total + x; }
};

/// A NaN is larger than every number, and stays. -0 counts as 0, so that no order matters.
template <class T>
struct FloatMax {
  using Element = T;
  using Result = T;
  using Total = float;
  static constexpr Total kStart = -std::numeric_limits<float>::infinity();
  static Total term(T x) { return widened(x); }
  static Total combine(Total largest, Total x) {
    return largest >= x || largest != largest ? largest : x + 0.0F;
  }
};

struct IntMax {
  using Element = int32_t;
  using Result = int32_t;
  using Total = int32_t;
  static constexpr Total kStart = std::numeric_limits<int32_t>::lowest();
  static Total term(int32_t x) { return x; }
  static Total combine(Total largest, Total x) { return x > largest ? x : largest; }
};

/// The loops of a reduction; the last kept loop is apart when it is the innermost one of the
/// operand.
struct Nest {
  ReductionLoops loops;
  int64_t row_size = 1;  ///< results whose operands lie side by side
};

constexpr size_t kIn = 0;
constexpr size_t kOut = 1;

Nest nest_of(const KernelSpec& spec) {
  const TensorType& input = spec.inputs[0];
  const std::vector<int64_t> axes = normalized_axes(spec.attributes.list("axes"), input.rank());
  Nest nest{.loops = reduction_loops(input.shape, axes)};
  std::vector<StridedDim>& kept = nest.loops.kept;
  if (!kept.empty() && kept.back().strides[kIn] == 1) {
    nest.row_size = kept.back().size;
    kept.pop_back();
  }
  return nest;
}

template <class Reduction>
class ReduceKernel : public PreparedKernel {
 public:
  using Element = typename Reduction::Element;
  using Output = typename Reduction::Result;
  using Total = typename Reduction::Total;

  ReduceKernel(Nest nest, Total divisor) : nest_(std::move(nest)), divisor_(divisor) {}

  void run(const KernelArguments& at) const override {
    run_kept(nest_.loops.kept, elements<Element>(at.inputs[0]), elements<Output>(at.result()));
  }

 private:
  static constexpr int64_t kBlockSize = 512;
  using Dims = std::span<const StridedDim>;

  void run_kept(Dims kept, const Element* x, Output* y) const {
    if (kept.empty()) {
      return nest_.row_size == 1 ? store(y, total_of(nest_.loops.reduced, x)) : run_row(x, y);
    }
    for (int64_t i = 0; i < kept[0].size; ++i) {
      run_kept(kept.subspan(1), x + i * kept[0].strides[kIn], y + i * kept[0].strides[kOut]);
    }
  }

  void store(Output* y, Total total) const { *y = narrowed<Output>(total / divisor_); }

  /// Neighbouring results take neighbouring operands: a block of them at a time, so that every
  /// operand is read once, in the order of memory.
  void run_row(const Element* x, Output* y) const {
    std::array<Total, kBlockSize> totals;
    for (int64_t begin = 0; begin < nest_.row_size; begin += kBlockSize) {
      const int64_t size = std::min(kBlockSize, nest_.row_size - begin);
      totals.fill(Reduction::kStart);
      add_rows(nest_.loops.reduced, x + begin, totals.data(), size);
      for (int64_t i = 0; i < size; ++i) store(y + begin + i, totals[static_cast<size_t>(i)]);
    }
  }

  static void add_rows(Dims reduced, const Element* x, Total* totals, int64_t size) {
    if (reduced.empty()) {
      if constexpr (std::is_same_v<Element, float> && std::is_same_v<Total, double>) {
        add_each(x, totals, size);
      } else {
        for (int64_t i = 0; i < size; ++i) {
          totals[i] = Reduction::combine(totals[i], Reduction::term(x[i]));
        }
      }
      return;
    }
    for (int64_t i = 0; i < reduced[0].size; ++i) {
      add_rows(reduced.subspan(1), x + i * reduced[0].strides[kIn], totals, size);
    }
  }

  static Total total_of(Dims reduced, const Element* x) {
    if (reduced.empty()) return Reduction::combine(Reduction::kStart, Reduction::term(x[0]));
    if (reduced.size() == 1 && reduced[0].strides[kIn] == 1) {
      return combine_terms(
          reduced[0].size, Reduction::kStart,
          [](Total total, Total term) { return Reduction::combine(total, term); },
          [x](int64_t i) { return Reduction::term(x[i]); });
    }
    Total total = Reduction::kStart;
    for (int64_t i = 0; i < reduced[0].size; ++i) {
      const Total part = total_of(reduced.subspan(1), x + i * reduced[0].strides[kIn]);
      total = Reduction::combine(total, part);
    }
    return total;
  }

  Nest nest_;
  Total divisor_;
};

template <class Reduction>
KernelResult make_reduce(const KernelSpec& spec, typename Reduction::Total divisor) {
  return std::make_unique<ReduceKernel<Reduction>>(nest_of(spec), divisor);
}

KernelResult make_float_sum(const KernelSpec& spec, double divisor) {
  return by_float(spec.inputs[0], [&](auto tag) {
    using T = typename decltype(tag)::Type;
    return by_float(spec.result(), [&](auto tag_of_result) {
      using To = typename decltype(tag_of_result)::Type;
      return make_reduce<FloatSum<T, To>>(spec, divisor);
    });
  });
}

}  // namespace

KernelResult prepare_sum(const KernelSpec& spec) {
  if (is_float(spec.inputs[0].element)) return make_float_sum(spec, 1);
  return make_reduce<IntSum>(spec, 1);
}

KernelResult prepare_mean(const KernelSpec& spec) {
  const int64_t count = spec.inputs[0].num_elements() / spec.result().num_elements();
  return make_float_sum(spec, static_cast<double>(count));
}

KernelResult prepare_max(const KernelSpec& spec) {
  if (!is_float(spec.inputs[0].element)) return make_reduce<IntMax>(spec, 1);
  return by_float(spec.inputs[0], [&](auto tag) {
    using T = typename decltype(tag)::Type;
    return make_reduce<FloatMax<T>>(spec, 1);
  });
}

}  // namespace graphrt::cpu

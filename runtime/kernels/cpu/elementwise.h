#pragma once

#include <type_traits>

#include "runtime/base/strides.h"
#include "runtime/kernels/cpu/float_blocks.h"
#include "runtime/kernels/cpu/functions.h"
#include "runtime/kernels/cpu/prepare.h"

namespace graphrt::cpu {

// Kernels whose result may take the bytes of an operand of its type: element i is read before
// element i is written, and not again.

/// y = function(x), of floats stored as T.
template <class T, class Function>
class MapKernel : public PreparedKernel {
 public:
  MapKernel(int64_t num_elements, Function function)
      : num_elements_(num_elements), function_(function) {}

  void run(const KernelArguments& at) const override {
    const T* x = elements<T>(at.inputs[0]);
    FloatBlock space;
    store_floats(num_elements_, elements<T>(at.result()),
                 [&](int64_t begin, int64_t size, float* y) {
                   map_each(function_, load_floats(x + begin, size, space), y, size);
                 });
  }

 private:
  int64_t num_elements_;
  Function function_;
};

template <class Function>
KernelResult make_map(const KernelSpec& spec, Function function) {
  return with_float_type(spec.result().element, [&](auto tag) -> KernelResult {
    using T = typename decltype(tag)::Type;
    return std::make_unique<MapKernel<T, Function>>(spec.result().num_elements(), function);
  });
}

/// y = function(a, b), with broadcasting.
template <class From, class To, class Function>
class ZipKernel : public PreparedKernel {
 public:
  ZipKernel(const KernelSpec& spec, Function function)
      : dims_(broadcast_loops(spec.inputs[0].shape, spec.inputs[1].shape, spec.result().shape)),
        function_(function) {}

  void run(const KernelArguments& at) const override {
    run_dims(dims_, elements<From>(at.inputs[0]), elements<From>(at.inputs[1]),
             elements<To>(at.result()));
  }

 private:
  void run_dims(std::span<const StridedDim> dims, const From* a, const From* b, To* y) const {
    const StridedDim& dim = dims.front();
    if (dims.size() == 1) return run_row(dim, a, b, y);
    for (int64_t i = 0; i < dim.size; ++i) {
      run_dims(dims.subspan(1), a + i * dim.strides[0], b + i * dim.strides[1],
               y + i * dim.strides[2]);
    }
  }

  /// The innermost loop, `ivdep` as in functions.h: both operands run along, or one of them stands
  /// still.
  void run_row(const StridedDim& dim, const From* a, const From* b, To* y) const {
    const int64_t size = dim.size;
    if (dim.strides[0] == 0) {
      const From constant = *a;
#pragma GCC ivdep
      for (int64_t i = 0; i < size; ++i) y[i] = function_(constant, b[i]);
      return;
    }
    if (dim.strides[1] == 0) {
      const From constant = *b;
#pragma GCC ivdep
      for (int64_t i = 0; i < size; ++i) y[i] = function_(a[i], constant);
      return;
    }
#pragma GCC ivdep
    for (int64_t i = 0; i < size; ++i) y[i] = function_(a[i], b[i]);
  }

  std::vector<StridedDim> dims_;
  Function function_;
};

template <class From, class To = From, class Function>
KernelResult make_zip(const KernelSpec& spec, Function function) {
  return std::make_unique<ZipKernel<From, To, Function>>(spec, function);
}

/// `function` of floats, on floats stored as T.
template <class T, class Function>
auto on_stored(Function function) {
  if constexpr (std::is_same_v<T, float>) {
    return function;
  } else {
    return
        [function](T a, T b) { return T(function(static_cast<float>(a), static_cast<float>(b))); };
  }
}

}  // namespace graphrt::cpu

#pragma once

#include "runtime/base/strides.h"
#include "runtime/kernels/cpu/functions.h"
#include "runtime/kernels/cpu/prepare.h"

namespace graphrt::cpu {

/// y = function(x).
template <class Function>
class MapKernel : public PreparedKernel {
 public:
  MapKernel(int64_t num_elements, Function function)
      : num_elements_(num_elements), function_(function) {}

  void run(std::span<const std::byte* const> inputs, std::byte* output) const override {
    map_each(function_, elements<float>(inputs[0]), elements<float>(output), num_elements_);
  }

 private:
  int64_t num_elements_;
  Function function_;
};

template <class Function>
KernelResult make_map(const KernelSpec& spec, Function function) {
  return std::make_unique<MapKernel<Function>>(spec.result.num_elements(), function);
}

/// y = function(a, b), with broadcasting.
template <class T, class Function>
class ZipKernel : public PreparedKernel {
 public:
  ZipKernel(const KernelSpec& spec, Function function)
      : dims_(broadcast_loops(spec.inputs[0].shape, spec.inputs[1].shape, spec.result.shape)),
        function_(function) {}

  void run(std::span<const std::byte* const> inputs, std::byte* output) const override {
    run_dims(dims_, elements<T>(inputs[0]), elements<T>(inputs[1]), elements<T>(output));
  }

 private:
  void run_dims(std::span<const StridedDim> dims, const T* a, const T* b, T* y) const {
    const StridedDim& dim = dims.front();
    if (dims.size() == 1) return run_row(dim, a, b, y);
    for (int64_t i = 0; i < dim.size; ++i) {
      run_dims(dims.subspan(1), a + i * dim.strides[0], b + i * dim.strides[1],
               y + i * dim.strides[2]);
    }
  }

  /// The innermost loop; `ivdep` as in functions.h: both operands run along, or one of them stands still.
  void run_row(const StridedDim& dim, const T* a, const T* b, T* y) const {
    const int64_t size = dim.size;
    if (dim.strides[0] == 0) {
      const T constant = *a;
#pragma GCC ivdep
      for (int64_t i = 0; i < size; ++i) y[i] = function_(constant, b[i]);
      return;
    }
    if (dim.strides[1] == 0) {
      const T constant = *b;
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

template <class T, class Function>
KernelResult make_zip(const KernelSpec& spec, Function function) {
  return std::make_unique<ZipKernel<T, Function>>(spec, function);
}

}  // namespace graphrt::cpu

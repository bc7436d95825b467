// Operators whose result may take the bytes of an operand: element i is read before element i is
// written, and not again. `ivdep` tells the compiler just that, so that it may use vectors although
// the pointers may be equal.
#include <cmath>
#include <numbers>

#include "runtime/base/strides.h"
#include "runtime/kernels/cpu/prepare.h"

namespace graphrt::cpu {
namespace {

/// y = function(x).
template <class Function>
class MapKernel : public PreparedKernel {
 public:
  MapKernel(int64_t num_elements, Function function)
      : num_elements_(num_elements), function_(function) {}

  void run(std::span<const std::byte* const> inputs, std::byte* output) const override {
    const auto* x = elements<float>(inputs[0]);
    auto* y = elements<float>(output);
#pragma GCC ivdep
    for (int64_t i = 0; i < num_elements_; ++i) y[i] = function_(x[i]);
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

  /// The innermost loop: both operands run along, or one of them stands still.
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

template <class Function>
KernelResult make_arithmetic(const KernelSpec& spec, Function function) {
  if (spec.result.element == ElementType::kI32) {
    // Unsigned, because there going past 32 bits is defined: the result wraps around.
    return make_zip<uint32_t>(spec, function);
  }
  return make_zip<float>(spec, function);
}

}  // namespace

KernelResult prepare_add(const KernelSpec& spec) {
  return make_arithmetic(spec, [](auto a, auto b) { return a + b; });
}

KernelResult prepare_sub(const KernelSpec& spec) {
  return make_arithmetic(spec, [](auto a, auto b) { return a - b; });
}

KernelResult prepare_mul(const KernelSpec& spec) {
  return make_arithmetic(spec, [](auto a, auto b) { return a * b; });
}

KernelResult prepare_div(const KernelSpec& spec) {
  return make_zip<float>(spec, [](float a, float b) { return a / b; });
}

KernelResult prepare_relu(const KernelSpec& spec) {
  // A NaN stays: training that went wrong must show.
  return make_map(spec, [](float x) { return x <= 0 ? 0.0F : x; });
}

KernelResult prepare_relu_grad(const KernelSpec& spec) {
  return make_zip<float>(spec, [](float gradient, float x) { return x > 0 ? gradient : 0.0F; });
}

KernelResult prepare_scale(const KernelSpec& spec) {
  const auto factor = static_cast<float>(spec.attributes.number("factor", 1));
  return make_map(spec, [factor](float x) { return x * factor; });
}

KernelResult prepare_exp(const KernelSpec& spec) {
  return make_map(spec, [](float x) { return std::exp(x); });
}

KernelResult prepare_log(const KernelSpec& spec) {
  return make_map(spec, [](float x) { return std::log(x); });
}

KernelResult prepare_tanh(const KernelSpec& spec) {
  return make_map(spec, [](float x) { return std::tanh(x); });
}

KernelResult prepare_sigmoid(const KernelSpec& spec) {
  return make_map(spec, [](float x) { return 1 / (1 + std::exp(-x)); });
}

KernelResult prepare_gelu(const KernelSpec& spec) {
  // erfc keeps the small results of large negative operands; 1 + erf would round them to 0.
  constexpr float kScale = -1 / std::numbers::sqrt2_v<float>;
  return make_map(spec, [](float x) { return 0.5F * x * std::erfc(kScale * x); });
}

}  // namespace graphrt::cpu

// Operators that compute every element of the result from the elements of the same index.
#include "runtime/kernels/cpu/elementwise.h"

#include <bit>

#include "runtime/kernels/cpu/functions.h"
#include "runtime/kernels/cpu/vector_functions.h"

namespace graphrt::cpu {
namespace {

template <class Function>
KernelResult make_arithmetic(const KernelSpec& spec, Function function) {
  switch (spec.result.element) {
    case ElementType::kF32:
      return make_zip<float>(spec, function);
    case ElementType::kI32:
      // Unsigned, because there going past 32 bits is defined: the result wraps around.
      return make_zip<uint32_t>(spec, function);
  }
  no_such_element(spec.result.element);
}

using FunctionOfEach = void (*)(const float* x, float* y, int64_t size);

/// y = function(x), computed in vectors.
class EachKernel : public PreparedKernel {
 public:
  EachKernel(int64_t num_elements, FunctionOfEach function)
      : num_elements_(num_elements), function_(function) {}

  void run(std::span<const std::byte* const> inputs, std::byte* output) const override {
    function_(elements<float>(inputs[0]), elements<float>(output), num_elements_);
  }

 private:
  int64_t num_elements_;
  FunctionOfEach function_;
};

KernelResult make_each(const KernelSpec& spec, FunctionOfEach function) {
  return std::make_unique<EachKernel>(spec.result.num_elements(), function);
}

}  // namespace

KernelResult prepare_add(const KernelSpec& spec) { return make_arithmetic(spec, Add{}); }
KernelResult prepare_sub(const KernelSpec& spec) { return make_arithmetic(spec, Sub{}); }
KernelResult prepare_mul(const KernelSpec& spec) { return make_arithmetic(spec, Mul{}); }
KernelResult prepare_div(const KernelSpec& spec) { return make_zip<float>(spec, Div{}); }
KernelResult prepare_hypot(const KernelSpec& spec) { return make_zip<float>(spec, Hypot{}); }

KernelResult prepare_equal(const KernelSpec& spec) {
  // With integers, all three have elements of 32 bits: the result's are those of the floats.
  constexpr auto kOne = std::bit_cast<uint32_t>(1.0F);
  constexpr auto kZero = std::bit_cast<uint32_t>(0.0F);
  const ElementType element = spec.inputs[0].element;
  switch (element) {
    case ElementType::kF32:
      return make_zip<float>(spec, [](float a, float b) { return a == b ? 1.0F : 0.0F; });
    case ElementType::kI32:
      return make_zip<uint32_t>(spec, [](uint32_t a, uint32_t b) { return a == b ? kOne : kZero; });
  }
  no_such_element(element);
}

KernelResult prepare_relu(const KernelSpec& spec) { return make_map(spec, Relu{}); }
KernelResult prepare_exp(const KernelSpec& spec) { return make_each(spec, exp_each); }
KernelResult prepare_log(const KernelSpec& spec) { return make_each(spec, log_each); }
KernelResult prepare_sqrt(const KernelSpec& spec) { return make_map(spec, Sqrt{}); }
KernelResult prepare_tanh(const KernelSpec& spec) { return make_each(spec, tanh_each); }
KernelResult prepare_sigmoid(const KernelSpec& spec) { return make_each(spec, sigmoid_each); }
KernelResult prepare_gelu(const KernelSpec& spec) { return make_each(spec, gelu_each); }

KernelResult prepare_scale(const KernelSpec& spec) {
  return make_map(spec, Scale{static_cast<float>(spec.attributes.number("factor", 1))});
}

}  // namespace graphrt::cpu

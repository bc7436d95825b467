// Operators that compute every element of the result from the elements of the same index.
#include "runtime/kernels/cuda/elementwise.cuh"
#include "runtime/kernels/cuda/functions.cuh"

namespace graphrt::cuda {
namespace {

struct Equal {
  __device__ float operator()(float a, float b) const { return a == b ? 1 : 0; }
};

/// All three tensors have elements of 32 bits: the result's are those of the floats.
struct EqualIntegers {
  __device__ uint32_t operator()(uint32_t a, uint32_t b) const {
    return __float_as_uint(a == b ? 1.0F : 0.0F);
  }
};

template <class Function>
KernelResult make_arithmetic(const KernelSpec& spec, Function function) {
  switch (spec.result.element) {
    case ElementType::kF32:
      return make_broadcast<float>(spec, function);
    case ElementType::kI32:
      // Unsigned, because there going past 32 bits is defined: the result wraps around.
      return make_broadcast<uint32_t>(spec, function);
  }
  no_such_element(spec.result.element);
}

}  // namespace

KernelResult prepare_add(const KernelSpec& spec) { return make_arithmetic(spec, Add{}); }
KernelResult prepare_sub(const KernelSpec& spec) { return make_arithmetic(spec, Sub{}); }
KernelResult prepare_mul(const KernelSpec& spec) { return make_arithmetic(spec, Mul{}); }
KernelResult prepare_div(const KernelSpec& spec) { return make_broadcast<float>(spec, Div{}); }
KernelResult prepare_hypot(const KernelSpec& spec) { return make_broadcast<float>(spec, Hypot{}); }

KernelResult prepare_equal(const KernelSpec& spec) {
  const ElementType element = spec.inputs[0].element;
  switch (element) {
    case ElementType::kF32:
      return make_broadcast<float>(spec, Equal{});
    case ElementType::kI32:
      return make_broadcast<uint32_t>(spec, EqualIntegers{});
  }
  no_such_element(element);
}

KernelResult prepare_relu(const KernelSpec& spec) { return make_map(spec, Relu{}); }
KernelResult prepare_exp(const KernelSpec& spec) { return make_map(spec, Exp{}); }
KernelResult prepare_log(const KernelSpec& spec) { return make_map(spec, Log{}); }
KernelResult prepare_sqrt(const KernelSpec& spec) { return make_map(spec, Sqrt{}); }
KernelResult prepare_tanh(const KernelSpec& spec) { return make_map(spec, Tanh{}); }
KernelResult prepare_sigmoid(const KernelSpec& spec) { return make_map(spec, Sigmoid{}); }
KernelResult prepare_gelu(const KernelSpec& spec) { return make_map(spec, Gelu{}); }

KernelResult prepare_scale(const KernelSpec& spec) {
  return make_map(spec, Scale{static_cast<float>(spec.attributes.number("factor", 1))});
}

}  // namespace graphrt::cuda

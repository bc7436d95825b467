// The element functions as operators, and what else computes every element of the result from the
// elements of the same index.
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

// One for each kind of element_functions.def.

template <class Function>
KernelResult make_Map(const KernelSpec& spec) {
  return make_map(spec, Function());
}

template <class Function>
KernelResult make_Scaled(const KernelSpec& spec) {
  return make_map(spec, Function{static_cast<float>(spec.attributes.number("factor", 1))});
}

template <class Function>
KernelResult make_Pair(const KernelSpec& spec) {
  return make_zip<float>(spec, Function());
}

template <class Function>
KernelResult make_Zip(const KernelSpec& spec) {
  return make_broadcast<float>(spec, Function());
}

template <class Function>
KernelResult make_Arithmetic(const KernelSpec& spec) {
  switch (spec.result.element) {
    case ElementType::kF32:
      return make_broadcast<float>(spec, Function());
    case ElementType::kI32:
      // Unsigned, because there going past 32 bits is defined: the result wraps around.
      return make_broadcast<uint32_t>(spec, Function());
  }
  no_such_element(spec.result.element);
}

}  // namespace

#define GRAPHC_ELEMENT_FUNCTION(name, Functor, kind, ...) \
  KernelResult prepare_##name(const KernelSpec& spec) { return make_##kind<Functor>(spec); }
#include "runtime/op/element_functions.def"

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

}  // namespace graphrt::cuda

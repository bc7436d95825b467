// The element functions as operators.
#include "runtime/kernels/cuda/conversions.cuh"
#include "runtime/kernels/cuda/functions.cuh"

namespace graphrt::cuda {
namespace {

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
  return with_device_float(spec.result().element, [&](auto tag) {
    using T = typename decltype(tag)::Type;
    return make_zip<T>(spec, OnStored<T, Function>());
  });
}

template <class Function>
KernelResult make_Zip(const KernelSpec& spec) {
  return with_device_float(spec.result().element, [&](auto tag) {
    using T = typename decltype(tag)::Type;
    return make_broadcast<T>(spec, OnStored<T, Function>());
  });
}

KernelResult make_of_integers(const KernelSpec& spec, Add) { return make_integer_sum(spec); }
KernelResult make_of_integers(const KernelSpec& spec, Sub) { return make_integer_difference(spec); }
KernelResult make_of_integers(const KernelSpec& spec, Mul) { return make_integer_product(spec); }

template <class Function>
KernelResult make_Arithmetic(const KernelSpec& spec) {
  return is_float(spec.result().element) ? make_Zip<Function>(spec)
                                         : make_of_integers(spec, Function());
}

}  // namespace

#define GRAPHC_ELEMENT_FUNCTION(name, Functor, kind, ...) \
  KernelResult prepare_##name(const KernelSpec& spec) { return make_##kind<Functor>(spec); }
#include "runtime/op/element_functions.def"

}  // namespace graphrt::cuda

// The element functions as operators, and what else computes every element of the result from the
// elements of the same index.
#include "runtime/kernels/cpu/elementwise.h"

#include <bit>

namespace graphrt::cpu {
namespace {

/// y = function(a, b), both of the result's shape.
template <class Function>
class PairKernel : public PreparedKernel {
 public:
  PairKernel(int64_t num_elements, Function function)
      : num_elements_(num_elements), function_(function) {}

  void run(std::span<const std::byte* const> inputs, std::byte* output) const override {
    zip_each(function_, elements<float>(inputs[0]), elements<float>(inputs[1]),
             elements<float>(output), num_elements_);
  }

 private:
  int64_t num_elements_;
  Function function_;
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
  return std::make_unique<PairKernel<Function>>(spec.result.num_elements(), Function());
}

template <class Function>
KernelResult make_Zip(const KernelSpec& spec) {
  return make_zip<float>(spec, Function());
}

template <class Function>
KernelResult make_Arithmetic(const KernelSpec& spec) {
  switch (spec.result.element) {
    case ElementType::kF32:
      return make_zip<float>(spec, Function());
    case ElementType::kI32:
      // Unsigned, because there going past 32 bits is defined: the result wraps around.
      return make_zip<uint32_t>(spec, Function());
  }
  no_such_element(spec.result.element);
}

}  // namespace

#define GRAPHC_ELEMENT_FUNCTION(name, Functor, kind, ...) \
  KernelResult prepare_##name(const KernelSpec& spec) { return make_##kind<Functor>(spec); }
#include "runtime/op/element_functions.def"

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

}  // namespace graphrt::cpu

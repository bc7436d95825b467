#pragma once

#include <memory>
#include <span>

#include "runtime/base/element.h"
#include "runtime/kernels/cpu/cpu_kernels.h"

namespace graphrt::cpu {

/// What a kernel is made for. Requires: the type rules give `results` for these operands.
struct KernelSpec {
  std::span<const TensorType> inputs;
  std::span<const TensorType> results;
  const Attributes& attributes;

  /// The first result.
  const TensorType& result() const { return results[0]; }
};

using KernelResult = Result<std::unique_ptr<const PreparedKernel>>;
using Prepare = KernelResult (*)(const KernelSpec& spec);

// One for every operator, in the file of its kind.
#define GRAPHC_OPERATOR(name) KernelResult prepare_##name(const KernelSpec& spec);
#include "runtime/op/operators.def"

/// The bytes of an operand or a result as elements.
template <class T>
const T* elements(const std::byte* bytes) {
  return reinterpret_cast<const T*>(bytes);
}
template <class T>
T* elements(std::byte* bytes) {
  return reinterpret_cast<T*>(bytes);
}

/// make(TypeTag<Element>()) for elements of the result's size.
template <class Make>
KernelResult by_size(const KernelSpec& spec, const Make& make) {
  switch (size_bytes(spec.result().element)) {
    case 1:
      return make(TypeTag<uint8_t>());
    case 2:
      return make(TypeTag<uint16_t>());
    case 4:
      return make(TypeTag<uint32_t>());
    case 8:
      return make(TypeTag<uint64_t>());
    default:
      no_such_element(spec.result().element);
  }
}

/// make(TypeTag<Index>()) for the type of an operand that counts: labels, indices.
template <class Make>
KernelResult by_index(const TensorType& index, const Make& make) {
  if (index.element == ElementType::kI64) return make(TypeTag<int64_t>());
  return make(TypeTag<int32_t>());
}

/// make(TypeTag<T>()) for the type of floats that an operand or a result has.
template <class Make>
KernelResult by_float(const TensorType& type, const Make& make) {
  return with_float_type(type.element, [&](auto tag) -> KernelResult { return make(tag); });
}

}  // namespace graphrt::cpu

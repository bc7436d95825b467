#pragma once

#include <cstdint>

#include "runtime/base/result.h"
#include "runtime/base/tensor.h"

namespace graphrt {

/// Whether some values of one type are values of the other, too: both are integers or bool, whose
/// values are 0 and 1.
bool may_hold_values_of(ElementType type, ElementType from);

/// An element whose value another type does not hold.
struct Unfit {
  int64_t index;
  int64_t value;
};

/// The same values as elements of another type, or the first that it does not hold.
/// Requires: may_hold_values_of(element, tensor.type.element); the tensor has the bytes of its type.
tl::expected<Tensor, Unfit> with_elements(const Tensor& tensor, ElementType element);

}  // namespace graphrt

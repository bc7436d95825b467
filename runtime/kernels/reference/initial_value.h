#pragma once

#include "runtime/base/result.h"
#include "runtime/base/tensor.h"
#include "runtime/plan/source_graph.h"

namespace graphrt {

/// The first value of a state, or a constant's value. Element i depends on the initializer, the
/// type and i, on nothing else. he_normal: normal with deviation sqrt(2 / first dimension); xavier:
/// uniform in +-sqrt(6 / (first + last dimension)); uniform: in [low, high).
/// Errors: a random kind for i32; bounds that are not finite or not in order; a constant that is
///         not of the element type; data of another size than the type's.
Result<Tensor> make_initial(const Initializer& initializer, const TensorType& type);

}  // namespace graphrt

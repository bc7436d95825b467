#pragma once

#include <cstdint>

#include "runtime/base/tensor.h"

namespace graphrt {

/// Which numbers a result is disturbed with; the same for the same.
struct NoiseStream {
  int64_t step = 0;
  int64_t node = 0;
};

/// Multiplies every float by 1 + `relative` x a number in [-1, 1), as if it had been rounded
/// otherwise. Zeros, infinities and NaN stay what they are, and so do integers.
void disturb(Tensor& tensor, double relative, NoiseStream stream);

}  // namespace graphrt

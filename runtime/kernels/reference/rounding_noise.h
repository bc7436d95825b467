#pragma once

#include <cstdint>

#include "runtime/base/tensor.h"

namespace graphrt {

/// Which pseudo-random numbers a result is disturbed with: equal streams give equal numbers.
struct NoiseStream {
  uint32_t seed = 0;
  uint32_t step = 0;
  uint32_t node = 0;
};

/// Multiplies every float by 1 + `relative` x a number in [-1, 1), as if it had been rounded
/// otherwise. Zeros, infinities and NaN stay what they are, and so do integers.
void disturb(Tensor& tensor, double relative, NoiseStream stream);

/// The same where terms of a sum may have cancelled each other out: adds `relative` x such a number
/// x the magnitude of all terms together. Zeros are disturbed, too.
/// Requires: `magnitudes` is of f32 and has the shape of `tensor`.
void disturb_sums(Tensor& tensor, const Tensor& magnitudes, double relative, NoiseStream stream);

}  // namespace graphrt

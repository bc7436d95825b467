#pragma once

#include <array>
#include <utility>

#include "tests/unit/runtime/kernels/dice.h"
#include "tests/unit/runtime/kernels/operator_use.h"

namespace graphrt {

/// Sizes around those of warps and blocks. Numbers in [-1, 1]: sums and products of them are exact
/// in f32 up to 4096 terms.
inline constexpr std::array<int64_t, 13> kGpuSizes = {1,  2,  3,   4,   7,   8,   31,
                                                      32, 33, 100, 256, 257, 1025};
inline constexpr DiceRange kGpuCases = {kGpuSizes, 2000, 3, 64};

/// A product of `sizes` (m, n, k).
OperatorUse product_use(Dice& dice, Shape batch, std::array<int64_t, 3> sizes, bool transpose_a,
                        bool transpose_b);

}  // namespace graphrt

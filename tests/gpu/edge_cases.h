#pragma once

#include <vector>

#include "tests/gpu/kernel_cases.h"
#include "tests/unit/runtime/kernels/dice.h"

namespace graphrt {

/// Adds shapes on either side of where kernels for CUDA take another way: rows that a thread, a
/// warp, a block or several blocks take, with vectors and without; columns in tiles.
void add_edge_cases(Dice& dice, std::vector<KernelCase>& cases);

/// Adds all operators of norms, on rows of f32 numbers.
void add_norms_of(Dice& dice, const Shape& shape, std::vector<KernelCase>& cases);

}  // namespace graphrt

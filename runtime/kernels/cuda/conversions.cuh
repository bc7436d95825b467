#pragma once

#include "runtime/kernels/cuda/elementwise.cuh"

namespace graphrt::cuda {

// y = a + b, a - b and a b of integers of any type, which wrap around.

KernelResult make_integer_sum(const KernelSpec& spec);
KernelResult make_integer_difference(const KernelSpec& spec);
KernelResult make_integer_product(const KernelSpec& spec);

}  // namespace graphrt::cuda

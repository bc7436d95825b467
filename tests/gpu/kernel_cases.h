#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/tensor.h"
#include "runtime/op/attribute.h"

namespace graphrt {

/// One way to use an operator.
struct KernelCase {
  std::string_view op;
  std::vector<Tensor> inputs;
  Attributes attributes;
};

/// `softmax f32[7, 50000] axis=1`.
std::string to_string(const KernelCase& tested);

/// Cases of one operator with random shapes: sizes around the lengths of vectors, warps and
/// blocks, 1 among them. The same seed gives the same cases everywhere.
std::vector<KernelCase> random_cases(std::string_view op, uint32_t seed, int count);

/// The same with operands and results of other types, where operators take such.
std::vector<KernelCase> in_other_elements(const std::vector<KernelCase>& cases, uint32_t seed);

/// Products of sizes that units for coarse products take.
std::vector<KernelCase> coarse_product_cases();

/// Those of operands of 16 bits, to 16 bits and to 32, and to 16 bits of f32.
std::vector<KernelCase> narrow_product_cases();

/// Shapes that fill a GPU, with sizes that are no multiple of anything.
std::vector<KernelCase> large_cases(uint32_t seed);

}  // namespace graphrt

#pragma once

#include "runtime/op/op_table.h"

namespace graphrt {

// What operators need while they run, for their definitions in defs/. Kernels refuse at load what
// does not fit in what these rules say.

/// No kernel of ours needs more; what cuBLAS recommends for Hopper.
inline constexpr int64_t kMaxScratchBytes = int64_t{32} << 20;

/// A total in double for each block of a launch.
Scratch scratch_of_blocks(std::span<const TensorType> inputs, std::span<const TensorType> results,
                          const Attributes& attributes);
/// Totals in double, each of one element of the first operand or more.
Scratch scratch_of_totals(std::span<const TensorType> inputs, std::span<const TensorType> results,
                          const Attributes& attributes);
/// A double for each row of the first operand, and totals of those.
Scratch scratch_of_rows(std::span<const TensorType> inputs, std::span<const TensorType> results,
                        const Attributes& attributes);
/// The same, and totals of how many rows count.
Scratch scratch_of_counted_rows(std::span<const TensorType> inputs,
                                std::span<const TensorType> results, const Attributes& attributes);
/// Of embedding_grad, see embedding_sums.h.
Scratch scratch_of_embedding_grad(std::span<const TensorType> inputs,
                                  std::span<const TensorType> results,
                                  const Attributes& attributes);
/// What a library may split a product of so many terms an element with: sums of parts of the terms,
/// for each element of the result.
Scratch scratch_of_product(int64_t num_terms, const TensorType& result);
/// Of a product in f32, where needs_wide_product() says so: it goes before what a library needs
/// itself, which stays aligned.
constexpr int64_t bytes_of_wide_product(int64_t num_elements) {
  constexpr int64_t kAlignment = 256;
  const int64_t num_bytes = num_elements * int64_t{sizeof(float)};
  return (num_bytes + kAlignment - 1) / kAlignment * kAlignment;
}
/// On a host, of operands of 16 bits: what product_tiles.h says.
int64_t scratch_of_tiles(int64_t num_terms, const TensorType& result);

}  // namespace graphrt

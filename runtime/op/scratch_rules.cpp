#include "runtime/op/scratch_rules.h"

#include <algorithm>

#include "runtime/op/embedding_sums.h"
#include "runtime/op/product_tiles.h"

namespace graphrt {
namespace {

constexpr int64_t kTotalBytes = sizeof(double);

/// Totals of whole tensors: one for each of so many blocks, at most.
constexpr int64_t kTotalsOfBlocksBytes = 1024 * kTotalBytes;

Scratch on_accelerators(int64_t num_bytes) {
  return {.accelerator_bytes = std::min(num_bytes, kMaxScratchBytes)};
}

}  // namespace

Scratch scratch_of_blocks(std::span<const TensorType>, std::span<const TensorType>,
                          const Attributes&) {
  return on_accelerators(kTotalsOfBlocksBytes);
}

Scratch scratch_of_totals(std::span<const TensorType> inputs, std::span<const TensorType>,
                          const Attributes&) {
  constexpr int64_t kMaxTotals = kMaxScratchBytes / kTotalBytes;
  const int64_t num_totals = std::min(inputs[0].num_elements(), kMaxTotals);
  return on_accelerators(kTotalsOfBlocksBytes + num_totals * kTotalBytes);
}

Scratch scratch_of_rows(std::span<const TensorType> inputs, std::span<const TensorType>,
                        const Attributes&) {
  constexpr int64_t kMaxRows = kMaxScratchBytes / kTotalBytes;
  const int64_t num_rows = inputs[0].rank() == 0 ? 1 : inputs[0].shape[0];
  return on_accelerators(kTotalsOfBlocksBytes + std::min(num_rows, kMaxRows) * kTotalBytes);
}

Scratch scratch_of_counted_rows(std::span<const TensorType> inputs,
                                std::span<const TensorType> results, const Attributes& attributes) {
  const Scratch of_rows = scratch_of_rows(inputs, results, attributes);
  if (attributes.find("ignore_index") == nullptr) return of_rows;
  return on_accelerators(of_rows.accelerator_bytes + kTotalsOfBlocksBytes);
}

Scratch scratch_of_embedding_grad(std::span<const TensorType>, std::span<const TensorType> results,
                                  const Attributes&) {
  const TensorType& table = results[0];
  if (table.element == ElementType::kF32) return {};
  return {.host_bytes = part_of_embedding_totals(table.shape[0], table.shape[1]).num_bytes()};
}

Scratch scratch_of_product(int64_t num_terms, const TensorType& result) {
  // Where the result is small, many parts of the terms are summed beside each other, in f32; not so
  // many that a part is over in no time.
  constexpr int64_t kLeastTermsOfPart = 64;
  constexpr int64_t kMaxParts = 64;
  const int64_t num_parts = std::min(num_terms / kLeastTermsOfPart, kMaxParts);
  if (num_parts < 2) return {};
  constexpr auto kSumBytes = static_cast<int64_t>(sizeof(float));
  const int64_t most_elements = kMaxScratchBytes / (num_parts * kSumBytes);
  return on_accelerators(std::min(result.num_elements(), most_elements) * num_parts * kSumBytes);
}

int64_t scratch_of_tiles(int64_t num_terms, const TensorType& result) {
  const Shape& shape = result.shape;
  return tiles_of_product(shape[shape.size() - 2], shape.back(), num_terms).num_bytes();
}

}  // namespace graphrt

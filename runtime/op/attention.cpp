#include "runtime/op/attention.h"

#include <algorithm>
#include <cmath>

namespace graphrt {
namespace {

/// A tile of scores is 64 KiB: it stays in the second cache from the product that makes it to
/// the one that reads it.
constexpr int64_t kQueriesOfTile = 64;
constexpr int64_t kKeysOfTile = 256;

AttentionSizes packed_sizes(const Shape& qkv, int64_t key_heads) {
  const int64_t heads = qkv[2] - 2 * key_heads;
  const int64_t width = qkv[3];
  const int64_t stride = qkv[2] * width;
  return {.batch = qkv[0],
          .queries = qkv[1],
          .keys = qkv[1],
          .heads = heads,
          .key_heads = key_heads,
          .query_width = width,
          .value_width = width,
          .query_stride = stride,
          .key_stride = stride,
          .value_stride = stride,
          .keys_at = heads * width,
          .values_at = (heads + key_heads) * width};
}

}  // namespace

AttentionSizes attention_sizes(std::span<const TensorType> inputs,
                               const AttentionOperands& operands, const Attributes& attributes) {
  if (operands.are_packed()) {
    return packed_sizes(inputs[operands.q].shape, attributes.integer("key_heads", 1));
  }
  const Shape& q = inputs[operands.q].shape;
  const Shape& k = inputs[operands.k].shape;
  const Shape& v = inputs[operands.v].shape;
  return {.batch = q[0],
          .queries = q[1],
          .keys = k[1],
          .heads = q[2],
          .key_heads = k[2],
          .query_width = q[3],
          .value_width = v[3],
          .query_stride = q[2] * q[3],
          .key_stride = k[2] * k[3],
          .value_stride = v[2] * v[3]};
}

float attention_scale(const AttentionSizes& sizes, const Attributes& attributes) {
  const double otherwise = 1 / std::sqrt(static_cast<double>(sizes.query_width));
  return static_cast<float>(attributes.number("scale", otherwise));
}

MaskStrides mask_strides(const Shape& mask) {
  constexpr size_t kRank = 4;
  int64_t strides[kRank] = {};
  int64_t stride = 1;
  for (size_t from_end = 1; from_end <= mask.size(); ++from_end) {
    const int64_t size = mask[mask.size() - from_end];
    strides[kRank - from_end] = size == 1 ? 0 : stride;
    stride *= size;
  }
  return {strides[0], strides[1], strides[2], strides[3]};
}

AttentionTiles::AttentionTiles(const AttentionSizes& sizes, ElementType element)
    : num_queries(std::min(sizes.queries, kQueriesOfTile)),
      num_keys(std::min(sizes.keys, kKeysOfTile)),
      num_scores(num_queries * num_keys),
      widens(element != ElementType::kF32) {}

int64_t scratch_floats_of_attention(const AttentionSizes& sizes, ElementType element) {
  const AttentionTiles tiles(sizes, element);
  const int64_t width = sizes.query_width + sizes.value_width;
  // Scores, sums of values, the largest score and the total of each query.
  int64_t num_floats = tiles.num_scores + tiles.num_queries * (sizes.value_width + 2);
  if (!tiles.widens) return num_floats;
  return num_floats + tiles.num_queries * sizes.query_width + sizes.keys * width;
}

int64_t scratch_floats_of_attention_grad(const AttentionSizes& sizes, ElementType element) {
  const AttentionTiles tiles(sizes, element);
  const int64_t width = sizes.query_width + sizes.value_width;
  // Weights and their gradients; of each query, gradient · result.
  int64_t num_floats = 2 * tiles.num_scores + tiles.num_queries;
  if (!tiles.widens) return num_floats;
  // Operands, and what is added up for results that hold fewer digits.
  num_floats += tiles.num_queries * (width + sizes.query_width);
  return num_floats + 2 * sizes.keys * width;
}

}  // namespace graphrt

#pragma once

#include <cstdint>
#include <span>

#include "runtime/op/op_table.h"
#include "runtime/op/product_math.h"

namespace graphrt {

/// Where an operator of attention has its operands. Packed ones are one operand [B, T, H + 2 G, D]:
/// the heads of q, then those of k, then those of v.
struct AttentionOperands {
  size_t q;
  size_t k;
  size_t v;
  size_t mask;  ///< absent where there are no more operands

  constexpr bool are_packed() const { return q == k; }
  /// Those that gradients have besides.
  constexpr size_t gradient() const { return 0; }
  constexpr size_t result() const { return v + 1; }
  constexpr size_t log_sum() const { return v + 2; }
};
inline constexpr AttentionOperands kOperandsOfAttention = {0, 1, 2, 3};
inline constexpr AttentionOperands kOperandsOfAttentionGrad = {1, 2, 3, 6};
inline constexpr AttentionOperands kOperandsOfPackedAttention = {0, 0, 0, 1};
inline constexpr AttentionOperands kOperandsOfPackedAttentionGrad = {1, 1, 1, 4};

/// What these operators are made for. Row-major q[B, T, H, D], k[B, S, G, D] and v[B, S, G, E].
struct AttentionSizes {
  int64_t batch = 0;        ///< B
  int64_t queries = 0;      ///< T
  int64_t keys = 0;         ///< S
  int64_t heads = 0;        ///< H
  int64_t key_heads = 0;    ///< G, a divisor of H: query head h reads key head h / (H / G)
  int64_t query_width = 0;  ///< D
  int64_t value_width = 0;  ///< E
  /// Elements from one query to the next, all of its heads, or key, or value; and in front of the
  /// first key and the first value, where they are parts of one operand.
  int64_t query_stride = 0;
  int64_t key_stride = 0;
  int64_t value_stride = 0;
  int64_t keys_at = 0;
  int64_t values_at = 0;

  int64_t result_stride() const { return heads * value_width; }
  int64_t heads_a_key_head() const { return heads / key_heads; }
  /// A causal query `t` sees the keys up to number t + offset.
  int64_t causal_offset() const { return keys - queries; }
};

/// Requires: a type rule accepted the operands.
AttentionSizes attention_sizes(std::span<const TensorType> inputs,
                               const AttentionOperands& operands, const Attributes& attributes);

/// What products of queries and keys are multiplied with.
float attention_scale(const AttentionSizes& sizes, const Attributes& attributes);

/// How far apart neighbours along each of [B, H, T, S] are in a mask that broadcasts to that.
struct MaskStrides {
  int64_t batch = 0;
  int64_t head = 0;
  int64_t query = 0;
  int64_t key = 0;
};
MaskStrides mask_strides(const Shape& mask);

/// How a kernel of the host divides the scores of a head, and what it keeps meanwhile, in floats.
struct AttentionTiles {
  int64_t num_queries = 0;  ///< of a tile, at most
  int64_t num_keys = 0;
  int64_t num_scores = 0;  ///< of a tile
  bool widens = false;     ///< operands are no f32: tiles of queries are copied, and a head's keys

  AttentionTiles(const AttentionSizes& sizes, ElementType element);
};

/// Floats that these kernels need of the host.
int64_t scratch_floats_of_attention(const AttentionSizes& sizes, ElementType element);
int64_t scratch_floats_of_attention_grad(const AttentionSizes& sizes, ElementType element);

/// Of an accelerator: a library's workspace for operands of 16 bits. cuDNN 9.19 asks for 256 bytes,
/// whatever the shape.
inline constexpr int64_t kAttentionWorkspaceBytes = int64_t{1} << 20;

}  // namespace graphrt

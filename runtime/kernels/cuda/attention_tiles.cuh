#pragma once

#include "runtime/kernels/cuda/attention_call.h"
#include "runtime/kernels/cuda/attention_products.cuh"
#include "runtime/kernels/cuda/exp_sum.cuh"

namespace graphrt::cuda {

/// How blocks of threads divide attention: each keeps kRowsOfBlock rows, of which a warp has 16, and
/// goes along the others kRowsAtOnce at a time.
template <class Math, int kHead>
struct AttentionTile {
  using Element = typename Math::Element;
  static constexpr int kRowsAtOnce = kHead == kNarrowHead ? 64 : 32;
  /// 16 bytes more than a head: rows that are read at once lie in different banks.
  static constexpr int kStride = kHead + static_cast<int>(kVectorBytes / sizeof(Element));
  static constexpr int kKeptElements = kRowsOfBlock * kStride;
  static constexpr int kPassingElements = kRowsAtOnce * kStride;
  static constexpr int bytes(int num_kept, int num_passing) {
    return (num_kept * kKeptElements + num_passing * kPassingElements) *
           static_cast<int>(sizeof(Element));
  }
};

/// The rows of one head of one sequence in memory.
template <class Address>
struct HeadRows {
  Address data;
  int64_t first;   ///< element
  int64_t stride;  ///< from row to row, in elements
  int num_rows;
  int width;
};
template <class Address>
__device__ HeadRows<Address> rows_of_head(Address data, int batch, int head, int num_rows,
                                          int num_heads, int width) {
  const int64_t stride = int64_t{num_heads} * width;
  return {data, batch * num_rows * stride + int64_t{head} * width, stride, num_rows, width};
}

/// kSize elements of a row as a kernel computes with them, 0 behind its end.
template <class Math, int kSize, class Stored>
__device__ Vector<typename Math::Element, kSize> load_part(const Stored* row, int column, int width,
                                                           bool has_vectors) {
  constexpr int kPart = static_cast<int>(kVectorBytes / sizeof(Stored));
  static_assert(kSize % kPart == 0);
  Vector<typename Math::Element, kSize> result;
  if (has_vectors) {
#pragma unroll
    for (int first = 0; first < kSize; first += kPart) {
      const auto part = load<kPart>(row + column + first);
#pragma unroll
      for (int i = 0; i < kPart; ++i) result.lane[first + i] = Math::stored(widened(part.lane[i]));
    }
  } else {
#pragma unroll
    for (int i = 0; i < kSize; ++i) {
      result.lane[i] = Math::stored(column + i < width ? widened(row[column + i]) : 0.0F);
    }
  }
  return result;
}

/// kRows rows from number `first` on, 0 behind the last.
template <class Math, int kHead, int kRows, class Address>
__device__ void load_tile(typename Math::Element* tile, const HeadRows<Address>& from, int first,
                          const AttentionCall& call) {
  using Element = typename Math::Element;
  constexpr int kSize = static_cast<int>(kVectorBytes / sizeof(Element));
  constexpr int kParts = kHead / kSize;
#pragma unroll 4
  for (int i = static_cast<int>(threadIdx.x); i < kRows * kParts; i += kThreadsOfAttention) {
    const int row = i / kParts;
    const int column = i % kParts * kSize;
    Vector<Element, kSize> part = {};
    if (first + row < from.num_rows && column < from.width) {
      const int64_t start = from.first + (first + row) * from.stride;
      if (call.is_f32) {
        const auto* stored = reinterpret_cast<const float*>(from.data) + start;
        part = load_part<Math, kSize>(stored, column, from.width, call.has_vectors);
      } else {
        const auto* stored = reinterpret_cast<const Element*>(from.data) + start;
        part = load_part<Math, kSize>(stored, column, from.width, call.has_vectors);
      }
    }
    store<kSize>(tile + row * AttentionTile<Math, kHead>::kStride + column, part);
  }
}

template <class T>
__device__ void store_pair(T* row, int column, int width, float first, float second) {
  if (column < width) row[column] = narrowed<T>(first);
  if (column + 1 < width) row[column + 1] = narrowed<T>(second);
}

/// The warp's 16 rows, from number `first` on; those behind the last are left out.
template <class Math, int kTiles>
__device__ void store_tile(const SumTile (&sums)[kTiles], const float (&factor)[2],
                           const HeadRows<std::byte*>& to, int first, bool is_f32) {
#pragma unroll
  for (int r = 0; r < 2; ++r) {
    const int row = first + row_in_tile() + 8 * r;
    if (row >= to.num_rows) continue;
    const int64_t start = to.first + row * to.stride;
#pragma unroll
    for (int j = 0; j < kTiles; ++j) {
      const int column = 8 * j + column_in_tile();
      const float low = sums[j][2 * r] * factor[r];
      const float high = sums[j][2 * r + 1] * factor[r];
      if (is_f32) {
        store_pair(reinterpret_cast<float*>(to.data) + start, column, to.width, low, high);
      } else {
        store_pair(reinterpret_cast<typename Math::Element*>(to.data) + start, column, to.width,
                   low, high);
      }
    }
  }
}

/// What a mask adds to a score.
__device__ inline float added_by_mask(const AttentionCall& call, int batch, int head, int query,
                                      int key) {
  const MaskStrides& strides = call.mask_strides;
  const int64_t at =
      batch * strides.batch + head * strides.head + query * strides.query + key * strides.key;
  switch (call.mask_kind) {
    case MaskKind::kNone:
      return 0;
    case MaskKind::kBool:
      return reinterpret_cast<const uint8_t*>(call.mask)[at] != 0 ? 0 : -kInfinity;
    case MaskKind::kF32:
      return reinterpret_cast<const float*>(call.mask)[at];
    case MaskKind::kBF16:
      return widened(reinterpret_cast<const __nv_bfloat16*>(call.mask)[at]);
    case MaskKind::kF16:
      return widened(reinterpret_cast<const __half*>(call.mask)[at]);
  }
  return 0;
}

/// The score of a pair, from the product of its query and key; -inf where the key is not seen.
__device__ inline float score_of_pair(const AttentionCall& call, int batch, int head, int query,
                                      int key, float product) {
  const bool is_seen = query < call.queries && key < call.keys &&
                       (!call.is_causal || key <= query + call.keys - call.queries);
  if (!is_seen) return -kInfinity;
  const float added = added_by_mask(call, batch, head, query, key);
  return added == -kInfinity ? added : fmaf(product, call.scale, added);
}

/// Whether each of these queries sees each of these keys, and no mask adds anything.
__device__ inline bool sees_all(const AttentionCall& call, int first_query, int num_queries,
                                int first_key, int num_keys) {
  return call.mask_kind == MaskKind::kNone && first_query + num_queries <= call.queries &&
         first_key + num_keys <= call.keys &&
         (!call.is_causal || first_key + num_keys - 1 <= first_query + call.keys - call.queries);
}

/// Which rows of which head a block of threads computes.
struct AttentionBlock {
  int batch;
  int head;
  int first;  ///< row
};
__device__ inline AttentionBlock attention_block(int num_rows, int num_heads, bool last_first) {
  const int num_blocks = (num_rows + kRowsOfBlock - 1) / kRowsOfBlock;
  const int number = static_cast<int>(blockIdx.x) % num_blocks;
  const int head = static_cast<int>(blockIdx.x) / num_blocks;
  const int block = last_first ? num_blocks - 1 - number : number;
  return {head / num_heads, head % num_heads, block * kRowsOfBlock};
}

}  // namespace graphrt::cuda

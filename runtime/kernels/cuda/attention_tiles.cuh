#pragma once

#include "runtime/kernels/cuda/attention_call.h"
#include "runtime/kernels/cuda/attention_products.cuh"
#include "runtime/kernels/cuda/exp_sum.cuh"

namespace graphrt::cuda {

/// How a kernel divides attention. A block of threads keeps the rows that it computes results for,
/// of which each warp has kRowTiles times 16, and goes along the others, kRowsAtOnce at a time.
template <class MathOfTile, int kHeadOfTile, int kRowTilesOfWarp, int kRowsOfStep>
struct AttentionTile {
  using Math = MathOfTile;
  using Element = typename Math::Element;
  static constexpr int kHead = kHeadOfTile;
  static constexpr int kRowTiles = kRowTilesOfWarp;
  static constexpr int kRowsAtOnce = kRowsOfStep;
  static constexpr int kRowsOfWarp = 16 * kRowTiles;
  static constexpr int kRowsOfBlock = kRowsOfWarp * kThreadsOfAttention / 32;
  /// 16 bytes more than a head: rows that are read at once lie in different banks.
  static constexpr int kStride = kHead + static_cast<int>(kVectorBytes / sizeof(Element));
  static constexpr int kKeptElements = kRowsOfBlock * kStride;
  static constexpr int kPassingElements = kRowsAtOnce * kStride;
  static constexpr int kScratchElements = kRowsOfBlock * Math::kScratchOfRow;
  /// Where an element of a tile lies.
  __device__ static int at(int row, int column) { return row * kStride + column; }
  /// Called behind copies for what does not see them otherwise.
  __device__ static void show_copies() {}
  /// Of what passes, two are there at a time: one comes while the other is used.
  static constexpr int bytes(int num_kept, int num_passing) {
    return (kScratchElements + num_kept * kKeptElements + 2 * num_passing * kPassingElements) *
           static_cast<int>(sizeof(Element));
  }
};

/// Begins to copy 16 bytes to shared memory, or to fill it with 0.
__device__ inline void begin_copy(void* to, const void* from, bool is_there) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
               :
               : "r"(static_cast<uint32_t>(__cvta_generic_to_shared(to))), "l"(from),
                 "r"(is_there ? 16 : 0)
               : "memory");
}
__device__ inline void begin_copy_of_float(float* to, const float* from, bool is_there) {
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;"
               :
               : "r"(static_cast<uint32_t>(__cvta_generic_to_shared(to))), "l"(from),
                 "r"(is_there ? 4 : 0)
               : "memory");
}
/// What was begun since the last call is waited for together.
__device__ inline void end_of_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }
__device__ inline void wait_for_copies() { asm volatile("cp.async.wait_all;" ::: "memory"); }
/// Waits for all but what was begun last.
__device__ inline void wait_for_earlier_copies() {
  asm volatile("cp.async.wait_group 1;" ::: "memory");
}

/// The rows of one head of one sequence in memory.
struct HeadRows {
  int64_t start;   ///< element
  int64_t stride;  ///< from row to row, in elements
  int num_rows;
  int width;

  __device__ int64_t at(int row) const { return start + row * stride; }
};
__device__ inline HeadRows rows_of_head(int batch, int head, int num_rows, int64_t stride,
                                        int width) {
  return {batch * num_rows * stride + int64_t{head} * width, stride, num_rows, width};
}

/// f(row, column) for each vector of a tile, as the threads share them.
template <int kSize, int kHead, int kRows, class F>
__device__ void for_each_part(const F& f) {
  constexpr int kParts = kHead / kSize;
  static_assert(kRows * kParts % kThreadsOfAttention == 0);
#pragma unroll
  for (int i = 0; i < kRows * kParts / kThreadsOfAttention; ++i) {
    const int part = i * kThreadsOfAttention + static_cast<int>(threadIdx.x);
    f(part / kParts, part % kParts * kSize, i);
  }
}

/// Elements as a kernel computes with them, one by one.
template <class Tile, int kRows, class Stored>
__device__ void load_elements_of_tile(typename Tile::Element* tile, const Stored* data,
                                      const HeadRows& from, int first) {
  for (int i = static_cast<int>(threadIdx.x); i < kRows * Tile::kHead; i += kThreadsOfAttention) {
    const int row = i / Tile::kHead;
    const int column = i % Tile::kHead;
    const bool is_there = first + row < from.num_rows && column < from.width;
    const float x = is_there ? widened(data[from.at(first + row) + column]) : 0.0F;
    tile[Tile::at(row, column)] = Tile::Math::stored(x);
  }
}

/// f32 that become elements of 16 bits. All are under way before the first is waited for.
template <class Tile, int kRows>
__device__ void load_rounded_tile(typename Tile::Element* tile, const float* data,
                                  const HeadRows& from, int first) {
  using Element = typename Tile::Element;
  constexpr int kSize = static_cast<int>(kVectorBytes / sizeof(Element));
  constexpr int kCount = kRows * Tile::kHead / kSize / kThreadsOfAttention;
  Vector<float, kWidest> parts[kCount][2] = {};
  for_each_part<kSize, Tile::kHead, kRows>([&](int row, int column, int i) {
    if (first + row >= from.num_rows || column >= from.width) return;
    const float* at = data + from.at(first + row) + column;
    parts[i][0] = load<kWidest>(at);
    parts[i][1] = load<kWidest>(at + kWidest);
  });
  for_each_part<kSize, Tile::kHead, kRows>([&](int row, int column, int i) {
    Vector<Element, kSize> rounded;
#pragma unroll
    for (int e = 0; e < kSize; ++e) {
      rounded.lane[e] = Tile::Math::stored(parts[i][e / kWidest].lane[e % kWidest]);
    }
    store<kSize>(tile + Tile::at(row, column), rounded);
  });
}

/// kRows rows from number `first` on, 0 behind the last and behind each one's end. They are there
/// once copies are waited for and threads have met.
template <class Tile, int kRows>
__device__ void load_tile(typename Tile::Element* tile, const std::byte* data, const HeadRows& from,
                          int first, const AttentionCall& call) {
  using Element = typename Tile::Element;
  constexpr bool kIsF32 = sizeof(Element) == sizeof(float);
  const auto* stored = reinterpret_cast<const Element*>(data);
  if (call.has_vectors && (kIsF32 || !call.is_f32)) {
    // A thread's vectors lie below each other.
    constexpr int kSize = static_cast<int>(kVectorBytes / sizeof(Element));
    constexpr int kThreadsOfRow = Tile::kHead / kSize;
    constexpr int kRowsOfThreads = kThreadsOfAttention / kThreadsOfRow;
    const int row = static_cast<int>(threadIdx.x) / kThreadsOfRow;
    const int column = static_cast<int>(threadIdx.x) % kThreadsOfRow * kSize;
    const Element* at = stored + from.at(first + row) + column;
    const int num_rows = column < from.width ? from.num_rows - first - row : 0;
#pragma unroll
    for (int i = 0; i < kRows; i += kRowsOfThreads) {
      begin_copy(tile + Tile::at(row + i, column), i < num_rows ? at + i * from.stride : stored,
                 i < num_rows);
    }
    return;
  }
  if (kIsF32 || !call.is_f32) {
    return load_elements_of_tile<Tile, kRows>(tile, stored, from, first);
  }
  const auto* floats = reinterpret_cast<const float*>(data);
  if constexpr (!kIsF32) {
    if (call.has_vectors) return load_rounded_tile<Tile, kRows>(tile, floats, from, first);
    load_elements_of_tile<Tile, kRows>(tile, floats, from, first);
  }
}

template <class T>
__device__ void store_pair(T* row, int column, int width, float first, float second) {
  if (column < width) row[column] = narrowed<T>(first);
  if (column + 1 < width) row[column + 1] = narrowed<T>(second);
}

/// The warp's rows, from number `first` on; those behind the last are left out.
template <class Math, int kRowTiles, int kTiles>
__device__ void store_tiles(const SumTiles<kRowTiles, kTiles>& sums,
                            const float (&factors)[kRowTiles][2], std::byte* data,
                            const HeadRows& to, int first, bool is_f32) {
#pragma unroll
  for (int r = 0; r < 2 * kRowTiles; ++r) {
    const int row = first + row_in_tile<Math>() + 8 * r;
    if (row >= to.num_rows) continue;
    const float factor = factors[r / 2][r % 2];
#pragma unroll
    for (int j = 0; j < kTiles; ++j) {
      const int column = Math::column_of_product(j);
      const float low = sums[r / 2][j][r % 2 * 2] * factor;
      const float high = sums[r / 2][j][r % 2 * 2 + 1] * factor;
      if (is_f32) {
        store_pair(reinterpret_cast<float*>(data) + to.at(row), column, to.width, low, high);
      } else {
        store_pair(reinterpret_cast<typename Math::Element*>(data) + to.at(row), column, to.width,
                   low, high);
      }
    }
  }
}

/// The same factor for all rows.
template <class Math, int kRowTiles, int kTiles>
__device__ void store_tiles(const SumTiles<kRowTiles, kTiles>& sums, float factor, std::byte* data,
                            const HeadRows& to, int first, bool is_f32) {
  float factors[kRowTiles][2];
#pragma unroll
  for (auto& of_tile : factors) of_tile[0] = of_tile[1] = factor;
  store_tiles<Math>(sums, factors, data, to, first, is_f32);
}

/// The last key that a query sees but for a mask; -1 where it sees none.
__device__ inline int last_key(const AttentionCall& call, int query) {
  if (query >= call.queries) return -1;
  const int last = call.keys - 1;
  return call.is_causal ? min(last, query + call.keys - call.queries) : last;
}

/// f(pointer to the first number of a head's mask): as what it is stored.
template <class F>
__device__ void with_mask_of_head(const AttentionCall& call, int batch, int head, const F& f) {
  const int64_t first = batch * call.mask_strides.batch + head * call.mask_strides.head;
  switch (call.mask_kind) {
    case MaskKind::kNone:
      return;
    case MaskKind::kBool:
      return f(reinterpret_cast<const bool*>(call.mask) + first);
    case MaskKind::kF32:
      return f(reinterpret_cast<const float*>(call.mask) + first);
    case MaskKind::kBF16:
      return f(reinterpret_cast<const __nv_bfloat16*>(call.mask) + first);
    case MaskKind::kF16:
      return f(reinterpret_cast<const __half*>(call.mask) + first);
  }
}
// clang-format off
__device__ inline float masked(float score, bool is_seen) { return is_seen ? score : -kInfinity; }
__device__ inline float masked(float score, float added) { return added == -kInfinity ? added : score + added; }
__device__ inline float masked(float score, __nv_bfloat16 added) { return masked(score, widened(added)); }
__device__ inline float masked(float score, __half added) { return masked(score, widened(added)); }
// clang-format on

/// Whether each of these queries sees each of these keys but for a mask.
__device__ inline bool sees_all(const AttentionCall& call, int first_query, int num_queries,
                                int first_key, int num_keys) {
  return first_query + num_queries <= call.queries && first_key + num_keys <= call.keys &&
         (!call.is_causal || first_key + num_keys - 1 <= first_query + call.keys - call.queries);
}

/// Whether none of these queries sees any of these keys.
__device__ inline bool sees_none(const AttentionCall& call, int first_query, int num_queries,
                                 int first_key) {
  return call.is_causal && first_key > first_query + num_queries - 1 + call.keys - call.queries;
}

/// Which rows of which head a block of threads computes.
struct AttentionBlock {
  int batch;
  int head;
  int first;  ///< row
};
/// Blocks that have most to do begin first, those of all heads: of causal queries the last, and of
/// keys that those see the first. Else those of one head are neighbours, for what they share.
enum class LongestBlock : uint8_t { kAll, kFirst, kLast };

template <class Tile>
__device__ AttentionBlock attention_block(int num_rows, int num_heads, LongestBlock longest) {
  const int num_blocks = (num_rows + Tile::kRowsOfBlock - 1) / Tile::kRowsOfBlock;
  const int num_all_heads = static_cast<int>(gridDim.x) / num_blocks;
  const int number = static_cast<int>(blockIdx.x);
  int head = number / num_blocks;
  int block = number % num_blocks;
  if (longest != LongestBlock::kAll) {
    head = number % num_all_heads;
    block = number / num_all_heads;
  }
  if (longest == LongestBlock::kLast) block = num_blocks - 1 - block;
  return {head / num_heads, head % num_heads, block * Tile::kRowsOfBlock};
}

}  // namespace graphrt::cuda

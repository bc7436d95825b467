#pragma once

#include "runtime/kernels/cuda/attention_tiles.cuh"

// FlashAttention-2: scores are made tile by tile and never stored; the softmax of a query is
// corrected as larger scores come. The backward pass makes them again, once along the queries for
// the gradients by k and v and once along the keys for that by q, so that every sum is one thread's,
// in one order.
// Source: Dao, FlashAttention-2: Faster Attention with Better Parallelism and Work Partitioning,
// 2023.
namespace graphrt::cuda {

extern __shared__ uint4 attention_memory[];

/// The largest of what the four lanes of a row have, and their sum.
__device__ inline float largest_of_row(float x) {
  x = fmaxf(x, __shfl_xor_sync(~0U, x, 1));
  return fmaxf(x, __shfl_xor_sync(~0U, x, 2));
}
__device__ inline float sum_of_row(float x) {
  x += __shfl_xor_sync(~0U, x, 1);
  return x + __shfl_xor_sync(~0U, x, 2);
}

/// Of a lane's two rows.
struct RunningSoftmax {
  float largest[2] = {-kInfinity, -kInfinity};
  float total[2] = {0, 0};  ///< the lane's own part

  /// Scores become exp(score - largest), and what was summed so far is scaled to that.
  template <int kKeyTiles, int kTiles>
  __device__ void add(SumTile (&scores)[kKeyTiles], SumTile (&sums)[kTiles]) {
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      float top = largest[r];
#pragma unroll
      for (const SumTile& tile : scores) top = fmaxf(top, fmaxf(tile[2 * r], tile[2 * r + 1]));
      top = largest_of_row(top);
      // exp(-inf - -inf) would be NaN.
      const float base = top == -kInfinity ? 0.0F : top;
      const float factor = __expf(largest[r] - base);
      largest[r] = top;
      total[r] *= factor;
#pragma unroll
      for (SumTile& tile : sums) {
        tile[2 * r] *= factor;
        tile[2 * r + 1] *= factor;
      }
#pragma unroll
      for (SumTile& tile : scores) {
        tile[2 * r] = __expf(tile[2 * r] - base);
        tile[2 * r + 1] = __expf(tile[2 * r + 1] - base);
        total[r] += tile[2 * r] + tile[2 * r + 1];
      }
    }
  }
};

/// Products become scores. Rows are queries and columns keys, or the other way round.
template <bool kRowsAreQueries, int kTiles>
__device__ void finish_scores(SumTile (&products)[kTiles], const AttentionCall& call, int batch,
                              int head, int first_row, int first_column) {
  const int first_query = kRowsAreQueries ? first_row : first_column;
  const int first_key = kRowsAreQueries ? first_column : first_row;
  constexpr int kQueries = kRowsAreQueries ? 16 : 8 * kTiles;
  constexpr int kKeys = kRowsAreQueries ? 8 * kTiles : 16;
  if (sees_all(call, first_query, kQueries, first_key, kKeys)) {
#pragma unroll
    for (SumTile& tile : products) {
#pragma unroll
      for (float& product : tile) product *= call.scale;
    }
    return;
  }
#pragma unroll
  for (int j = 0; j < kTiles; ++j) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int row = first_row + row_in_tile() + i / 2 * 8;
      const int column = first_column + 8 * j + column_in_tile() + i % 2;
      products[j][i] = score_of_pair(call, batch, head, kRowsAreQueries ? row : column,
                                     kRowsAreQueries ? column : row, products[j][i]);
    }
  }
}

/// Keys in front of this one are all that queries in front of `end` see.
__device__ inline int end_of_keys(const AttentionCall& call, int end) {
  return call.is_causal ? min(call.keys, end + call.keys - call.queries) : call.keys;
}

template <class Math, int kHead>
__global__ void __launch_bounds__(kThreadsOfAttention) attend(const AttentionCall call) {
  using Tile = AttentionTile<Math, kHead>;
  using Element = typename Math::Element;
  auto* q = reinterpret_cast<Element*>(attention_memory);
  Element* k = q + Tile::kKeptElements;
  Element* v = k + Tile::kPassingElements;
  // The last queries see most keys: those that take longest begin first.
  const AttentionBlock block = attention_block(call.queries, call.heads, call.is_causal);
  const int key_head = block.head / (call.heads / call.key_heads);
  const int own = static_cast<int>(threadIdx.x) / 32 * 16;
  const auto rows = [&](const std::byte* data, int num_rows, int head, int num_heads, int width) {
    return rows_of_head(data, block.batch, head, num_rows, num_heads, width);
  };
  load_tile<Math, kHead, kRowsOfBlock>(
      q, rows(call.q, call.queries, block.head, call.heads, call.query_width), block.first, call);
  SumTile sums[kHead / 8] = {};
  RunningSoftmax softmax;
  const int end = end_of_keys(call, block.first + kRowsOfBlock);
  for (int first = 0; first < end; first += Tile::kRowsAtOnce) {
    __syncthreads();
    load_tile<Math, kHead, Tile::kRowsAtOnce>(
        k, rows(call.k, call.keys, key_head, call.key_heads, call.query_width), first, call);
    load_tile<Math, kHead, Tile::kRowsAtOnce>(
        v, rows(call.v, call.keys, key_head, call.key_heads, call.value_width), first, call);
    __syncthreads();
    SumTile scores[Tile::kRowsAtOnce / 8] = {};
    add_product_of_rows<Math>(scores, q + own * Tile::kStride, k, Tile::kStride,
                              (call.query_width + 15) / 16 * 16);
    finish_scores<true>(scores, call, block.batch, block.head, block.first + own, first);
    softmax.add(scores, sums);
    add_product_of_sums<Math>(sums, scores, v, Tile::kStride);
  }
  float factor[2];
#pragma unroll
  for (int r = 0; r < 2; ++r) {
    const float total = sum_of_row(softmax.total[r]);
    const bool sees_none = softmax.largest[r] == -kInfinity && total == 0;
    factor[r] = sees_none ? 0.0F : 1 / total;
    const int query = block.first + own + row_in_tile() + 8 * r;
    if (query >= call.queries || lane_of_warp() % 4 != 0) continue;
    const int64_t head = int64_t{block.batch} * call.heads + block.head;
    call.to_log_sum[head * call.queries + query] =
        sees_none ? -kInfinity : softmax.largest[r] + logf(total);
  }
  store_tile<Math>(sums, factor,
                   rows_of_head(call.to_result, block.batch, block.head, call.queries, call.heads,
                                call.value_width),
                   block.first + own, call.is_f32);
}

/// exp(score - log_sum); 0 of a query that sees nothing.
__device__ inline float weight_of(float score, float log_sum) {
  return log_sum == -kInfinity ? 0.0F : __expf(score - log_sum);
}

/// Of the keys of a block, and of all queries of the heads that read them.
template <class Math, int kHead>
__global__ void __launch_bounds__(kThreadsOfAttention) gradients_by_keys(const AttentionCall call) {
  using Tile = AttentionTile<Math, kHead>;
  using Element = typename Math::Element;
  constexpr int kQueryTiles = Tile::kRowsAtOnce / 8;
  auto* k = reinterpret_cast<Element*>(attention_memory);
  Element* v = k + Tile::kKeptElements;
  Element* q = v + Tile::kKeptElements;
  Element* gradient = q + Tile::kPassingElements;
  const AttentionBlock block = attention_block(call.keys, call.key_heads, false);
  const int own = static_cast<int>(threadIdx.x) / 32 * 16;
  const auto key_rows = [&](auto* data, int width) {
    return rows_of_head(data, block.batch, block.head, call.keys, call.key_heads, width);
  };
  load_tile<Math, kHead, kRowsOfBlock>(k, key_rows(call.k, call.query_width), block.first, call);
  load_tile<Math, kHead, kRowsOfBlock>(v, key_rows(call.v, call.value_width), block.first, call);
  SumTile by_k[kHead / 8] = {};
  SumTile by_v[kHead / 8] = {};
  // Queries in front of this one see none of the keys.
  const int begin = call.is_causal ? max(0, block.first - (call.keys - call.queries)) : 0;
  const int heads_a_key_head = call.heads / call.key_heads;
  for (int i = 0; i < heads_a_key_head; ++i) {
    const int head = block.head * heads_a_key_head + i;
    const int64_t statistics = (int64_t{block.batch} * call.heads + head) * call.queries;
    for (int first = begin; first < call.queries; first += Tile::kRowsAtOnce) {
      __syncthreads();
      load_tile<Math, kHead, Tile::kRowsAtOnce>(
          q, rows_of_head(call.q, block.batch, head, call.queries, call.heads, call.query_width),
          first, call);
      load_tile<Math, kHead, Tile::kRowsAtOnce>(
          gradient,
          rows_of_head(call.gradient, block.batch, head, call.queries, call.heads,
                       call.value_width),
          first, call);
      __syncthreads();
      SumTile weights[kQueryTiles] = {};
      add_product_of_rows<Math>(weights, k + own * Tile::kStride, q, Tile::kStride,
                                (call.query_width + 15) / 16 * 16);
      finish_scores<false>(weights, call, block.batch, head, block.first + own, first);
#pragma unroll
      for (int j = 0; j < kQueryTiles; ++j) {
#pragma unroll
        for (int c = 0; c < 2; ++c) {
          const int query = first + 8 * j + column_in_tile() + c;
          const float log_sum =
              query < call.queries ? call.log_sum[statistics + query] : -kInfinity;
          weights[j][c] = weight_of(weights[j][c], log_sum);
          weights[j][2 + c] = weight_of(weights[j][2 + c], log_sum);
        }
      }
      add_product_of_sums<Math>(by_v, weights, gradient, Tile::kStride);
      SumTile by_weight[kQueryTiles] = {};
      add_product_of_rows<Math>(by_weight, v + own * Tile::kStride, gradient, Tile::kStride,
                                (call.value_width + 15) / 16 * 16);
#pragma unroll
      for (int j = 0; j < kQueryTiles; ++j) {
#pragma unroll
        for (int c = 0; c < 2; ++c) {
          const int query = first + 8 * j + column_in_tile() + c;
          const float dot = query < call.queries ? call.dots[statistics + query] : 0.0F;
          weights[j][c] *= by_weight[j][c] - dot;
          weights[j][2 + c] *= by_weight[j][2 + c] - dot;
        }
      }
      add_product_of_sums<Math>(by_k, weights, q, Tile::kStride);
    }
  }
  const float scale[2] = {call.scale, call.scale};
  const float one[2] = {1, 1};
  store_tile<Math>(by_k, scale, key_rows(call.by_k, call.query_width), block.first + own,
                   call.is_f32);
  store_tile<Math>(by_v, one, key_rows(call.by_v, call.value_width), block.first + own,
                   call.is_f32);
}

/// Of the queries of a block, and of all keys that they see.
template <class Math, int kHead>
__global__ void __launch_bounds__(kThreadsOfAttention)
    gradients_by_queries(const AttentionCall call) {
  using Tile = AttentionTile<Math, kHead>;
  using Element = typename Math::Element;
  constexpr int kKeyTiles = Tile::kRowsAtOnce / 8;
  auto* q = reinterpret_cast<Element*>(attention_memory);
  Element* gradient = q + Tile::kKeptElements;
  Element* k = gradient + Tile::kKeptElements;
  Element* v = k + Tile::kPassingElements;
  const AttentionBlock block = attention_block(call.queries, call.heads, call.is_causal);
  const int key_head = block.head / (call.heads / call.key_heads);
  const int own = static_cast<int>(threadIdx.x) / 32 * 16;
  const auto query_rows = [&](auto* data, int width) {
    return rows_of_head(data, block.batch, block.head, call.queries, call.heads, width);
  };
  load_tile<Math, kHead, kRowsOfBlock>(q, query_rows(call.q, call.query_width), block.first, call);
  load_tile<Math, kHead, kRowsOfBlock>(gradient, query_rows(call.gradient, call.value_width),
                                       block.first, call);
  float log_sum[2] = {-kInfinity, -kInfinity};
  float dot[2] = {0, 0};
  const int64_t statistics = (int64_t{block.batch} * call.heads + block.head) * call.queries;
#pragma unroll
  for (int r = 0; r < 2; ++r) {
    const int query = block.first + own + row_in_tile() + 8 * r;
    if (query >= call.queries) continue;
    log_sum[r] = call.log_sum[statistics + query];
    dot[r] = call.dots[statistics + query];
  }
  SumTile sums[kHead / 8] = {};
  const int end = end_of_keys(call, block.first + kRowsOfBlock);
  for (int first = 0; first < end; first += Tile::kRowsAtOnce) {
    __syncthreads();
    load_tile<Math, kHead, Tile::kRowsAtOnce>(
        k, rows_of_head(call.k, block.batch, key_head, call.keys, call.key_heads, call.query_width),
        first, call);
    load_tile<Math, kHead, Tile::kRowsAtOnce>(
        v, rows_of_head(call.v, block.batch, key_head, call.keys, call.key_heads, call.value_width),
        first, call);
    __syncthreads();
    SumTile weights[kKeyTiles] = {};
    add_product_of_rows<Math>(weights, q + own * Tile::kStride, k, Tile::kStride,
                              (call.query_width + 15) / 16 * 16);
    finish_scores<true>(weights, call, block.batch, block.head, block.first + own, first);
    SumTile by_weight[kKeyTiles] = {};
    add_product_of_rows<Math>(by_weight, gradient + own * Tile::kStride, v, Tile::kStride,
                              (call.value_width + 15) / 16 * 16);
#pragma unroll
    for (int j = 0; j < kKeyTiles; ++j) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        weights[j][i] = weight_of(weights[j][i], log_sum[i / 2]) * (by_weight[j][i] - dot[i / 2]);
      }
    }
    add_product_of_sums<Math>(sums, weights, k, Tile::kStride);
  }
  const float scale[2] = {call.scale, call.scale};
  store_tile<Math>(sums, scale, query_rows(call.by_q, call.query_width), block.first + own,
                   call.is_f32);
}

template <class Math, int kHead>
AttentionForms attention_forms() {
  using Tile = AttentionTile<Math, kHead>;
  return {{attend<Math, kHead>, Tile::bytes(1, 2)},
          {gradients_by_keys<Math, kHead>, Tile::bytes(2, 2)},
          {gradients_by_queries<Math, kHead>, Tile::bytes(2, 2)}};
}

template <class Math>
AttentionForms attention_forms(bool is_narrow) {
  return is_narrow ? attention_forms<Math, kNarrowHead>() : attention_forms<Math, kWidestHead>();
}

}  // namespace graphrt::cuda

#pragma once

#include "runtime/kernels/cuda/attention_kernels.cuh"

namespace graphrt::cuda {

/// exp(score - log_sum); 0 of a query that sees nothing.
__device__ inline float weight_of(float score, float log_sum) {
  return log_sum == -kInfinity ? 0.0F : fast_exp(score - log_sum);
}

/// log_sum and gradient · result of the queries that pass, two steps of each.
template <class Tile>
struct PassingStatistics {
  float* memory;

  static constexpr int kBytes = 4 * Tile::kRowsAtOnce * static_cast<int>(sizeof(float));

  __device__ float* log_sums(int step) const { return memory + step % 2 * 2 * Tile::kRowsAtOnce; }
  __device__ float* dots(int step) const { return log_sums(step) + Tile::kRowsAtOnce; }
  /// From query number `query` of a head on, whose first is element `start`. Of queries behind the
  /// last they are 0: no score of those is seen.
  __device__ void begin(int step, const AttentionCall& call, int64_t start, int query) const {
    const int i = static_cast<int>(threadIdx.x) % Tile::kRowsAtOnce;
    const int part = static_cast<int>(threadIdx.x) / Tile::kRowsAtOnce;
    const bool is_there = query + i < call.queries;
    const int64_t at = is_there ? start + query + i : start;
    if (part == 0) begin_copy_of_float(log_sums(step) + i, call.log_sum + at, is_there);
    if (part == 1) begin_copy_of_float(dots(step) + i, call.dots + at, is_there);
  }
};

/// log_sum and gradient · result of the queries that a lane has rows of. Of queries behind the last
/// the weights are 0.
template <class Math, int kRowTiles>
struct StatisticsOfRows {
  float log_sum[kRowTiles][2];
  float dot[kRowTiles][2];

  /// `own`: the warp's first row within the block.
  __device__ StatisticsOfRows(const AttentionCall& call, const AttentionBlock& block, int own) {
    const int64_t start = (int64_t{block.batch} * call.heads + block.head) * call.queries;
#pragma unroll
    for (int r = 0; r < 2 * kRowTiles; ++r) {
      const int query = block.first + own + row_in_tile<Math>() + 8 * r;
      const bool is_there = query < call.queries;
      log_sum[r / 2][r % 2] = is_there ? call.log_sum[start + query] : -kInfinity;
      dot[r / 2][r % 2] = is_there ? call.dots[start + query] : 0.0F;
    }
  }

  /// Scores become weights.
  template <int kTiles>
  __device__ void make_weights(SumTiles<kRowTiles, kTiles>& scores) const {
#pragma unroll
    for (int r = 0; r < kRowTiles; ++r) {
#pragma unroll
      for (int j = 0; j < kTiles; ++j) {
#pragma unroll
        for (int e = 0; e < 4; ++e) scores[r][j][e] = weight_of(scores[r][j][e], log_sum[r][e / 2]);
      }
    }
  }

  /// Weights become gradients by scores.
  template <int kTiles>
  __device__ void make_gradients(SumTiles<kRowTiles, kTiles>& weights,
                                 const SumTiles<kRowTiles, kTiles>& by_weight) const {
#pragma unroll
    for (int r = 0; r < kRowTiles; ++r) {
#pragma unroll
      for (int j = 0; j < kTiles; ++j) {
#pragma unroll
        for (int e = 0; e < 4; ++e) {
          weights[r][j][e] *= by_weight[r][j][e] - dot[r][e / 2];
        }
      }
    }
  }
};

/// Of the keys of a block, and of all queries of the heads that read them.
template <class Tile>
__global__ void __launch_bounds__(kThreadsOfAttention, 2)
    gradients_by_keys(const AttentionCall call) {
  using Math = typename Tile::Math;
  constexpr int kQueryTiles = Tile::kRowsAtOnce / 8;
  auto* k = first_tile<Tile>();
  auto* v = k + Tile::kKeptElements;
  auto* passing_memory = v + Tile::kKeptElements;
  const PassingStatistics<Tile> statistics{
      reinterpret_cast<float*>(passing_memory + 4 * Tile::kPassingElements)};
  const AttentionBlock block = attention_block<Tile>(
      call.keys, call.key_heads, call.is_causal ? LongestBlock::kFirst : LongestBlock::kAll);
  const int own = static_cast<int>(threadIdx.x) / 32 * Tile::kRowsOfWarp;
  const HeadRows rows_of_k =
      rows_of_head(block.batch, block.head, call.keys, call.key_stride, call.query_width);
  const HeadRows rows_of_v =
      rows_of_head(block.batch, block.head, call.keys, call.value_stride, call.value_width);
  load_tile<Tile, Tile::kRowsOfBlock>(k, call.k, rows_of_k, block.first, call);
  load_tile<Tile, Tile::kRowsOfBlock>(v, call.v, rows_of_v, block.first, call);
  SumTiles<Tile::kRowTiles, Tile::kHead / 8> by_k = {};
  SumTiles<Tile::kRowTiles, Tile::kHead / 8> by_v = {};
  // Queries in front of this one see none of the keys.
  const int begin = call.is_causal ? max(0, block.first - (call.keys - call.queries)) : 0;
  const int heads_a_key_head = call.heads / call.key_heads;
  for (int i = 0; i < heads_a_key_head; ++i) {
    const int head = block.head * heads_a_key_head + i;
    const int64_t start = (int64_t{block.batch} * call.heads + head) * call.queries;
    const PassingTiles<Tile> passing{
        passing_memory, call.q, call.gradient,
        rows_of_head(block.batch, head, call.queries, call.query_stride, call.query_width),
        rows_of_head(block.batch, head, call.queries, call.result_stride, call.value_width)};
    const auto begin_step = [&](int step, int row) {
      passing.begin(step, row, call);
      statistics.begin(step, call, start, row);
    };
    go_along<Tile>(begin, call.queries, begin_step, [&](int step, int row) {
      if (sees_none(call, row, Tile::kRowsAtOnce, block.first + own)) return;
      SumTiles<Tile::kRowTiles, kQueryTiles> weights = {};
      add_product_of_rows<Math>(weights, k + own * Tile::kStride, passing.first(step),
                                Tile::kStride, depth_of(call.query_width));
      finish_scores<Math, false>(weights, call, block.batch, head, block.first + own, row);
      for_each_sum<Math>(weights, [&](float& weight, int, int query) {
        weight = weight_of(weight, statistics.log_sums(step)[query]);
      });
      add_product_of_sums<Math>(by_v, weights, passing.second(step), Tile::kStride,
                                scratch_of_warp<Tile>());
      SumTiles<Tile::kRowTiles, kQueryTiles> by_weight = {};
      add_product_of_rows<Math>(by_weight, v + own * Tile::kStride, passing.second(step),
                                Tile::kStride, depth_of(call.value_width));
      for_each_sum_of_two<Math>(weights, by_weight, [&](float& weight, float by, int, int query) {
        weight *= by - statistics.dots(step)[query];
      });
      add_product_of_sums<Math>(by_k, weights, passing.first(step), Tile::kStride,
                                scratch_of_warp<Tile>());
    });
  }
  store_tiles<Math>(by_k, call.scale, call.by_k, rows_of_k, block.first + own, call.is_f32);
  store_tiles<Math>(by_v, 1.0F, call.by_v, rows_of_v, block.first + own, call.is_f32);
}

/// Of the queries of a block, and of all keys that they see.
template <class Tile>
__global__ void __launch_bounds__(kThreadsOfAttention, 2)
    gradients_by_queries(const AttentionCall call) {
  using Math = typename Tile::Math;
  constexpr int kKeyTiles = Tile::kRowsAtOnce / 8;
  auto* q = first_tile<Tile>();
  auto* gradient = q + Tile::kKeptElements;
  const AttentionBlock block = attention_block<Tile>(
      call.queries, call.heads, call.is_causal ? LongestBlock::kLast : LongestBlock::kAll);
  const int key_head = block.head / (call.heads / call.key_heads);
  const int own = static_cast<int>(threadIdx.x) / 32 * Tile::kRowsOfWarp;
  const HeadRows rows_of_q =
      rows_of_head(block.batch, block.head, call.queries, call.query_stride, call.query_width);
  load_tile<Tile, Tile::kRowsOfBlock>(q, call.q, rows_of_q, block.first, call);
  load_tile<Tile, Tile::kRowsOfBlock>(
      gradient, call.gradient,
      rows_of_head(block.batch, block.head, call.queries, call.result_stride, call.value_width),
      block.first, call);
  const PassingTiles<Tile> passing{
      gradient + Tile::kKeptElements, call.k, call.v,
      rows_of_head(block.batch, key_head, call.keys, call.key_stride, call.query_width),
      rows_of_head(block.batch, key_head, call.keys, call.value_stride, call.value_width)};
  const StatisticsOfRows<Math, Tile::kRowTiles> statistics(call, block, own);
  SumTiles<Tile::kRowTiles, Tile::kHead / 8> sums = {};
  go_along<Tile>(
      0, end_of_keys(call, block.first + Tile::kRowsOfBlock),
      [&](int step, int row) { passing.begin(step, row, call); },
      [&](int step, int row) {
        if (sees_none(call, block.first + own, Tile::kRowsOfWarp, row)) return;
        SumTiles<Tile::kRowTiles, kKeyTiles> weights = {};
        add_product_of_rows<Math>(weights, q + own * Tile::kStride, passing.first(step),
                                  Tile::kStride, depth_of(call.query_width));
        finish_scores<Math, true>(weights, call, block.batch, block.head, block.first + own, row);
        SumTiles<Tile::kRowTiles, kKeyTiles> by_weight = {};
        add_product_of_rows<Math>(by_weight, gradient + own * Tile::kStride, passing.second(step),
                                  Tile::kStride, depth_of(call.value_width));
        statistics.make_weights(weights);
        statistics.make_gradients(weights, by_weight);
        add_product_of_sums<Math>(sums, weights, passing.first(step), Tile::kStride,
                                  scratch_of_warp<Tile>());
      });
  store_tiles<Math>(sums, call.scale, call.by_q, rows_of_q, block.first + own, call.is_f32);
}

template <class Tile>
AttentionForm form_by_keys() {
  return {gradients_by_keys<Tile>, Tile::kRowsOfBlock,
          Tile::bytes(2, 2) + PassingStatistics<Tile>::kBytes};
}
template <class Tile>
AttentionForm form_by_queries() {
  return {gradients_by_queries<Tile>, Tile::kRowsOfBlock, Tile::bytes(2, 2)};
}

}  // namespace graphrt::cuda

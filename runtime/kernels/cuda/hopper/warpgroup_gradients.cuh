#pragma once

#include "runtime/kernels/cuda/attention_gradients.cuh"
#include "runtime/kernels/cuda/hopper/warpgroup_products.cuh"

// The kernels of attention_gradients.cuh with products by warpgroups, where there is no mask. While
// scores become weights, the product behind them is under way.
namespace graphrt::cuda {

/// How a kernel divides attention: a block keeps 64 rows, 16 for each warp, and goes along 64 at a
/// time. A multiprocessor has room for kBlocks: more hide each other's waits, fewer have registers
/// for all of their addresses.
template <class T, int kHeadOfTile, int kBlocks>
struct WarpgroupTile {
  using Math = By16Bits<T>;
  using Element = T;
  static constexpr int kHead = kHeadOfTile;
  static constexpr int kPanels = kHead / kPanel;
  static constexpr int kRowTiles = 1;
  static constexpr int kRowsAtOnce = kPanel;
  static constexpr int kRowsOfWarp = 16;
  static constexpr int kRowsOfBlock = kPanel;
  static constexpr int kKeptElements = kPanels * kPanelElements;
  static constexpr int kPassingElements = kKeptElements;
  static constexpr int kBlocksAtOnce = kBlocks;
  static constexpr int kBytes =
      (2 * kKeptElements + 4 * kPassingElements) * static_cast<int>(sizeof(T));

  __device__ static int at(int row, int column) { return place_in_panels(row, column); }
  __device__ static void show_copies() { show_to_products(); }
};

using ScoresOfWarpgroup = SumTiles<1, kPanel / 8>;

/// Begins sums = a b^T, both of as many columns as a head has elements.
template <class Tile>
__device__ void begin_product_of_rows(ScoresOfWarpgroup& sums, const typename Tile::Element* a,
                                      const typename Tile::Element* b) {
  using Element = typename Tile::Element;
  const uint64_t rows = panel_descriptor(a);
  const uint64_t columns = panel_descriptor(b);
  constexpr int kTermsOfPanel = kPanel / 16;
#pragma unroll
  for (int step = 0; step < Tile::kHead / 16; ++step) {
    const int bytes = step / kTermsOfPanel * 2 * kPanelElements + step % kTermsOfPanel * 32;
    multiply_panels(Element(), sums[0], behind(rows, bytes), behind(columns, bytes), step > 0);
  }
  end_of_products();
}

/// Begins sums += a b, where a are sums themselves.
template <class Tile>
__device__ void begin_product_of_sums(SumTiles<1, Tile::kHead / 8>& sums,
                                      const ScoresOfWarpgroup& a, const typename Tile::Element* b) {
  using Element = typename Tile::Element;
  constexpr int kSteps = kPanel / 16;
  FourMatrices rows[kSteps];
#pragma unroll
  for (int step = 0; step < kSteps; ++step) rows[step] = Tile::Math::rows_of(a[0], step);
  const uint64_t columns = panel_descriptor(b);
  begin_products();
#pragma unroll
  for (int panel = 0; panel < Tile::kPanels; ++panel) {
#pragma unroll
    for (int step = 0; step < kSteps; ++step) {
      const int bytes = 2 * (panel * kPanelElements + 16 * step * kPanel);
      multiply_by_transposed(Element(), sums[0] + 8 * panel, rows[step], behind(columns, bytes));
    }
  }
  end_of_products();
}

/// Waits for all products but the last kUnderWay that have begun, of which these sums are none.
template <int kUnderWay, int kTiles>
__device__ void wait_for_sums(SumTiles<1, kTiles>& sums) {
  wait_for_all_but<kUnderWay>();
#pragma unroll
  for (int j = 0; j < kTiles; j += 8) keep_in_order(sums[0] + j);
}

/// Products become weights.
template <bool kRowsAreQueries, class LogSum>
__device__ void make_weights(ScoresOfWarpgroup& products, const AttentionCall& call, int first_row,
                             int first_column, const LogSum& log_sum) {
  constexpr float kLog2OfE = 1.4426950408889634F;
  const float scale = call.scale * kLog2OfE;
  for_each_sum<ByTensorCores>(products, [&](float& product, int row, int column) {
    product = fast_exp2(fmaf(product, scale, -kLog2OfE * log_sum(row, column)));
  });
  const int first_query = kRowsAreQueries ? first_row : first_column;
  const int first_key = kRowsAreQueries ? first_column : first_row;
  constexpr int kRows = 16;
  if (sees_all(call, first_query, kRowsAreQueries ? kRows : kPanel, first_key,
               kRowsAreQueries ? kPanel : kRows)) {
    return;
  }
  for_each_sum<ByTensorCores>(products, [&](float& weight, int row, int column) {
    const int query = first_query + (kRowsAreQueries ? row : column);
    const int key = first_key + (kRowsAreQueries ? column : row);
    weight = key > last_key(call, query) ? 0.0F : weight;
  });
}

extern __shared__ __align__(kPanelAlignment) uint4 panel_memory[];

/// Of the keys of a block, and of all queries of the heads that read them.
template <class Tile>
__global__ void __launch_bounds__(kThreadsOfAttention, Tile::kBlocksAtOnce)
    warpgroup_gradients_by_keys(const AttentionCall call) {
  using Math = typename Tile::Math;
  auto* k = reinterpret_cast<typename Tile::Element*>(panel_memory);
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
  SumTiles<1, Tile::kHead / 8> by_k = {};
  SumTiles<1, Tile::kHead / 8> by_v = {};
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
      ScoresOfWarpgroup weights;
      ScoresOfWarpgroup by_weight;
      begin_products();
      begin_product_of_rows<Tile>(weights, k, passing.first(step));
      begin_product_of_rows<Tile>(by_weight, v, passing.second(step));
      wait_for_sums<1>(weights);
      make_weights<false>(weights, call, block.first + own, row,
                          [&](int, int query) { return statistics.log_sums(step)[query]; });
      begin_product_of_sums<Tile>(by_v, weights, passing.second(step));
      wait_for_sums<1>(by_weight);
      for_each_sum_of_two<Math>(weights, by_weight, [&](float& weight, float by, int, int query) {
        weight *= by - statistics.dots(step)[query];
      });
      begin_product_of_sums<Tile>(by_k, weights, passing.first(step));
      wait_for_sums<0>(by_v);
      wait_for_sums<0>(by_k);
    });
  }
  store_tiles<Math>(by_k, call.scale, call.by_k, rows_of_k, block.first + own, call.is_f32);
  store_tiles<Math>(by_v, 1.0F, call.by_v, rows_of_v, block.first + own, call.is_f32);
}

/// Of the queries of a block, and of all keys that they see.
template <class Tile>
__global__ void __launch_bounds__(kThreadsOfAttention, Tile::kBlocksAtOnce)
    warpgroup_gradients_by_queries(const AttentionCall call) {
  using Math = typename Tile::Math;
  auto* q = reinterpret_cast<typename Tile::Element*>(panel_memory);
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
  const StatisticsOfRows<Math, 1> statistics(call, block, own);
  SumTiles<1, Tile::kHead / 8> sums = {};
  go_along<Tile>(
      0, end_of_keys(call, block.first + Tile::kRowsOfBlock),
      [&](int step, int row) { passing.begin(step, row, call); },
      [&](int step, int row) {
        ScoresOfWarpgroup weights;
        ScoresOfWarpgroup by_weight;
        begin_products();
        begin_product_of_rows<Tile>(weights, q, passing.first(step));
        begin_product_of_rows<Tile>(by_weight, gradient, passing.second(step));
        wait_for_sums<1>(weights);
        make_weights<true>(weights, call, block.first + own, row, [&](int query, int) {
          return statistics.log_sum[0][(query - row_in_tile<ByTensorCores>()) / 8];
        });
        wait_for_sums<0>(by_weight);
        statistics.make_gradients(weights, by_weight);
        begin_product_of_sums<Tile>(sums, weights, passing.first(step));
        wait_for_sums<0>(sums);
      });
  store_tiles<Math>(sums, call.scale, call.by_q, rows_of_q, block.first + own, call.is_f32);
}

template <class Tile>
AttentionForm warpgroup_form_by_keys() {
  return {warpgroup_gradients_by_keys<Tile>, Tile::kRowsOfBlock,
          Tile::kBytes + PassingStatistics<Tile>::kBytes};
}
template <class Tile>
AttentionForm warpgroup_form_by_queries() {
  return {warpgroup_gradients_by_queries<Tile>, Tile::kRowsOfBlock, Tile::kBytes};
}

}  // namespace graphrt::cuda

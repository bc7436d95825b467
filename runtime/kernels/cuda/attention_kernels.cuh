#pragma once

#include "runtime/kernels/cuda/attention_tiles.cuh"
#include "runtime/kernels/cuda/fast_exp.cuh"

// FlashAttention-2: scores are made tile by tile and never stored; the softmax of a query is
// corrected as larger scores come. The backward pass makes them again, once along the queries for
// the gradients by k and v and once along the keys for that by q, so that every sum is made by one
// thread, in one order.
// Source: Dao, FlashAttention-2: Faster Attention with Better Parallelism and Work Partitioning,
// 2023.
namespace graphrt::cuda {

extern __shared__ uint4 attention_memory[];

/// Shared memory begins with what warps need for themselves; tiles lie behind it.
template <class Tile>
__device__ typename Tile::Element* scratch_of_warp() {
  constexpr int kOfWarp = Tile::kRowsOfWarp * Tile::Math::kScratchOfRow;
  return reinterpret_cast<typename Tile::Element*>(attention_memory) +
         static_cast<int>(threadIdx.x) / 32 * kOfWarp;
}
template <class Tile>
__device__ typename Tile::Element* first_tile() {
  return reinterpret_cast<typename Tile::Element*>(attention_memory) + Tile::kScratchElements;
}

/// What a block of threads goes along, two operands at a time: step by step, each coming while the
/// one before it is used.
template <class Tile>
struct PassingTiles {
  using Element = typename Tile::Element;
  Element* memory;
  const std::byte* first_data;
  const std::byte* second_data;
  HeadRows first_rows;
  HeadRows second_rows;

  __device__ Element* first(int step) const {
    return memory + step % 2 * 2 * Tile::kPassingElements;
  }
  __device__ Element* second(int step) const { return first(step) + Tile::kPassingElements; }
  /// Rows from number `row` on.
  __device__ void begin(int step, int row, const AttentionCall& call) const {
    load_tile<Tile, Tile::kRowsAtOnce>(first(step), first_data, first_rows, row, call);
    load_tile<Tile, Tile::kRowsAtOnce>(second(step), second_data, second_rows, row, call);
  }
};

/// use(step, row) for steps of rows in [begin, end), which begin(step, row) makes come.
template <class Tile, class Begin, class Use>
__device__ void go_along(int begin_row, int end_row, const Begin& begin, const Use& use) {
  if (begin_row < end_row) begin(0, begin_row);
  end_of_copies();
  int step = 0;
  for (int row = begin_row; row < end_row; row += Tile::kRowsAtOnce, ++step) {
    const int next = row + Tile::kRowsAtOnce;
    if (next < end_row) begin(step + 1, next);
    end_of_copies();
    wait_for_earlier_copies();
    Tile::show_copies();
    __syncthreads();
    use(step, row);
    __syncthreads();
  }
  wait_for_copies();
}

/// The largest of what the four lanes of a row have, and their sum.
template <class Math>
__device__ float largest_of_row(float x) {
  x = fmaxf(x, __shfl_xor_sync(~0U, x, Math::kOneBitOfRow));
  return fmaxf(x, __shfl_xor_sync(~0U, x, Math::kOtherBitOfRow));
}
template <class Math>
__device__ float sum_of_row(float x) {
  x += __shfl_xor_sync(~0U, x, Math::kOneBitOfRow);
  return x + __shfl_xor_sync(~0U, x, Math::kOtherBitOfRow);
}

/// Of a lane's rows.
template <class Math, int kRowTiles>
struct RunningSoftmax {
  float largest[kRowTiles][2];
  float total[kRowTiles][2];  ///< the lane's own part

  __device__ RunningSoftmax() {
#pragma unroll
    for (int r = 0; r < 2 * kRowTiles; ++r) {
      largest[r / 2][r % 2] = -kInfinity;
      total[r / 2][r % 2] = 0;
    }
  }

  /// Scores become exp(score - largest), and what was summed so far is scaled to that.
  template <int kKeyTiles, int kTiles>
  __device__ void add(SumTiles<kRowTiles, kKeyTiles>& scores, SumTiles<kRowTiles, kTiles>& sums) {
#pragma unroll
    for (int r = 0; r < kRowTiles; ++r) {
#pragma unroll
      for (int i = 0; i < 2; ++i) add_row(r, i, scores[r], sums[r]);
    }
  }

 private:
  template <int kKeyTiles, int kTiles>
  __device__ void add_row(int r, int i, SumTile (&scores)[kKeyTiles], SumTile (&sums)[kTiles]) {
    float top = largest[r][i];
#pragma unroll
    for (const SumTile& tile : scores) top = fmaxf(top, fmaxf(tile[2 * i], tile[2 * i + 1]));
    top = largest_of_row<Math>(top);
    // exp(-inf - -inf) would be NaN.
    const float base = top == -kInfinity ? 0.0F : top;
    const float factor = fast_exp(largest[r][i] - base);
    largest[r][i] = top;
    total[r][i] *= factor;
#pragma unroll
    for (SumTile& tile : sums) {
      tile[2 * i] *= factor;
      tile[2 * i + 1] *= factor;
    }
#pragma unroll
    for (SumTile& tile : scores) {
      tile[2 * i] = fast_exp(tile[2 * i] - base);
      tile[2 * i + 1] = fast_exp(tile[2 * i + 1] - base);
      total[r][i] += tile[2 * i] + tile[2 * i + 1];
    }
  }
};

/// f(element, row, column) for what a lane has of tiles.
template <class Math, int kRowTiles, int kTiles, class F>
__device__ void for_each_sum(SumTiles<kRowTiles, kTiles>& tiles, const F& f) {
#pragma unroll
  for (int r = 0; r < kRowTiles; ++r) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
#pragma unroll
      for (int j = 0; j < kTiles; ++j) {
        f(tiles[r][j][i], 16 * r + row_in_tile<Math>() + i / 2 * 8,
          8 * j + column_in_tile<Math>() + i % 2);
      }
    }
  }
}

/// f(element, element of the others, row, column).
template <class Math, int kRowTiles, int kTiles, class F>
__device__ void for_each_sum_of_two(SumTiles<kRowTiles, kTiles>& tiles,
                                    SumTiles<kRowTiles, kTiles>& others, const F& f) {
#pragma unroll
  for (int r = 0; r < kRowTiles; ++r) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
#pragma unroll
      for (int j = 0; j < kTiles; ++j) {
        f(tiles[r][j][i], others[r][j][i], 16 * r + row_in_tile<Math>() + i / 2 * 8,
          8 * j + column_in_tile<Math>() + i % 2);
      }
    }
  }
}

/// Products become scores. Rows are queries and columns keys, or the other way round.
template <class Math, bool kRowsAreQueries, int kRowTiles, int kTiles>
__device__ void finish_scores(SumTiles<kRowTiles, kTiles>& products, const AttentionCall& call,
                              int batch, int head, int first_row, int first_column) {
  const int first_query = kRowsAreQueries ? first_row : first_column;
  const int first_key = kRowsAreQueries ? first_column : first_row;
  constexpr int kRows = 16 * kRowTiles;
  constexpr int kColumns = 8 * kTiles;
  for_each_sum<Math>(products, [&](float& product, int, int) { product *= call.scale; });
  if (!sees_all(call, first_query, kRowsAreQueries ? kRows : kColumns, first_key,
                kRowsAreQueries ? kColumns : kRows)) {
    for_each_sum<Math>(products, [&](float& score, int row, int column) {
      const int query = first_query + (kRowsAreQueries ? row : column);
      const int key = first_key + (kRowsAreQueries ? column : row);
      score = key > last_key(call, query) ? -kInfinity : score;
    });
  }
  with_mask_of_head(call, batch, head, [&](const auto* mask) {
    for_each_sum<Math>(products, [&](float& score, int row, int column) {
      const int query = first_query + (kRowsAreQueries ? row : column);
      const int key = first_key + (kRowsAreQueries ? column : row);
      if (query >= call.queries || key >= call.keys) return;
      score = masked(score, mask[query * call.mask_strides.query + key * call.mask_strides.key]);
    });
  });
}

/// Keys in front of this one are all that queries in front of `end` see.
__device__ inline int end_of_keys(const AttentionCall& call, int end) {
  return call.is_causal ? min(call.keys, end + call.keys - call.queries) : call.keys;
}

/// Products of heads add up so many terms.
__device__ inline int depth_of(int width) { return (width + 15) / 16 * 16; }

template <class Tile>
__global__ void __launch_bounds__(kThreadsOfAttention, 2) attend(const AttentionCall call) {
  using Math = typename Tile::Math;
  auto* q = first_tile<Tile>();
  const AttentionBlock block = attention_block<Tile>(
      call.queries, call.heads, call.is_causal ? LongestBlock::kLast : LongestBlock::kAll);
  const int key_head = block.head / (call.heads / call.key_heads);
  const int own = static_cast<int>(threadIdx.x) / 32 * Tile::kRowsOfWarp;
  const PassingTiles<Tile> passing{
      q + Tile::kKeptElements, call.k, call.v,
      rows_of_head(block.batch, key_head, call.keys, call.key_stride, call.query_width),
      rows_of_head(block.batch, key_head, call.keys, call.value_stride, call.value_width)};
  load_tile<Tile, Tile::kRowsOfBlock>(
      q, call.q,
      rows_of_head(block.batch, block.head, call.queries, call.query_stride, call.query_width),
      block.first, call);
  SumTiles<Tile::kRowTiles, Tile::kHead / 8> sums = {};
  RunningSoftmax<Math, Tile::kRowTiles> softmax;
  go_along<Tile>(
      0, end_of_keys(call, block.first + Tile::kRowsOfBlock),
      [&](int step, int row) { passing.begin(step, row, call); },
      [&](int step, int row) {
        if (sees_none(call, block.first + own, Tile::kRowsOfWarp, row)) return;
        SumTiles<Tile::kRowTiles, Tile::kRowsAtOnce / 8> scores = {};
        add_product_of_rows<Math>(scores, q + own * Tile::kStride, passing.first(step),
                                  Tile::kStride, depth_of(call.query_width));
        finish_scores<Math, true>(scores, call, block.batch, block.head, block.first + own, row);
        softmax.add(scores, sums);
        add_product_of_sums<Math>(sums, scores, passing.second(step), Tile::kStride,
                                  scratch_of_warp<Tile>());
      });
  float factors[Tile::kRowTiles][2];
#pragma unroll
  for (int r = 0; r < 2 * Tile::kRowTiles; ++r) {
    const float total = sum_of_row<Math>(softmax.total[r / 2][r % 2]);
    const float largest = softmax.largest[r / 2][r % 2];
    const bool is_blind = largest == -kInfinity && total == 0;
    factors[r / 2][r % 2] = is_blind ? 0.0F : 1 / total;
    const int query = block.first + own + row_in_tile<Math>() + 8 * r;
    if (query >= call.queries || Math::lane() % 4 != 0) continue;
    const int64_t head = int64_t{block.batch} * call.heads + block.head;
    call.to_log_sum[head * call.queries + query] = is_blind ? -kInfinity : largest + logf(total);
  }
  store_tiles<Math>(
      sums, factors, call.to_result,
      rows_of_head(block.batch, block.head, call.queries, call.result_stride, call.value_width),
      block.first + own, call.is_f32);
}

template <class Tile>
AttentionForm forward_form() {
  return {attend<Tile>, Tile::kRowsOfBlock, Tile::bytes(1, 2)};
}

}  // namespace graphrt::cuda

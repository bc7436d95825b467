// The gradients of attention. Weights are made again from scores and log_sum, tile by tile.
#include <algorithm>
#include <limits>

#include "runtime/kernels/cpu/attention_tiles.h"
#include "runtime/kernels/cpu/vector_functions.h"

namespace graphrt::cpu {
namespace {

/// Scratch memory by use. What is behind `dots` is there for operands that are widened.
struct BackwardScratch {
  float* weights;
  float* by_scores;  ///< gradients by weights, then by scores
  float* dots;       ///< gradient · result of each query
  float* q;          ///< widened, as the next three
  float* gradient;
  float* k;
  float* v;
  float* by_q;  ///< sums, as the next two
  float* by_k;
  float* by_v;

  BackwardScratch(const AttentionSetup& setup, std::byte* begin) {
    const AttentionTiles& tiles = setup.tiles;
    const int64_t query_width = setup.sizes.query_width;
    const int64_t value_width = setup.sizes.value_width;
    weights = elements<float>(begin);
    by_scores = weights + tiles.num_scores;
    dots = by_scores + tiles.num_scores;
    q = dots + tiles.num_queries;
    gradient = q + tiles.num_queries * query_width;
    k = gradient + tiles.num_queries * value_width;
    v = k + setup.sizes.keys * query_width;
    by_q = v + setup.sizes.keys * value_width;
    by_k = by_q + tiles.num_queries * query_width;
    by_v = by_k + setup.sizes.keys * query_width;
  }
};

/// gradient · result for each of these rows.
template <class T>
void dot_rows(const T* gradient, const T* result, const RowsOfHead& rows, float* dots) {
  for (int64_t row = 0; row < rows.num_rows; ++row) {
    const int64_t start = rows.first_element + row * rows.stride;
    double dot = 0;
    for (int64_t i = start; i < start + rows.width; ++i) {
      dot += static_cast<double>(static_cast<float>(gradient[i])) * static_cast<float>(result[i]);
    }
    dots[row] = static_cast<float>(dot);
  }
}

void fill_rows(const FloatSums& sums, int64_t num_rows, int64_t width) {
  for (int64_t row = 0; row < num_rows; ++row) std::fill_n(sums.data + row * sums.stride, width, 0);
}

/// Operands of a tile's queries, and sums for them.
struct QueryRows {
  FloatRows q;
  FloatRows gradient;
  FloatSums by_q;
};

/// Sums for the keys of one head.
struct KeyGradients {
  FloatSums by_k;
  FloatSums by_v;
};

class AttentionGradKernel : public PreparedKernel {
 public:
  explicit AttentionGradKernel(const AttentionSetup& setup) : setup_(setup) {}

  void run(const KernelArguments& at) const override {
    for (int64_t batch = 0; batch < setup_.sizes.batch; ++batch) {
      for (int64_t head = 0; head < setup_.sizes.key_heads; ++head) run_key_head(at, batch, head);
    }
  }

 private:
  /// Where what is added up for rows of a result is kept: in the result if that holds all digits.
  FloatSums sums_of(std::byte* result, const RowsOfHead& rows, float* space) const {
    if (setup_.tiles.widens) return {space, rows.width};
    return {elements<float>(result) + rows.first_element, rows.stride};
  }
  void keep(const FloatSums& sums, std::byte* result, const RowsOfHead& rows) const {
    if (setup_.tiles.widens) store_head(sums, result, setup_.element, rows);
  }

  /// The results for k and v: all are one where operands are packed.
  struct KeyResults {
    std::byte* by_k;
    std::byte* by_v;
  };
  KeyResults key_results(const KernelArguments& at) const {
    if (setup_.operands.are_packed()) return {at.results[0], at.results[0]};
    return {at.results[1], at.results[2]};
  }

  /// The query heads that read one key head, one after the other.
  void run_key_head(const KernelArguments& at, int64_t batch, int64_t key_head) const {
    const AttentionSizes& sizes = setup_.sizes;
    const BackwardScratch scratch(setup_, at.scratch);
    const int64_t first_head = key_head * sizes.heads_a_key_head();
    const ScoreTile all_keys{batch, first_head, 0, 0, 0, sizes.keys};
    const RowsOfHead rows_of_k = key_rows(setup_, all_keys);
    const RowsOfHead rows_of_v = value_rows(setup_, all_keys);
    const auto& [by_k, by_v] = key_results(at);
    const KeysAndValues keys = {
        load_head(at.inputs[setup_.operands.k], setup_.element, rows_of_k, scratch.k),
        load_head(at.inputs[setup_.operands.v], setup_.element, rows_of_v, scratch.v)};
    const KeyGradients gradients = {sums_of(by_k, rows_of_k, scratch.by_k),
                                    sums_of(by_v, rows_of_v, scratch.by_v)};
    fill_rows(gradients.by_k, sizes.keys, sizes.query_width);
    fill_rows(gradients.by_v, sizes.keys, sizes.value_width);
    for (int64_t i = 0; i < sizes.heads_a_key_head(); ++i) {
      for (int64_t first = 0; first < sizes.queries; first += setup_.tiles.num_queries) {
        const int64_t count = std::min(setup_.tiles.num_queries, sizes.queries - first);
        run_queries(at, {batch, first_head + i, first, count, 0, 0}, keys, gradients);
      }
    }
    keep(gradients.by_k, by_k, rows_of_k);
    keep(gradients.by_v, by_v, rows_of_v);
  }

  /// All keys for the queries of `tile`.
  void run_queries(const KernelArguments& at, ScoreTile tile, const KeysAndValues& keys,
                   const KeyGradients& gradients) const {
    const AttentionSizes& sizes = setup_.sizes;
    const BackwardScratch scratch(setup_, at.scratch);
    const AttentionOperands& operands = setup_.operands;
    const RowsOfHead rows_of_q = query_rows(setup_, tile);
    const RowsOfHead rows_of_result = result_rows(setup_, tile);
    const FloatRows q = load_head(at.inputs[operands.q], setup_.element, rows_of_q, scratch.q);
    const FloatRows gradient =
        load_head(at.inputs[operands.gradient()], setup_.element, rows_of_result, scratch.gradient);
    with_float_type(setup_.element, [&](auto tag) {
      using T = typename decltype(tag)::Type;
      dot_rows(elements<T>(at.inputs[operands.gradient()]),
               elements<T>(at.inputs[operands.result()]), rows_of_result, scratch.dots);
    });
    const FloatSums by_q = sums_of(at.results[0], rows_of_q, scratch.by_q);
    fill_rows(by_q, tile.num_queries, sizes.query_width);
    const int64_t end = setup_.end_of_keys(tile.first_query + tile.num_queries);
    for (int64_t first = 0; first < end; first += setup_.tiles.num_keys) {
      tile.first_key = first;
      tile.num_keys = std::min(setup_.tiles.num_keys, end - first);
      run_tile(at, tile, {q, gradient, by_q}, {keys.k.from(first), keys.v.from(first)},
               {gradients.by_k.from(first), gradients.by_v.from(first)});
    }
    keep(by_q, at.results[0], rows_of_q);
  }

  void run_tile(const KernelArguments& at, const ScoreTile& tile, const QueryRows& queries,
                const KeysAndValues& keys, const KeyGradients& gradients) const {
    const AttentionSizes& sizes = setup_.sizes;
    const BackwardScratch scratch(setup_, at.scratch);
    const auto& [q, gradient, by_q] = queries;
    const FloatRows weights{scratch.weights, tile.num_keys};
    const FloatRows by_scores{scratch.by_scores, tile.num_keys};
    const size_t mask_at = setup_.operands.mask;
    const std::byte* mask = at.inputs.size() > mask_at ? at.inputs[mask_at] : nullptr;
    make_scores(setup_, tile, q, keys.k, mask, scratch.weights);
    const float* log_sum = elements<float>(at.inputs[setup_.operands.log_sum()]) +
                           (tile.batch * sizes.heads + tile.head) * sizes.queries +
                           tile.first_query;
    for (int64_t row = 0; row < tile.num_queries; ++row) weigh(tile, row, log_sum[row], scratch);
    add_transposed_product(weights, gradient, tile.num_keys, sizes.value_width, tile.num_queries,
                           gradients.by_v);
    multiply_rows(gradient, keys.v, tile.num_queries, tile.num_keys, sizes.value_width, 1.0F, 0.0F,
                  {scratch.by_scores, tile.num_keys});
    for (int64_t row = 0; row < tile.num_queries; ++row) {
      const float* weight = scratch.weights + row * tile.num_keys;
      float* by_score = scratch.by_scores + row * tile.num_keys;
      const float dot = scratch.dots[row];
#pragma GCC ivdep
      for (int64_t i = 0; i < tile.num_keys; ++i) {
        by_score[i] = weight[i] * (by_score[i] - dot) * setup_.scale;
      }
    }
    add_product(by_scores, keys.k, tile.num_queries, sizes.query_width, tile.num_keys, by_q);
    add_transposed_product(by_scores, q, tile.num_keys, sizes.query_width, tile.num_queries,
                           gradients.by_k);
  }

  /// The scores of a query become exp(score - log_sum); 0 of keys that it does not see.
  void weigh(const ScoreTile& tile, int64_t row, float log_sum,
             const BackwardScratch& scratch) const {
    float* scores = scratch.weights + row * tile.num_keys;
    const bool sees_none = log_sum == -std::numeric_limits<float>::infinity();
    const int64_t num_seen = sees_none ? 0 : setup_.num_seen(tile, row);
    exp_less_each(scores, log_sum, scores, num_seen);
    std::fill(scores + num_seen, scores + tile.num_keys, 0.0F);
  }

  AttentionSetup setup_;
};

}  // namespace

KernelResult prepare_attention_grad(const KernelSpec& spec) {
  TRY(const AttentionSetup setup, AttentionSetup::make(spec, kOperandsOfAttentionGrad));
  return std::make_unique<AttentionGradKernel>(setup);
}

KernelResult prepare_packed_attention_grad(const KernelSpec& spec) {
  TRY(const AttentionSetup setup, AttentionSetup::make(spec, kOperandsOfPackedAttentionGrad));
  return std::make_unique<AttentionGradKernel>(setup);
}

}  // namespace graphrt::cpu

// Attention, one tile of scores after the other: no head's scores are ever there as a whole. As
// larger scores come, what was summed before is scaled down to them.
#include <algorithm>
#include <cmath>
#include <limits>

#include "runtime/kernels/cpu/attention_tiles.h"
#include "runtime/kernels/cpu/vector_functions.h"

namespace graphrt::cpu {
namespace {

constexpr float kNoScore = -std::numeric_limits<float>::infinity();

/// Scratch memory by use.
struct ForwardScratch {
  float* scores;
  float* sums;     ///< of weights and values, a row for each query
  float* largest;  ///< score of each query so far
  float* totals;   ///< of its weights
  float* q;        ///< widened, as the next two
  float* k;
  float* v;

  ForwardScratch(const AttentionSetup& setup, std::byte* begin) {
    const AttentionTiles& tiles = setup.tiles;
    scores = elements<float>(begin);
    sums = scores + tiles.num_scores;
    largest = sums + tiles.num_queries * setup.sizes.value_width;
    totals = largest + tiles.num_queries;
    q = totals + tiles.num_queries;
    k = q + tiles.num_queries * setup.sizes.query_width;
    v = k + setup.sizes.keys * setup.sizes.query_width;
  }
};

class AttentionKernel : public PreparedKernel {
 public:
  explicit AttentionKernel(const AttentionSetup& setup) : setup_(setup) {}

  void run(const KernelArguments& at) const override {
    const AttentionSizes& sizes = setup_.sizes;
    for (int64_t batch = 0; batch < sizes.batch; ++batch) {
      for (int64_t head = 0; head < sizes.key_heads; ++head) run_key_head(at, batch, head);
    }
  }

 private:
  /// The query heads that read one key head.
  void run_key_head(const KernelArguments& at, int64_t batch, int64_t key_head) const {
    const AttentionSizes& sizes = setup_.sizes;
    const ForwardScratch scratch(setup_, at.scratch);
    const int64_t first_head = key_head * sizes.heads_a_key_head();
    const ScoreTile all_keys{batch, first_head, 0, 0, 0, sizes.keys};
    const KeysAndValues keys = {load_head(at.inputs[setup_.operands.k], setup_.element,
                                          key_rows(setup_, all_keys), scratch.k),
                                load_head(at.inputs[setup_.operands.v], setup_.element,
                                          value_rows(setup_, all_keys), scratch.v)};
    for (int64_t i = 0; i < sizes.heads_a_key_head(); ++i) {
      for (int64_t first = 0; first < sizes.queries; first += setup_.tiles.num_queries) {
        const int64_t count = std::min(setup_.tiles.num_queries, sizes.queries - first);
        run_queries(at, {batch, first_head + i, first, count, 0, 0}, keys);
      }
    }
  }

  /// All keys for the queries of `tile`.
  void run_queries(const KernelArguments& at, ScoreTile tile, const KeysAndValues& keys) const {
    const AttentionSizes& sizes = setup_.sizes;
    const ForwardScratch scratch(setup_, at.scratch);
    const size_t mask_at = setup_.operands.mask;
    const std::byte* mask = at.inputs.size() > mask_at ? at.inputs[mask_at] : nullptr;
    std::fill_n(scratch.sums, tile.num_queries * sizes.value_width, 0.0F);
    std::fill_n(scratch.largest, tile.num_queries, kNoScore);
    std::fill_n(scratch.totals, tile.num_queries, 0.0F);
    const FloatRows q = load_head(at.inputs[setup_.operands.q], setup_.element,
                                  query_rows(setup_, tile), scratch.q);
    const int64_t end = setup_.end_of_keys(tile.first_query + tile.num_queries);
    for (int64_t first = 0; first < end; first += setup_.tiles.num_keys) {
      tile.first_key = first;
      tile.num_keys = std::min(setup_.tiles.num_keys, end - first);
      make_scores(setup_, tile, q, keys.k.from(first), mask, scratch.scores);
      for (int64_t row = 0; row < tile.num_queries; ++row) weigh(tile, row, scratch);
      add_product({scratch.scores, tile.num_keys}, keys.v.from(first), tile.num_queries,
                  sizes.value_width, tile.num_keys, {scratch.sums, sizes.value_width});
    }
    finish(at, tile, scratch);
  }

  /// The scores of a query become exp(score - largest), 0 of keys that it does not see; and what was
  /// summed is scaled to that.
  void weigh(const ScoreTile& tile, int64_t row, const ForwardScratch& scratch) const {
    float* scores = scratch.scores + row * tile.num_keys;
    const float before = scratch.largest[row];
    const int64_t num_seen = setup_.num_seen(tile, row);
    const float largest = std::max(before, largest_of(scores, num_seen));
    // exp(-inf - -inf) would be NaN.
    const float base = largest == kNoScore ? 0.0F : largest;
    exp_less_each(scores, base, scores, num_seen);
    std::fill(scores + num_seen, scores + tile.num_keys, 0.0F);
    const float factor = std::exp(before - base);
    scratch.largest[row] = largest;
    scratch.totals[row] = scratch.totals[row] * factor + sum_of(scores, num_seen);
    if (factor == 1.0F) return;
    const int64_t width = setup_.sizes.value_width;
    float* sums = scratch.sums + row * width;
    for (int64_t i = 0; i < width; ++i) sums[i] *= factor;
  }

  void finish(const KernelArguments& at, const ScoreTile& tile,
              const ForwardScratch& scratch) const {
    const AttentionSizes& sizes = setup_.sizes;
    auto* log_sum = elements<float>(at.results[1]) +
                    (tile.batch * sizes.heads + tile.head) * sizes.queries + tile.first_query;
    for (int64_t row = 0; row < tile.num_queries; ++row) {
      const float total = scratch.totals[row];
      const bool sees_none = scratch.largest[row] == kNoScore && total == 0;
      log_sum[row] = sees_none ? kNoScore : scratch.largest[row] + std::log(total);
      const float factor = sees_none ? 0.0F : 1 / total;
      float* sums = scratch.sums + row * sizes.value_width;
      for (int64_t i = 0; i < sizes.value_width; ++i) sums[i] *= factor;
    }
    store_head({scratch.sums, sizes.value_width}, at.result(), setup_.element,
               result_rows(setup_, tile));
  }

  AttentionSetup setup_;
};

}  // namespace

KernelResult prepare_attention(const KernelSpec& spec) {
  TRY(const AttentionSetup setup, AttentionSetup::make(spec, kOperandsOfAttention));
  return std::make_unique<AttentionKernel>(setup);
}

KernelResult prepare_packed_attention(const KernelSpec& spec) {
  TRY(const AttentionSetup setup, AttentionSetup::make(spec, kOperandsOfPackedAttention));
  return std::make_unique<AttentionKernel>(setup);
}

}  // namespace graphrt::cpu

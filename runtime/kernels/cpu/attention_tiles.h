#pragma once

#include "runtime/kernels/cpu/prepare.h"
#include "runtime/op/attention.h"

namespace graphrt::cpu {

// What attention and its gradients share: tiles of scores, made of operands as they lie in memory.

/// Row-major floats, `stride` apart from row to row.
struct FloatRows {
  const float* data;
  int64_t stride;
  FloatRows from(int64_t row) const { return {data + row * stride, stride}; }
};
struct FloatSums {
  float* data;
  int64_t stride;
  FloatSums from(int64_t row) const { return {data + row * stride, stride}; }
};

/// Some queries of a head and some keys that they may see.
struct ScoreTile {
  int64_t batch;
  int64_t head;  ///< of queries
  int64_t first_query;
  int64_t num_queries;
  int64_t first_key;
  int64_t num_keys;
};

/// What all of attention's kernels are made for.
struct AttentionSetup {
  AttentionOperands operands;
  AttentionSizes sizes;
  AttentionTiles tiles;
  ElementType element;
  float scale;
  bool is_causal;
  ElementType mask_element = ElementType::kBool;
  MaskStrides mask_strides = {};

  /// Errors: sizes beyond what OpenBLAS takes.
  static Result<AttentionSetup> make(const KernelSpec& spec, const AttentionOperands& operands);

  /// Keys in front of this one are all that queries in front of `end_of_queries` see; may be < 1.
  int64_t end_of_keys(int64_t end_of_queries) const;
  /// How many of a tile's keys its query number `row` sees, a mask left aside: the first ones.
  int64_t num_seen(const ScoreTile& tile, int64_t row) const;

 private:
  AttentionSetup(const AttentionOperands& at, const AttentionSizes& of, ElementType type)
      : operands(at), sizes(of), tiles(of, type), element(type) {}
};

/// `num_rows` rows of one head of an operand.
struct RowsOfHead {
  int64_t first_element;  ///< of the first of them
  int64_t stride;         ///< from one to the next
  int64_t width;
  int64_t num_rows;
};
/// Those of queries, of results, and of the keys and values of the head that the queries read.
RowsOfHead query_rows(const AttentionSetup& setup, const ScoreTile& tile);
RowsOfHead result_rows(const AttentionSetup& setup, const ScoreTile& tile);
RowsOfHead key_rows(const AttentionSetup& setup, const ScoreTile& tile);
RowsOfHead value_rows(const AttentionSetup& setup, const ScoreTile& tile);

/// As floats: where they lie if that is what they are, else in `space`.
FloatRows load_head(const std::byte* operand, ElementType element, const RowsOfHead& rows,
                    float* space);
/// Rounds `sums` to the elements of the result.
void store_head(const FloatSums& sums, std::byte* result, ElementType element,
                const RowsOfHead& rows);

/// y = factor a b^T + kept y; a has `num_rows` rows and b `num_columns`, of `num_terms` floats.
void multiply_rows(const FloatRows& a, const FloatRows& b, int64_t num_rows, int64_t num_columns,
                   int64_t num_terms, float factor, float kept, const FloatSums& y);
/// y += a b, y[num_rows, num_columns].
void add_product(const FloatRows& a, const FloatRows& b, int64_t num_rows, int64_t num_columns,
                 int64_t num_terms, const FloatSums& y);
/// y += a^T b, y[num_rows, num_columns].
void add_transposed_product(const FloatRows& a, const FloatRows& b, int64_t num_rows,
                            int64_t num_columns, int64_t num_terms, const FloatSums& y);

/// What one head of keys has, as floats.
struct KeysAndValues {
  FloatRows k;
  FloatRows v;
};

/// The scores of a tile, a row of num_keys for each query; -inf where a mask hides a key. Behind
/// num_seen() they are of no use.
void make_scores(const AttentionSetup& setup, const ScoreTile& tile, const FloatRows& q,
                 const FloatRows& k, const std::byte* mask, float* scores);

/// The largest of a row. A NaN may be left out.
float largest_of(const float* x, int64_t size);
/// In an order that depends on `size` alone.
float sum_of(const float* x, int64_t size);

}  // namespace graphrt::cpu

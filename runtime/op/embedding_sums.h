#pragma once

#include <algorithm>
#include <cstdint>

namespace graphrt {

/// embedding_grad adds up the rows of an index in the order of the indices, in double, and rounds
/// to f32 after every so many indices and at the end: kernels that do so give the same bits, and
/// need no table of doubles.
inline constexpr int64_t kIndicesPerRounding = 8192;

/// A table of 16-bit elements holds no such sums: a host keeps the totals of a part of it at a time
/// in double, for all indices.
struct EmbeddingTotals {
  int64_t num_rows;
  int64_t num_columns;
  int64_t num_bytes() const { return num_rows * num_columns * int64_t{sizeof(double)}; }
};

/// The largest part of a table whose totals a host keeps at a time: 32 MiB.
inline EmbeddingTotals part_of_embedding_totals(int64_t num_rows, int64_t num_columns) {
  constexpr int64_t kMaxTotals = (int64_t{32} << 20) / int64_t{sizeof(double)};
  const int64_t columns = std::min(num_columns, kMaxTotals);
  return {std::min(num_rows, kMaxTotals / columns), columns};
}

}  // namespace graphrt

#pragma once

#include <algorithm>
#include <cstdint>

namespace graphrt {

/// Up to so many terms, a sum in f32 is right to 5e-5 at worst, all terms being equal and one added
/// after the other.
inline constexpr int64_t kMaxTermsInF32 = 8192;
/// Of longer ones, so many at a time: right to 1e-5 at worst.
inline constexpr int64_t kTermsAtOnce = 1024;

/// How a host multiplies matrices that are not all of f32, which its library alone knows: a tile of
/// the result after the other, some terms of its sums at a time, from and to f32 in scratch memory.
struct ProductTiles {
  int64_t num_rows = 0;
  int64_t num_columns = 0;
  int64_t num_terms = 0;
  bool has_totals = false;  ///< sums are made of several, and added up in double

  int64_t num_sums() const { return num_rows * num_columns; }
  /// Totals, sums, and parts of both operands, in this order; the parts are not needed where the
  /// operands are f32.
  int64_t num_bytes() const {
    const int64_t in_parts = (num_rows + num_columns) * num_terms;
    return num_sums() * (has_totals ? int64_t{sizeof(double)} : 0) +
           (num_sums() + in_parts) * int64_t{sizeof(float)};
  }
};

/// Of a product a[m, k] b[k, n]: at most 33 MiB.
inline ProductTiles tiles_of_product(int64_t m, int64_t n, int64_t k) {
  constexpr int64_t kMaxSide = 512;
  const bool has_totals = k > kMaxTermsInF32;
  return {std::min(m, kMaxSide), std::min(n, kMaxSide), has_totals ? kTermsAtOnce : k, has_totals};
}

}  // namespace graphrt

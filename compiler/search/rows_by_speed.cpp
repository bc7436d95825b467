#include "compiler/search/rows_by_speed.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace graphc {
namespace {

/// Products are computed in tiles of so many rows at most: some rows more can cost a whole tile.
constexpr int64_t kTileRows = 128;
/// Parts of fewer pieces than this would not follow the speeds.
constexpr int64_t kMinPieces = 8;

/// Rows that stay together: as many of a tile as leave equal parts possible.
int64_t piece_rows(int64_t num_rows, int64_t num_parts, int64_t smallest_part) {
  int64_t piece = kTileRows;
  while (piece > 1 && (num_rows % (piece * num_parts) != 0 || smallest_part < kMinPieces * piece)) {
    piece /= 2;
  }
  return piece;
}

/// Of single rows.
std::vector<int64_t> divide(int64_t num_rows, const std::vector<double>& times) {
  const auto num_parts = static_cast<int64_t>(times.size());
  double speed = 0;
  for (const double time : times) speed += 1 / time;
  // One row each first; what is left goes by speed.
  std::vector<int64_t> rows(times.size(), 1);
  std::vector<double> remainders;
  int64_t left = num_rows - num_parts;
  for (size_t i = 0; i < times.size(); ++i) {
    const double wanted = std::max(0.0, static_cast<double>(num_rows) / times[i] / speed - 1);
    const auto whole = std::min(left, static_cast<int64_t>(std::floor(wanted)));
    rows[i] += whole;
    left -= whole;
    remainders.push_back(wanted - static_cast<double>(whole));
  }
  std::vector<size_t> order(times.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return remainders[a] > remainders[b]; });
  for (size_t i = 0; left > 0; --left, i = (i + 1) % order.size()) ++rows[order[i]];
  return rows;
}

}  // namespace

std::vector<int64_t> rows_by_speed(int64_t num_rows, const std::vector<double>& times) {
  std::vector<int64_t> rows = divide(num_rows, times);
  const int64_t piece = piece_rows(num_rows, static_cast<int64_t>(times.size()),
                                   *std::min_element(rows.begin(), rows.end()));
  rows = divide(num_rows / piece, times);
  for (int64_t& part : rows) part *= piece;
  return rows;
}

}  // namespace graphc

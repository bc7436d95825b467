#pragma once

#include <cstdint>
#include <vector>

namespace graphc {

/// Divides `num_rows` rows so that all parts take about as long: `times[i]` is how long part i
/// would take for all of them, in any unit above 0. The largest remainders are rounded up, the
/// first of equal ones; every part has at least one row. Where the rows can be divided into equal
/// parts of whole tiles, parts are made of tiles. Requires: as many rows as parts, at least one
/// part.
std::vector<int64_t> rows_by_speed(int64_t num_rows, const std::vector<double>& times);

}  // namespace graphc

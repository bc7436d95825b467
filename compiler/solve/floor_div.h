#pragma once

#include <cstdint>

namespace graphc {

/// Rounds towards minus infinity: the period that a time lies in. Requires: divisor > 0.
constexpr int64_t floor_div(int64_t dividend, int64_t divisor) {
  const int64_t quotient = dividend / divisor;
  return dividend % divisor < 0 ? quotient - 1 : quotient;
}

}  // namespace graphc

#pragma once

#include <string_view>
#include <vector>

#include "operator_use.h"

namespace graphrt {

/// An operator on numbers that a sum in f32, one after the other, loses digits of: so many terms of
/// one sign, or squares that f32 does not hold.
struct LongSum {
  std::string_view op;
  OperatorUse use;
};

/// For every back end.
std::vector<LongSum> long_sum_uses();
/// Products, for the CPU: CUDA leaves their sums to a library, in f32.
std::vector<LongSum> long_product_uses();

}  // namespace graphrt

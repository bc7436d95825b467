#pragma once

#include <functional>

#include "compiler/solve/packing/first_fit.h"

namespace graphc {

/// How far to search.
struct OrderSearch {
  int64_t target_bytes = 0;  ///< low enough
  int64_t max_orders = 0;
  int32_t largest_step = 1;  ///< places by which a block moves forward at most
  uint32_t seed = 0;
};

/// The lowest packing among those of `order` and of the orders that follow from it: each moves what
/// ended up above the target forward by a random number of places, so that what gives trouble is
/// placed sooner. Works for any packer that goes through an order.
/// Requires: max_orders >= 1.
/// Source:   D. Joslin, D. Clements, "Squeaky wheel optimization", JAIR 10, 1999; hill climbing
/// over
///           orders around the peak is what TVM's memory planner (USMP) does.
StripPacking search_orders(const BlockOrder& order, const std::vector<int64_t>& size_bytes,
                           const OrderSearch& search,
                           const std::function<StripPacking(const BlockOrder&)>& pack_in);

}  // namespace graphc

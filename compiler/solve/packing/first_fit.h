#pragma once

#include <optional>

#include "compiler/solve/packing/strip.h"

namespace graphc {

/// Blocks in the order in which they are placed.
using BlockOrder = std::vector<int32_t>;

/// The orders of the greedy planners in use, ties by begin, then as given:
///   by size       the largest first (J. Lee et al., "On-device neural net inference with mobile
///                 GPUs", 2019, greedy by size);
///   by breadth    all that is alive in the fullest section by size, then what is left of the next
///                 fullest (the same, greedy by breadth);
///   by conflicts  the one that overlaps most others first, then by size;
///   by start      as time goes by.
std::vector<BlockOrder> greedy_orders(const Strip& strip);

/// Places blocks one by one at the lowest offset at which they fit among what is placed, gaps
/// included. Nothing, as soon as the packing would be `limit_bytes` high or higher.
/// Requires: `order` names every block once.
/// Cost:     O(blocks x blocks alive around the same time); the constant is a nanosecond or so.
std::optional<StripPacking> first_fit(const Strip& strip, const BlockOrder& order,
                                      int64_t limit_bytes);

}  // namespace graphc

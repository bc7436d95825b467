#pragma once

#include "compiler/memory/strip.h"

namespace graphc {

/// Places blocks one by one at the lowest offset at which they fit among what is placed, gaps
/// included.
/// Requires: `order` names every block once.
/// Cost:     O(blocks x blocks alive around the same time); the constant is a nanosecond or so.
StripPacking first_fit(const Strip& strip, const std::vector<int32_t>& order);

}  // namespace graphc

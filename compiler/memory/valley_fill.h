#pragma once

#include "compiler/memory/strip.h"

namespace graphc {

/// Fills the lowest valley of the skyline, the leftmost of equals, with the first block of `order`
/// that lies within it; where none does, the valley is filled up to its lower bank.
///
///   offset                  the valley is [2, 5): a block alive in [2, 5), [3, 5), ... goes there;
///     ^  +---+              if there is none, its floor rises to the bank at 5
///     |  |   |     +---+
///     |  |   +-----+   |
///     +--0---2-----5---7--> section
///
/// Requires: `order` names every block once.
/// Cost:     about O(log n) per block on what compilers and generators make; O(sqrt n) at worst.
/// Source:   T. Sekiyama et al., "Profile-guided memory optimization for deep neural networks",
///           2018, section 3.2 (best fit), after E. Burke et al., "A new placement heuristic for the
///           orthogonal stock-cutting problem", Operations Research 52(4), 2004.
StripPacking fill_valleys(const Strip& strip, const std::vector<int32_t>& order);

}  // namespace graphc

#pragma once

#include "compiler/solve/packing/first_fit.h"

namespace graphc {

/// Which blocks go before all others that lie within a valley: those that leave no narrower valleys
/// beside them. Where lives begin and end together, as those of operators in a row do, matching
/// edges are no accident.
enum class EdgeFit {
  kAny,          ///< none
  kOne,          ///< those that reach its left or its right edge
  kBoth,         ///< those that reach both
  kBothThenOne,  ///< those that reach both, then those that reach one
};

/// Fills the lowest valley of the skyline, the leftmost of equals, with the first block of `order`
/// that lies within it, those first that `fit` prefers; where none does, the valley is filled up to
/// its lower bank.
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
///           2018, section 3.2 (best fit), after E. Burke et al., "A new placement heuristic for
///           the orthogonal stock-cutting problem", Operations Research 52(4), 2004.
StripPacking fill_valleys(const Strip& strip, const BlockOrder& order, EdgeFit fit);

}  // namespace graphc

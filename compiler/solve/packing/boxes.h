#pragma once

#include <optional>

#include "compiler/solve/packing/strip.h"

namespace graphc {

/// Two nodes that move as one: blocks are the nodes 0, ..., n - 1, joint i is node n + i.
struct BoxJoint {
  int32_t first = 0;
  int32_t second = 0;
  bool is_stack = false;  ///< the second lies on the first; otherwise it follows at the same offset
};

/// A strip whose blocks are boxes, rectangles that blocks of another strip fill without a gap.
///
///     +-----------+-------+
///     |    b2     |       |      b0 and b1 have one life: a stack, which has one life with b2.
///     +-----------+       |      b3 begins where that box ends and is of its size: a relay.
///     |    b1     |  b3   |      All four are one box.
///     +-----------+       |
///     |    b0     |       |
///     +-----------+-------+
struct BoxedStrip {
  Strip strip;                   ///< of boxes; the load is that of the blocks at every time
  std::vector<int32_t> nodes;    ///< by box
  std::vector<BoxJoint> joints;  ///< those that a joint is made of come before it
};

/// Which joints come first where one makes another impossible.
enum class BoxOrder {
  kStacksFirst,  ///< relays only where no two boxes have one life
  kRelaysFirst,  ///< stacks only where no box takes over from another
};

/// Joins, for as long as there are any, boxes of one life, and boxes of one size the second of
/// which begins where the first ends. No load grows by it. What was cut right across, as a value
/// is into parts, is put together again; elsewhere joints can be wrong, and the optimum grows.
///
/// Requires: `strip` has blocks.
/// Cost:     O(n log n) a round, and rounds until nothing is joined or 64 n boxes were looked at;
///           O(n log n) in all where every round joins a share of the boxes.
/// Source:   boxes that hide blocks are those of A. Buchsbaum, H. Karloff, C. Kenyon, N. Reingold,
///           M. Thorup, "OPT versus LOAD in dynamic storage allocation", SIAM J. Comput. 33(3),
///           2004; here only such as are full.
BoxedStrip join_into_boxes(const Strip& strip, BoxOrder order);

/// The same with stacks and relays in a random order and some joints put off: of many tries, those
/// with the fewest boxes have few wrong joints. Equal seeds have equal answers everywhere.
BoxedStrip join_at_random(const Strip& strip, uint32_t seed);

/// The packing of the blocks that lie in the boxes of a packing of those.
/// Requires: `boxed` was made from `strip`.
StripPacking unboxed(const BoxedStrip& boxed, const StripPacking& packing, const Strip& strip);

}  // namespace graphc

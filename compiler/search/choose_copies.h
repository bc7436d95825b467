#pragma once

#include "compiler/search/evaluator.h"

namespace graphc {

/// The decisions with large copies in blocks (placement/split_copies.h), where that is worth it: a
/// step is shorter by 1 %, or it is not longer, one step alone is shorter, and no value needs more
/// versions. Tried are the same order, each block where the whole copy was, in which nothing waits
/// for more than before, and one that is searched for anew. Copies stay whole where memory is short
/// or time is given up for it.
///
/// Requires: copies are whole, and the decisions can be routed.
Decisions with_copy_blocks(Evaluator& evaluator, const Decisions& whole,
                           const MemoryLimits& limits);

}  // namespace graphc

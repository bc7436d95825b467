#pragma once

#include "compiler/solve/packing/strip.h"

namespace graphc {

enum class SearchEnd {
  kFound,
  kImpossible,  ///< proved: no packing of this capacity exists
  kOutOfBudget,
};

struct SearchResult {
  SearchEnd end = SearchEnd::kOutOfBudget;
  StripPacking packing;   ///< if found
  int64_t num_steps = 0;  ///< spent
};

/// Finds a packing not higher than `capacity_bytes`, or proves that there is none, in at most
/// `max_steps` steps: a step is one block looked at in one node of the search.
///
/// Depth-first over canonical packings: the block that drops lowest, above all that is placed, is
/// placed there, or passed over for good; of several, the first of a rank, or of those that reach
/// most walls. Every packing can be let down into one of these, so no other needs to be looked at.
/// Several ranks take turns with growing limits, because which one is quick differs from problem to
/// problem by orders of magnitude. Branches end early by the rules of LeastOffsets.
///
/// Source: M. Moffitt, "MiniMalloc: A Lightweight Memory Allocator for Hardware-Accelerated Machine
/// Learning", ASPLOS 2023, sections 4 and 5.
/// Cost:   O(overlaps of a block + sections x blocks in one) per node.
SearchResult search_canonical(const Strip& strip, int64_t capacity_bytes, int64_t max_steps);

}  // namespace graphc

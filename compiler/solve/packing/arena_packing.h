#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "compiler/vocabulary.h"

/// Packing buffers into one arena, as plain values: no IR, no schedule.
///
///   offset
///     ^   +---------+-----------+
///     |   |    b2   |           |      b0 and b1 are in use at the same time: a conflict.
///     |   +---------+    b1     |      b0 and b2 are not: they may share bytes.
///     |   |    b0   |           |
///     +---+---------+-----------+--> order
namespace graphc {

using RequestId = Id<struct RequestTag>;

struct PackingProblem {
  IdVector<RequestId, int64_t> size_bytes;  ///< multiples of the alignment
  /// Who must not share bytes with whom; symmetric, each list sorted.
  IdVector<RequestId, std::vector<RequestId>> conflicts;
};

struct Packing {
  IdVector<RequestId, int64_t> offset_bytes;
  int64_t arena_bytes = 0;
};

/// Places requests one by one at the lowest offset that no conflicting one takes, in several orders
/// (by size, by number of conflicts, as given); the smallest arena wins, the first of equals. Where
/// it is above packing_bound_bytes, orders that place sooner what ended up too high are tried, some
/// millions of conflicts' worth.
/// Cost: O(n log n + sum of degrees x log degree) per order.
/// `bound_bytes`: packing_bound_bytes(problem).
Packing pack(const PackingProblem& problem, int64_t bound_bytes);

/// Bytes that every packing needs: the heaviest set of mutually conflicting requests that a greedy
/// search from the most contested requests finds.
int64_t packing_bound_bytes(const PackingProblem& problem);

struct PackingViolation {
  RequestId first;
  RequestId second;  ///< equal to `first`: outside the arena
};

/// Compares all pairs, on purpose: dumber than the planner.
std::optional<PackingViolation> find_packing_violation(const PackingProblem& problem,
                                                       const Packing& packing);

}  // namespace graphc

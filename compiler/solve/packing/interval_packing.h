#pragma once

#include "compiler/solve/packing/arena_packing.h"

/// Packing buffers whose lives are intervals of one time line, as plain values.
///
///   offset
///     ^   +-----------+  +------+       b0 = [0, 4), b1 = [0, 2), b2 = [2, 6), b3 = [5, 7):
///     |   |    b1     |  |  b3  |       b2 takes the bytes of b1, b3 lies on b2
///     |   +-----+-----+--+---+--+
///     +---+-----+------------+-----> time
///
/// Sharing of bytes follows a partial order in a plan (arena_packing.h); where that order is one
/// time line, the packers here know more: they cut time where nothing is alive, they stop at the
/// largest load, and they prove what does not fit. docs/memory.md says how.
namespace graphc {

/// In use at the times begin, ..., end - 1, in any unit; not at all if end <= begin.
struct LiveInterval {
  int64_t begin = 0;
  int64_t end = 0;
};

struct IntervalRequest {
  int64_t size_bytes = 0;
  LiveInterval live;
};

struct IntervalProblem {
  IdVector<RequestId, IntervalRequest> requests;
};

/// When to stop. Budgets count what is done, never time, so that equal problems have equal answers.
struct PackingGoal {
  std::optional<int64_t> capacity_bytes;  ///< an arena of this size is small enough
  /// Blocks that the search over orders places, per range of time in which something is alive.
  int64_t max_placements = 500'000;
  /// Blocks that the exact search looks at, per such range.
  int64_t max_search_steps = 40'000'000;
};

/// Whether all sizes are at least 0 and their sum is an int64_t, so that no offset can overflow.
bool has_packable_sizes(const IntervalProblem& problem);

/// The most bytes in use at one time: no arena can be smaller.
/// Requires: has_packable_sizes(problem).
int64_t max_load_bytes(const IntervalProblem& problem);

/// A packing that is never larger than first fit by size, by breadth, by conflicts and by start
/// makes it (for up to fifty million pairs that overlap in time), and as small as the budgets
/// allow; the smallest possible one where the exact search came to its end.
/// Requires: has_packable_sizes(problem).
/// Cost:     a million requests in seconds; see docs/memory.md.
Packing pack_intervals(const IntervalProblem& problem, const PackingGoal& goal);

/// Sweeps over time and compares each request with all that are alive when it begins.
std::optional<PackingViolation> find_packing_violation(const IntervalProblem& problem,
                                                       const Packing& packing);

}  // namespace graphc

#pragma once

#include <vector>

#include "tests/bench/memory_instances.h"

namespace graphc {

/// How a packing is made into another problem that the same capacity solves.
struct Recut {
  size_t num_requests = 0;     ///< about as many are left
  int64_t unit = 1;            ///< of bytes and time: cuts are multiples of it
  size_t num_moves = 0;        ///< at least; more of them leave less of what was
  uint32_t match_percent = 0;  ///< of the moves make one life out of parts of two
  uint32_t seed = 0;
};

/// What lies in `packing` is cut across time or bytes, and pieces that meet along a whole edge are
/// made one, at random: all that is alive at a time stays where it was, so no load changes and the
/// packing's height is still enough. Pieces that meet along a part of an edge are cut to match, so
/// that lives grow across the old ends. Requests are in random order.
IntervalProblem recut_problem(const IntervalProblem& problem, const Packing& packing,
                              const Recut& recut);

/// One after the other on one time line, the second where the first ends; offsets stay.
void append_in_time(IntervalProblem& problem, Packing& packing, const IntervalProblem& other,
                    const Packing& other_packing);

/// Problems of 300 to 450 requests that `instances` become: each by itself, with few and with many
/// moves, and each with the next one. Every one fits in its capacity.
/// Requires: all have a capacity and are packed within it.
std::vector<MemoryInstance> recut_instances(const std::vector<MemoryInstance>& instances,
                                            const std::vector<Packing>& packings, uint32_t seed);

}  // namespace graphc

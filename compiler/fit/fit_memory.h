#pragma once

#include <functional>

#include "compiler/fit/memory_strategy.h"
#include "compiler/sync/synchronised.h"

namespace graphc {

/// How a placed graph does under a strategy: all stages from the rewrites to the waits.
using LowerUnder = std::function<Synchronised(const MemoryStrategy&)>;

/// Less is better: first the bytes above the limits, all devices together, then time.
struct FitScore {
  int64_t excess_bytes = 0;
  int64_t interval_ns = 0;
  int64_t latency_ns = 0;
  auto operator<=>(const FitScore&) const = default;
};

struct Fit {
  MemoryStrategy strategy;
  Synchronised synchronised;
  FitScore score;
  bool fits() const { return score.excess_bytes == 0; }
};

/// Finds a strategy that keeps every device within its limit: nothing given up if that fits, else
/// steps one after the other in an order that frees memory early, else also values that are
/// computed again or parked on the host, taken where a device is fullest, one at a time, each the
/// best of those tried. If nothing fits, the one that misses by least.
///
/// Runs after:  insert_copies, for each candidate of place.
/// Runs before: split_rows - the strategy says how to go on from there.
/// Cost:        a bounded number of lowerings, fewer for larger graphs.
/// Source:      Chen et al., "Training deep nets with sublinear memory cost", 2016 (recomputation);
///              Rhu et al., "vDNN", MICRO 2016 (values parked on the host).
Fit fit_memory(const PlacedGraph& placed, const Machine& machine, const MemoryLimits& limits,
               const LowerUnder& lower);

}  // namespace graphc

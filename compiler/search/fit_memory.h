#pragma once

#include "compiler/search/evaluator.h"

namespace graphc {

/// Less is better: first the bytes above the limits, all devices together, then time.
struct FitScore {
  int64_t excess_bytes = 0;
  int64_t interval_ns = 0;
  int64_t latency_ns = 0;
  auto operator<=>(const FitScore&) const = default;
};

struct Fit {
  Decisions decisions;
  Synchronised synchronised;
  FitScore score;
  bool fits() const { return score.excess_bytes == 0; }
};

/// Whether every value could have bytes of its own.
bool has_room_for_all(const Schedule& schedule, const MemoryLimits& limits);

/// Decides for an assignment what keeps every device within its limit: nothing given up if that
/// fits, else steps one after the other in an order that frees memory early, else also values that
/// are computed again or offloaded to the host, taken where a device is fullest, one at a time,
/// each the best of those tried. If nothing fits, what misses by least.
///
/// Requires: the assignment can be routed.
/// Cost:     a bounded number of lowerings, fewer for larger graphs.
/// Source:   Chen et al., "Training deep nets with sublinear memory cost", 2016 (computed again);
///           Rhu et al., "vDNN", MICRO 2016 (values offloaded to the host).
Fit fit_memory(Evaluator& evaluator, const Assignment& assignment, const MemoryLimits& limits);

}  // namespace graphc

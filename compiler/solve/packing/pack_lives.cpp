#include "compiler/solve/packing/pack_lives.h"

#include <algorithm>

namespace graphc {
namespace {

/// Small: a compilation under a limit packs every arena many times.
constexpr int64_t kMaxPlacements = 20'000;
constexpr int64_t kMaxSearchSteps = 500'000;

bool overlap(const LiveInterval& a, const LiveInterval& b) {
  return a.begin < b.end && b.begin < a.end;
}

bool are_conflicts_overlaps(const PackingProblem& problem,
                            const IdVector<RequestId, LiveInterval>& lives) {
  for (const RequestId a : problem.conflicts.ids()) {
    const std::vector<RequestId>& others = problem.conflicts[a];
    const bool overlaps = std::all_of(others.begin(), others.end(),
                                      [&](RequestId b) { return overlap(lives[a], lives[b]); });
    if (!overlaps) return false;
  }
  return true;
}

}  // namespace

Packing pack_lives(const IdVector<RequestId, int64_t>& size_bytes,
                   const IdVector<RequestId, LiveInterval>& lives, int64_t bound_bytes) {
  IntervalProblem intervals;
  for (const RequestId id : size_bytes.ids()) {
    intervals.requests.push_back({size_bytes[id], lives[id]});
  }
  return pack_intervals(intervals, {bound_bytes, kMaxPlacements, kMaxSearchSteps});
}

Packing pack_with_lives(const PackingProblem& problem, int64_t bound_bytes,
                        const IdVector<RequestId, LiveInterval>& lives) {
  Packing best = pack(problem, bound_bytes);
  if (best.arena_bytes <= bound_bytes || !are_conflicts_overlaps(problem, lives)) return best;
  Packing packing = pack_lives(problem.size_bytes, lives, bound_bytes);
  return packing.arena_bytes < best.arena_bytes ? packing : best;
}

}  // namespace graphc

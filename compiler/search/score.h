#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "compiler/machine/machine.h"
#include "compiler/placement/placed_graph.h"

namespace graphc {

/// What the times of a score come from.
enum class ScoreBasis : uint8_t {
  kSchedule,
  kBound,     ///< lower bounds, and even those are too long to be chosen
  kNotTried,  ///< lower bounds, or 0 where none is known: the effort was used up
};

/// How decisions do.
struct Score {
  int64_t excess_bytes = 0;  ///< above what devices may hold, all together
  int64_t interval_ns = 0;   ///< per step in the steady state
  int64_t latency_ns = 0;    ///< of one step alone; decides between equal intervals
  /// Copies between what kernels of the host and of other devices work on.
  int64_t num_host_syncs = 0;
  ScoreBasis basis = ScoreBasis::kSchedule;
  bool operator==(const Score&) const = default;
};

/// What a sync between a worker of the CPU and an accelerator takes beyond the copy, where the
/// step waits for it: a plan with 27 of them, predicted at 204 us a step, took 311 on an H200. The
/// timeline leaves it out, since it differs from machine to machine and hides behind longer steps;
/// but nothing is worth it that is better only without.
inline constexpr int64_t kHostSyncNs = 4000;

/// Copies between what kernels of the host and of other devices work on.
int64_t num_host_syncs(const PlacedGraph& placed, const Machine& machine);

/// Which of several to take, of those that were not left untried; nothing if none can be scheduled.
/// Those with the least excess count. Baseline: the shortest interval among those with the fewest
/// syncs with the host. One with k more has to be shorter than the baseline by more than k times
/// kHostSyncNs, or equal to it. The shortest interval wins; of equal ones the shortest latency, the
/// first of those that are about equal: measured figures of two devices that are alike differ in
/// their last digits, which is no reason to prefer the second.
std::optional<size_t> best_of(const std::vector<std::optional<Score>>& scores);

}  // namespace graphc

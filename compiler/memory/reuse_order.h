#pragma once

#include "compiler/memory/interval_packing.h"
#include "compiler/memory/sharing.h"

namespace graphc {

/// What may be ordered for the sake of memory.
enum class ReusePolicy : uint8_t {
  kAsEnforced,  ///< only what data and versions order anyway: no wait is added
  kAsTimed,     ///< also what the schedule predicts in that order: waits that should never be long
  kAsListed,    ///< also what could run side by side: each then waits for the other to be over
};

/// Distances between accesses under a policy, and the dependencies that enforce them.
///
/// All that a policy adds agrees with one order of all tasks of all intervals: interval after
/// interval, each in an order that lanes and dependencies keep. So whatever is chosen of it, no
/// waits can form a cycle.
class ReuseOrder {
 public:
  /// Requires: `enforced` is enforced_order(schedule); both outlive this.
  ReuseOrder(const Schedule& schedule, const HappensBefore& enforced);

  LeastDistance distances(ReusePolicy policy) const;

  /// The places in the list between the first and the last access of step 0, that of later
  /// intervals behind all of this one.
  LiveInterval listed_life(const std::vector<ValueAccess>& accesses) const;

  /// Dependencies that make `b` take turns with `a`, without those that are enforced anyway.
  std::vector<SchedulingEdge> edges_between(const std::vector<ValueAccess>& a,
                                            const std::vector<ValueAccess>& b, Turns turns) const;

 private:
  int32_t listed_distance(const ValueAccess& first, const ValueAccess& second) const;
  int32_t timed_distance(const ValueAccess& first, const ValueAccess& second) const;

  const Schedule& schedule_;
  const HappensBefore& enforced_;
  IdVector<TaskId, int32_t> place_;  ///< within an interval
};

}  // namespace graphc

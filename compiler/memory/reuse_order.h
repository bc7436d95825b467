#pragma once

#include <algorithm>

#include "compiler/memory/sharing.h"
#include "compiler/solve/packing/interval_packing.h"

namespace graphc {

/// What may be ordered for the sake of memory.
enum class ReusePolicy : uint8_t {
  kAsEnforced,  ///< only what data and versions order anyway: no wait is added
  kAsTimed,     ///< also what the schedule predicts in that order: waits that should never be long
  kAsListed,    ///< also what could run side by side: each then waits for the other to be over
};

/// On every lane, the positions of accesses that end something, in order.
using LaneEnds = IdVector<LaneId, std::vector<int32_t>>;

/// Distances between accesses under a policy, and the dependencies that enforce them.
///
/// All that a policy adds agrees with one order of all tasks of all intervals: interval after
/// interval, each in an order that lanes and dependencies keep. So whatever is chosen of it, no
/// waits can form a cycle.
class ReuseOrder {
 public:
  /// Requires: `lanes` are the schedule's, `enforced` is their enforced_order; all outlive this.
  ReuseOrder(const Schedule& schedule, const MessageLanes& lanes, const HappensBefore& enforced);

  LeastDistance distances(ReusePolicy policy) const;

  const HappensBefore& enforced() const { return enforced_; }
  size_t num_lanes() const { return lanes_.lanes().size(); }
  /// In the list of one interval.
  int64_t place(TaskId task) const { return place_[task]; }

  /// The places in the list between the first and the last access of step 0, that of later
  /// intervals behind all of this one.
  LiveInterval listed_life(const std::vector<ValueAccess>& accesses) const;

  /// The same, begun so early that of `ends` all that stand before it in the list are enforced to
  /// come before the first access. So values all of whose last accesses are among the ends, and
  /// whose lives under this do not meet in any step, are disjoint in time by the enforced order. The life of
  /// a value that may meet all others lasts for num_places() or more.
  LiveInterval enforced_life(const std::vector<ValueAccess>& accesses, const LaneEnds& ends) const;

  /// Of an interval: a life of step s + 1 is as much later than that of step s.
  int64_t num_places() const { return std::max<int64_t>(static_cast<int64_t>(place_.size()), 1); }

  /// Dependencies that make what `b` does in step s + steps wait for `a` of step s, without those
  /// that are enforced anyway. Outer accesses stand for all. `shift_bytes`: from the first byte of
  /// `a` to that of `b`.
  std::vector<SchedulingEdge> edges_between(const std::vector<ValueAccess>& a,
                                            const std::vector<ValueAccess>& b, int32_t steps,
                                            ShareKind kind, int64_t shift_bytes) const;

 private:
  int32_t listed_distance(const ValueAccess& first, const ValueAccess& second) const;
  int32_t timed_distance(const ValueAccess& first, const ValueAccess& second) const;
  int64_t enforced_begin(const ValueAccess& access, const LaneEnds& ends) const;

  const Schedule& schedule_;
  const MessageLanes& lanes_;
  const HappensBefore& enforced_;
  IdVector<TaskId, int32_t> place_;  ///< within an interval
};

}  // namespace graphc

#pragma once

#include <vector>

#include "compiler/schedule/schedule.h"
#include "runtime/proof/lane_program.h"

namespace graphc {

/// The lanes of a schedule as a plan has them. What a schedule copies from one host to another is
/// sent on that lane, and received on one of the other host; the k-th of both are a pair.
///
///   schedule   h0->h1        [ w1 -> h1/cpu ]
///   plan       h0->h1        [ sends w1 ]         may be overwritten on h0 once this has ended
///              h1 from h0    [ receives w1 ]      may be read on h1 once this has
///
/// A dependency stays on the host of what it is about: what a copy reads concerns its send, what it
/// writes its receive. So no wait crosses hosts, and what one copy at a time could do, both can:
/// each stands where it stood.
class MessageLanes {
 public:
  explicit MessageLanes(const Schedule& schedule);

  /// Those of the schedule under their numbers, and behind them those that receive.
  const IdVector<LaneId, MachineLane>& lanes() const { return lanes_; }
  /// In the order of each lane.
  const IdVector<LaneId, std::vector<TaskId>>& tasks() const { return tasks_; }
  const std::vector<LanePair>& pairs() const { return pairs_; }

  /// Where the task reads its operands, and where it writes its results.
  Position reading(TaskId task) const { return positions_[task]; }
  Position writing(TaskId task) const;

  /// Positions of what `edge` orders, on one host. Requires: an edge of the schedule, or one
  /// between two accesses to the same memory.
  Position before(const SchedulingEdge& edge) const;
  Position after(const SchedulingEdge& edge) const;

  /// With one wait for every edge; see with_all_waits.
  LaneProgram program(const Schedule& schedule, const std::vector<SchedulingEdge>& edges) const;

 private:
  HostId host_of(const SchedulingEdge& edge) const;
  Position on_host(TaskId task, HostId host) const;
  const MachineLane& lane_of(TaskId task) const { return lanes_[positions_[task].lane]; }

  IdVector<LaneId, MachineLane> lanes_;
  IdVector<LaneId, std::vector<TaskId>> tasks_;
  IdVector<LaneId, LaneId> receives_;  ///< of a lane that sends; otherwise itself
  std::vector<LanePair> pairs_;
  IdVector<TaskId, Position> positions_;  ///< of copies between hosts those that send
  int64_t message_ns_ = 0;
};

}  // namespace graphc

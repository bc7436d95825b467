#pragma once

#include <algorithm>
#include <array>
#include <iterator>
#include <vector>

#include "compiler/solve/schedule/scheduling_problem.h"

namespace graphc {

/// The times at which one lane or one shared resource is taken, as disjoint intervals [start, end)
/// that do not touch.
class Reservations {
 public:
  /// The earliest time from `ready_ns` on at which `duration_ns` are free; where many gaps in a row
  /// are too short, behind all that is taken.
  int64_t earliest_gap(int64_t ready_ns, int64_t duration_ns) const {
    int64_t start_ns = ready_ns;
    // Disjoint and sorted by start, so sorted by end, too.
    auto taken = std::upper_bound(
        taken_.begin(), taken_.end(), ready_ns,
        [](int64_t time_ns, const Interval& interval) { return time_ns < interval.end_ns; });
    for (int i = 0; taken != taken_.end() && taken->start_ns - start_ns < duration_ns; ++taken) {
      if (++i == kMaxGaps) return std::max(ready_ns, end_ns());
      start_ns = taken->end_ns;
    }
    return start_ns;
  }

  void clear() { taken_.clear(); }

  /// When nothing is taken any more.
  int64_t end_ns() const { return taken_.empty() ? 0 : taken_.back().end_ns; }

  /// Requires: the interval is free.
  void take(int64_t start_ns, int64_t duration_ns) {
    if (duration_ns == 0) return;
    const int64_t end_ns = start_ns + duration_ns;
    auto behind = std::lower_bound(
        taken_.begin(), taken_.end(), start_ns,
        [](const Interval& interval, int64_t time_ns) { return interval.start_ns < time_ns; });
    const bool touches_before = behind != taken_.begin() && std::prev(behind)->end_ns == start_ns;
    const bool touches_behind = behind != taken_.end() && behind->start_ns == end_ns;
    if (touches_before && touches_behind) {
      std::prev(behind)->end_ns = behind->end_ns;
      taken_.erase(behind);
    } else if (touches_before) {
      std::prev(behind)->end_ns = end_ns;
    } else if (touches_behind) {
      behind->start_ns = start_ns;
    } else {
      taken_.insert(behind, {start_ns, end_ns});
    }
  }

 private:
  /// Gaps that are looked at for one task.
  static constexpr int kMaxGaps = 256;

  struct Interval {
    int64_t start_ns;
    int64_t end_ns;
  };
  std::vector<Interval> taken_;
};

/// The way in which time is followed: backwards, a task's start is its end.
enum class Direction { kForwards, kBackwards };

/// All lanes and shared resources of a problem while one interval is filled in any order.
class ReservationTable {
 public:
  struct Slot {
    LaneId lane;
    int64_t start_ns = 0;
  };

  explicit ReservationTable(const SchedulingProblem& problem)
      : problem_(problem), lanes_(problem.num_lanes), resources_(problem.num_resources) {}

  /// Nothing is taken any more.
  void clear() {
    for (Reservations& lane : lanes_) lane.clear();
    for (Reservations& resource : resources_) resource.clear();
  }

  /// Takes the earliest slot for `task` from `ready_ns` on; of lanes that are equal, but for a
  /// launch that the task outweighs, the first. What lanes share is taken along.
  Slot reserve(TaskId task, int64_t ready_ns, Direction direction) {
    const SchedulingTask& spec = problem_.tasks[task];
    const LaneGroup& group = problem_.groups[spec.group];
    find_parts(spec, direction);
    Slot best{group.lanes.front(), earliest(spec, group.lanes.front(), ready_ns)};
    const int64_t tolerance_ns =
        num_parts_ > 0 && saturates_for_long(spec.cost) ? spec.cost.latency_ns : 0;
    for (const LaneId lane : group.lanes) {
      const int64_t start_ns = earliest(spec, lane, ready_ns);
      if (start_ns + tolerance_ns < best.start_ns) best = {lane, start_ns};
    }
    lanes_[best.lane].take(best.start_ns, spec.cost.duration_ns());
    for (size_t i = 0; i < num_parts_; ++i) {
      const Part& part = parts_[i];
      part.resource->take(best.start_ns + part.offset_ns, part.duration_ns);
    }
    return best;
  }

 private:
  /// For how long a task takes a resource, and how long after its start.
  struct Part {
    Reservations* resource = nullptr;
    int64_t offset_ns = 0;
    int64_t duration_ns = 0;
  };

  void find_parts(const SchedulingTask& spec, Direction direction) {
    const std::vector<SharedResourceId>& ids = problem_.groups[spec.group].resources;
    num_parts_ = 0;
    for (size_t i = 0; i < ids.size(); ++i) {
      const int64_t duration_ns = spec.cost.shared_ns[i];
      if (duration_ns == 0) continue;
      const int64_t offset_ns = direction == Direction::kForwards ? spec.cost.latency_ns
                                                                  : spec.cost.work_ns - duration_ns;
      parts_[num_parts_++] = {&resources_[ids[i]], offset_ns, duration_ns};
    }
  }

  /// `start_ns` if all resources of the task are free for it then; else a later start, before which
  /// one of them is not.
  int64_t free_from(int64_t start_ns) const {
    for (size_t i = 0; i < num_parts_; ++i) {
      const Part& part = parts_[i];
      const int64_t part_ns = start_ns + part.offset_ns;
      const int64_t free_ns = part.resource->earliest_gap(part_ns, part.duration_ns);
      if (free_ns != part_ns) return free_ns - part.offset_ns;
    }
    return start_ns;
  }

  int64_t earliest(const SchedulingTask& spec, LaneId lane, int64_t ready_ns) const {
    int64_t start_ns = lanes_[lane].earliest_gap(ready_ns, spec.cost.duration_ns());
    for (int i = 0; i < kMaxRounds; ++i) {
      const int64_t free_ns = free_from(start_ns);
      if (free_ns == start_ns) return start_ns;
      start_ns = lanes_[lane].earliest_gap(free_ns, spec.cost.duration_ns());
    }
    int64_t behind_ns = std::max(ready_ns, lanes_[lane].end_ns());
    for (size_t i = 0; i < num_parts_; ++i) {
      behind_ns = std::max(behind_ns, parts_[i].resource->end_ns() - parts_[i].offset_ns);
    }
    return behind_ns;
  }

  /// Times that lane and resources are asked in turn; then the task goes behind all others.
  static constexpr int kMaxRounds = 256;

  const SchedulingProblem& problem_;
  IdVector<LaneId, Reservations> lanes_;
  IdVector<SharedResourceId, Reservations> resources_;
  /// Of the task that is looked at.
  std::array<Part, kMaxLaneResources> parts_;
  size_t num_parts_ = 0;
};

}  // namespace graphc

#pragma once

#include <optional>
#include <vector>

#include "compiler/solve/schedule/loop.h"

namespace graphc {

/// A place in the cyclic order of a lane.
struct ModuloSlot {
  LaneId lane;
  size_t index = 0;     ///< in the lane's order, from 1 on where the lane is not empty
  int64_t turn = 0;     ///< how many intervals the task is ahead of the order's own numbering
  int64_t cost_ns = 0;  ///< how far the task, or the next on the lane, would have to give way
};

/// What it would mean to give a task a slot.
struct ModuloTrial {
  bool fits = false;
  int64_t start_ns = 0;                           ///< of the task
  int64_t raised_ns = 0;                          ///< what all others are moved by together
  std::vector<std::pair<TaskId, int64_t>> moved;  ///< to these starts
  /// If it does not fit: tasks that stand on a lane in the cycle that is too long, and by how much
  /// it is.
  std::vector<TaskId> conflicts;
  int64_t excess_ns = 0;
};

/// Lanes in cyclic order at a fixed interval, with a start for every task. Starts keep all edges
/// and lane orders at any moment; tasks without a slot only the edges:
///
///   lane 0  | a0  |  b1   |  c0 |       T = interval; a again one interval later
///   lane 1  |d1|  e0   |  d1            starts count from the start of a step: b1 starts after T
///
/// An order, unlike a table of reserved times, closes its own gaps: where a task is put in, what is
/// behind it moves, and what depends on that, exactly as far as it must. So lanes can be filled to
/// the last nanosecond.
///
/// Requires: the loop outlives it; no cycle of edges is longer than the interval allows.
/// Source:   Rau, "Iterative modulo scheduling", 1994, for placing and removing at a fixed interval;
///           Cotton and Maler, "Fast and flexible difference constraint propagation for DPLL(T)",
///           2006, section 4, for keeping starts that satisfy all constraints so far.
class ModuloLanes {
 public:
  /// No task has a slot; starts are the earliest from `start_ns` on that keep the edges.
  ModuloLanes(const Loop& loop, int64_t interval_ns, IdVector<TaskId, int64_t> start_ns);

  int64_t interval_ns() const { return interval_ns_; }
  int64_t start_ns(TaskId task) const { return start_ns_[task]; }
  bool is_placed(TaskId task) const { return places_[task].has_value(); }
  LaneId lane_of(TaskId task) const { return places_[task]->lane; }
  int64_t turn_of(TaskId task) const { return places_[task]->turn; }
  const std::vector<TaskId>& order_of(LaneId lane) const { return orders_[lane]; }
  bool has_room(TaskId task, LaneId lane) const {
    return busy_ns_[lane] + loop_->tasks[task].busy_ns <= interval_ns_;
  }
  /// Starts and edges looked at so far: what has been paid.
  int64_t work() const { return work_; }

  /// Makes the interval longer; stages and places within the interval stay.
  void set_longer_interval(int64_t interval_ns);

  /// The earliest start that edges from other tasks allow now; none if there are no such edges.
  std::optional<int64_t> earliest_ns(TaskId task) const;

  /// The slots for `task` on all its lanes, from `earliest_ns` on, the cheapest first.
  std::vector<ModuloSlot> slots_for(TaskId task, int64_t earliest_ns);

  /// The slots for a task without edges, which may start in any interval: behind every task on its
  /// lanes, in its turn. First those where the least has to give way, then those it fills the best;
  /// `earliest_ns` of a trial is the end of what it stands behind.
  std::vector<ModuloSlot> gaps_for(TaskId task);
  /// When a task in that slot can start, as far as what it stands behind lets it.
  int64_t free_ns(TaskId task, const ModuloSlot& slot) const;

  ModuloTrial trial(TaskId task, const ModuloSlot& slot, int64_t earliest_ns);

  /// Requires: `trial` is that of `slot`, fits, and nothing has changed since.
  void place(TaskId task, const ModuloSlot& slot, const ModuloTrial& trial);

  /// Gives the slot of `task` back; `kept`, a slot for another task, stays the same place.
  void remove(TaskId task, ModuloSlot& kept);

  /// The least slack of all cycles of edges and lane orders through `task`: how far it can move.
  /// None if it is on no cycle.
  std::optional<int64_t> slack_ns(TaskId task);

 private:
  struct Place {
    LaneId lane;
    size_t index = 0;
    int64_t turn = 0;
  };
  /// The task before or behind a place, with its turn as seen from there: one more or less where
  /// the order wraps around.
  struct Neighbour {
    TaskId task;
    int64_t turn = 0;
  };
  /// `to` starts no earlier than this.
  struct Demand {
    TaskId to;
    int64_t start_ns = 0;
    bool is_of_lane = false;
  };
  /// How a search from one task has reached another.
  struct Reached {
    int64_t round = -1;
    int64_t raise_ns = 0;
    TaskId from;
    bool is_by_lane = false;
    bool is_settled = false;
  };

  int64_t after_edge_ns(const SchedulingEdge& edge, int64_t from_start_ns) const {
    return from_start_ns + loop_->tasks[edge.from].duration_ns - edge.distance * interval_ns_;
  }
  int64_t behind_ns(TaskId first, int64_t first_start_ns, TaskId second, int64_t turns) const;
  std::optional<Neighbour> neighbour_before(const ModuloSlot& slot) const;
  std::optional<Neighbour> neighbour_behind(const ModuloSlot& slot) const;
  void demands_of(TaskId task, int64_t start_ns, std::vector<Demand>& demands);
  void satisfy();
  void renumber(LaneId lane, size_t from);

  const Loop* loop_;
  int64_t interval_ns_;
  IdVector<TaskId, int64_t> start_ns_;
  IdVector<TaskId, std::optional<Place>> places_;
  IdVector<LaneId, std::vector<TaskId>> orders_;
  IdVector<LaneId, int64_t> busy_ns_;
  IdVector<TaskId, std::vector<SchedulingEdge>> out_;
  IdVector<TaskId, std::vector<SchedulingEdge>> in_;
  IdVector<TaskId, Reached> reached_;
  std::vector<Demand> demands_;  ///< of the task that is looked at
  int64_t round_ = 0;
  int64_t work_ = 0;
};

}  // namespace graphc

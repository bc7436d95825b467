#pragma once

#include <cstdint>
#include <span>
#include <tuple>
#include <vector>

#include "compiler/solve/schedule/list_scheduler.h"
#include "compiler/solve/schedule/reservations.h"

namespace graphc {

/// One interval of a problem under fixed stages, prepared for being filled many times.
///
/// Requires: problem and stages outlive it; no edge points to an earlier interval.
class IntervalPasses {
 public:
  /// By task: the less, the earlier in line.
  using Keys = IdVector<TaskId, int64_t>;

  /// Where every task stands.
  struct Filled {
    IdVector<TaskId, ReservationTable::Slot> slots;
    std::vector<TaskId> order;  ///< in which the tasks got their slots
  };

  /// Results of earlier intervals arrive as in `previous_interval`.
  IntervalPasses(const SchedulingProblem& problem, const Stages& stages,
                 const SchedulingSolution& previous_interval);

  /// What a task depends on within the interval.
  std::span<const TaskId> before(TaskId task) const { return before_.of(task); }

  /// Gives every task, in the order of `keys`, the earliest slot behind what it depends on.
  /// Requires: no task has a smaller key than what it depends on, nor the same if that takes time.
  /// Cost:     O(edges + tasks x (log tasks + lanes)), as long as lanes have few gaps.
  void fill(const Keys& keys, Filled& filled);

  /// The latest starts of tasks that are packed from the end of the interval, in the order of
  /// falling ends, as times before that end; so they are below 0. They can be keys of fill.
  /// Requires: `ends_ns` of a schedule. Cost: as fill.
  void latest_starts(const Keys& ends_ns, Keys& starts_ns);

  /// After how long all of it can be repeated as it stands. Lanes that run as they can take no
  /// longer, unless what they share serves its tasks in another order then.
  int64_t period_ns(const Filled& filled) const;

  int64_t end_ns(TaskId task, const Filled& filled) const {
    return filled.slots[task].start_ns + problem_.tasks[task].cost.duration_ns();
  }

  /// The lanes in order; versions, interval and latency are not set.
  SchedulingSolution solution_of(const Filled& filled) const;

 private:
  /// What is at the far end of a task's edges within the interval, all in one list.
  struct Neighbours {
    std::vector<size_t> begins;
    std::vector<TaskId> tasks;
    std::span<const TaskId> of(TaskId task) const {
      return std::span(tasks).subspan(begins[task.index()],
                                      begins[task.index() + 1] - begins[task.index()]);
    }
  };

  Neighbours neighbours(Direction direction) const;
  IdVector<TaskId, int32_t> ranks(const Neighbours& next) const;
  void sort_by(const Keys& keys, int64_t sign, const IdVector<TaskId, int32_t>& ranks);

  const SchedulingProblem& problem_;
  const Stages& stages_;
  Neighbours before_;
  Neighbours after_;
  /// Of tasks with the same key; they rise along edges from tasks that take no time.
  IdVector<TaskId, int32_t> forward_ranks_;
  IdVector<TaskId, int32_t> backward_ranks_;
  std::vector<SchedulingEdge> edges_across_;  ///< to later intervals, with distances in intervals
  Keys ready_ns_;
  ReservationTable table_;
  std::vector<std::tuple<int64_t, int32_t, TaskId>> sorted_;
};

}  // namespace graphc

#pragma once

#include <vector>

#include "compiler/solve/schedule/list_scheduler.h"
#include "compiler/solve/schedule/ready_tasks.h"

namespace graphc {

/// A task whose predecessors are all placed, with the lane it would take and when.
struct Candidate {
  TaskId task;
  LaneId lane;
  int64_t start_ns = 0;
  int64_t path_ns = 0;
  bool opens_overlap = false;
  int32_t name_rank = 0;
};

struct Pick {
  Candidate candidate;
  Reason reason = Reason::kOnlyReady;
};

/// The candidate that goes first, by choose() in the .cpp, and the decision that mattered.
/// Requires: at least one candidate.
Pick pick_first(const SchedulingProblem& problem, const std::vector<Candidate>& candidates);

/// One interval while it is filled: what stands on the lanes so far, and what can stand next.
class PartialSchedule {
 public:
  /// Only edges within the interval hold a task back, and, when `previous_interval` is given,
  /// results of earlier intervals that arrive after this one began.
  PartialSchedule(const SchedulingProblem& problem, const Stages& stages,
                  const SchedulingSolution* previous_interval);

  /// Whether no task is left all predecessors of which are placed.
  bool is_over() const { return ready_.empty(); }
  /// Of those, the ones to choose from (ready_tasks.h).
  std::vector<TaskId> contenders() const { return ready_.contenders(); }
  bool is_ready(TaskId task) const { return num_waiting_[task] == 0 && !is_placed_[task]; }

  /// Where a ready task can start earliest.
  Candidate candidate_for(TaskId task) const;

  /// Places a ready task; `chosen.start_ns` may be later than candidate_for said. Gives its end.
  int64_t start(const Candidate& chosen, Reason reason);

  SchedulingSolution take() && { return std::move(solution_); }

 private:
  void add_edge(const SchedulingEdge& edge, const SchedulingSolution* previous);
  void keep_queued(Candidate& candidate) const;
  ReadyTasks::Entry entry_of(TaskId task) const;

  const SchedulingProblem& problem_;
  const Stages& stages_;
  IdVector<TaskId, int64_t> path_ns_;
  IdVector<TaskId, std::vector<TaskId>> out_;
  IdVector<TaskId, int32_t> num_waiting_;
  IdVector<TaskId, int64_t> ready_ns_;
  IdVector<LaneId, int64_t> lane_free_;
  IdVector<SharedResourceId, int64_t> resource_free_;
  IdVector<TaskId, bool> is_placed_;
  ReadyTasks ready_;
  SchedulingSolution solution_;
};

}  // namespace graphc

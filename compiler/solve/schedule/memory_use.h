#pragma once

#include <vector>

#include "compiler/solve/schedule/memory_demand.h"

namespace graphc {

/// A scheduling problem as seen by one who executes it one task after the other: what must come
/// before what, and what every task touches. It is its own mirror image in time.
struct OrderProblem {
  MemoryDemand demand;
  IdVector<MemoryId, int64_t> budget_bytes;
  IdVector<TaskId, std::vector<TaskId>>
      before;  ///< by edges of distance 0, each task once, by name
  IdVector<TaskId, std::vector<TaskId>> after;
  IdVector<TaskId, std::vector<DemandId>> touched;  ///< values written or read, each once
  IdVector<DemandId, int32_t> num_touching;         ///< tasks that touch a value
  IdVector<TaskId, int32_t> name_rank;
};

OrderProblem order_problem(const SchedulingProblem& problem, const MemoryDemand& demand,
                           const IdVector<MemoryId, int64_t>& budget_bytes);

/// The same problem with time running backwards: its orders are the orders of `problem` from the
/// last to the first, and they need the same memory.
OrderProblem reversed(OrderProblem problem);

/// How full the memories are while tasks start and end. Copies are cheap enough to try things on;
/// to undo is cheaper.
///
/// Requires: the problem outlives it.
class MemoryUse {
 public:
  explicit MemoryUse(const OrderProblem& problem)
      : problem_(&problem),
        used_bytes_(problem.demand.always_bytes),
        num_started_(problem.demand.values.size(), 0),
        num_left_(problem.num_touching) {}

  void start(TaskId task) {
    for (const DemandId id : problem_->touched[task]) {
      if (num_started_[id]++ == 0) used_bytes_[memory(id)] += size_bytes(id);
    }
  }
  void end(TaskId task) {
    for (const DemandId id : problem_->touched[task]) {
      if (--num_left_[id] == 0) used_bytes_[memory(id)] -= size_bytes(id);
    }
  }
  /// Requires: `task` is the last that started.
  void undo_start(TaskId task) {
    for (const DemandId id : problem_->touched[task]) {
      if (--num_started_[id] == 0) used_bytes_[memory(id)] -= size_bytes(id);
    }
  }
  /// Requires: `task` is the last that ended.
  void undo_end(TaskId task) {
    for (const DemandId id : problem_->touched[task]) {
      if (num_left_[id]++ == 0) used_bytes_[memory(id)] += size_bytes(id);
    }
  }

  const IdVector<MemoryId, int64_t>& used_bytes() const { return used_bytes_; }
  /// What all memories together hold above their budgets.
  int64_t excess_bytes() const;
  bool is_allocated(DemandId id) const { return num_started_[id] > 0 && num_left_[id] > 0; }
  int32_t num_left(DemandId id) const { return num_left_[id]; }

 private:
  MemoryId memory(DemandId id) const { return problem_->demand.values[id].memory; }
  int64_t size_bytes(DemandId id) const { return problem_->demand.values[id].size_bytes; }

  const OrderProblem* problem_;
  IdVector<MemoryId, int64_t> used_bytes_;
  IdVector<DemandId, int32_t> num_started_;
  IdVector<DemandId, int32_t> num_left_;
};

/// What an order needs, the less the better: first that it keeps within the budgets.
struct OrderCost {
  int64_t excess_bytes = 0;  ///< peaks above the budgets, all memories together
  int64_t peak_bytes = 0;    ///< peaks, all memories together
  int64_t num_fullest = 0;   ///< tasks at which a memory is at its peak
  auto operator<=>(const OrderCost&) const = default;
};

/// The peak of every memory when tasks run one after the other.
IdVector<MemoryId, int64_t> peaks_of(const OrderProblem& problem, const std::vector<TaskId>& order);
OrderCost cost_of(const OrderProblem& problem, const std::vector<TaskId>& order);

}  // namespace graphc

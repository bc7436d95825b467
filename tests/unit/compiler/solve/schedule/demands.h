#pragma once

#include <algorithm>
#include <limits>
#include <random>
#include <string>

#include "compiler/solve/schedule/memory_demand.h"
#include "tests/unit/compiler/solve/schedule/problems.h"

namespace graphc {

using Budgets = IdVector<MemoryId, int64_t>;

inline Budgets unlimited(const MemoryDemand& demand) {
  return Budgets(demand.always_bytes.size(), std::numeric_limits<int64_t>::max());
}

/// A scheduling problem and what it needs memory for, written down together.
class DemandBuilder : public ProblemBuilder {
 public:
  MemoryId memory(int64_t always_bytes = 0) { return demand_.always_bytes.push_back(always_bytes); }

  /// `size_bytes` that `writers` write and `readers` read, with the edges.
  void holds(MemoryId memory, int64_t size_bytes, const std::vector<TaskId>& writers,
             const std::vector<TaskId>& readers) {
    demand_.values.push_back({memory, size_bytes, writers, readers});
    for (const TaskId writer : writers) {
      for (const TaskId reader : readers) edge(writer, reader);
    }
  }

  const MemoryDemand& demand() const { return demand_; }

 private:
  MemoryDemand demand_;
};

/// What random_problem(seed) could need in two memories: every value, some written by two tasks.
inline MemoryDemand random_demand(const SchedulingProblem& problem, unsigned seed) {
  std::mt19937 random(seed);
  const auto below = [&](size_t limit) { return static_cast<size_t>(random()) % limit; };
  MemoryDemand demand;
  demand.always_bytes = Budgets(2, 0);
  demand.always_bytes[MemoryId(1)] = static_cast<int64_t>(below(10));
  for (const TaskId task : problem.tasks.ids()) {
    DemandedValue value{MemoryId(below(2)), static_cast<int64_t>(1 + below(20)), {task}, {}};
    for (const VersionedRead& read : problem.values[VersionedId(task.value())].reads) {
      value.readers.push_back(read.task);
    }
    if (!value.readers.empty() && below(4) == 0) value.writers.push_back(value.readers.front());
    demand.values.push_back(value);
  }
  return demand;
}

/// The same with other ids: task i is task `renumbered[i]` there.
inline SchedulingProblem renumbered_problem(const SchedulingProblem& problem,
                                            const std::vector<TaskId>& renumbered) {
  SchedulingProblem other = problem;
  const auto moved = [&](TaskId task) { return renumbered[task.index()]; };
  for (const TaskId task : problem.tasks.ids()) other.tasks[moved(task)] = problem.tasks[task];
  for (SchedulingEdge& edge : other.edges) {
    edge.from = moved(edge.from);
    edge.to = moved(edge.to);
  }
  for (VersionedValue& value : other.values) {
    for (VersionedRead& read : value.reads) {
      read.task = moved(read.task);
      read.writer = moved(read.writer);
    }
  }
  std::reverse(other.edges.begin(), other.edges.end());
  return other;
}

inline MemoryDemand renumbered_demand(const MemoryDemand& demand,
                                      const std::vector<TaskId>& renumbered) {
  MemoryDemand other = demand;
  for (DemandedValue& value : other.values) {
    for (TaskId& task : value.writers) task = renumbered[task.index()];
    for (TaskId& task : value.readers) task = renumbered[task.index()];
  }
  std::reverse(other.values.begin(), other.values.end());
  return other;
}

inline std::vector<TaskId> shuffled_tasks(size_t num_tasks, unsigned seed) {
  std::vector<TaskId> tasks;
  for (size_t i = 0; i < num_tasks; ++i) tasks.push_back(TaskId(i));
  std::mt19937 random(seed);
  for (size_t i = num_tasks; i > 1; --i) std::swap(tasks[i - 1], tasks[random() % i]);
  return tasks;
}

/// Every task runs alone, for 1 ns each, in this order.
inline SchedulingSolution one_by_one(const std::vector<TaskId>& order) {
  SchedulingSolution solution;
  solution.tasks = IdVector<TaskId, ScheduledTask>(order.size());
  solution.lanes = IdVector<LaneId, std::vector<TaskId>>(1);
  solution.lanes[LaneId(0)] = order;
  for (size_t i = 0; i < order.size(); ++i) {
    solution.tasks[order[i]].start_ns = static_cast<int64_t>(i);
    solution.tasks[order[i]].end_ns = static_cast<int64_t>(i) + 1;
  }
  return solution;
}

/// The peak of every memory, looked for at every start time on its own.
inline Budgets sampled_peaks(const MemoryDemand& demand, const SchedulingSolution& solution) {
  Budgets peaks = demand.always_bytes;
  for (const ScheduledTask& sample : solution.tasks) {
    Budgets used = demand.always_bytes;
    for (const DemandedValue& value : demand.values) {
      int64_t start_ns = std::numeric_limits<int64_t>::max();
      int64_t end_ns = 0;
      for (const TaskId task : value.writers) {
        start_ns = std::min(start_ns, solution.tasks[task].start_ns);
        end_ns = std::max(end_ns, solution.tasks[task].end_ns);
      }
      for (const TaskId task : value.readers) {
        end_ns = std::max(end_ns, solution.tasks[task].end_ns);
      }
      if (start_ns <= sample.start_ns && sample.start_ns < end_ns) {
        used[value.memory] += value.size_bytes;
      }
    }
    for (const MemoryId memory : peaks.ids()) {
      peaks[memory] = std::max(peaks[memory], used[memory]);
    }
  }
  return peaks;
}

}  // namespace graphc

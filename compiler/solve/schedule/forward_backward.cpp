#include "compiler/solve/schedule/forward_backward.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "compiler/solve/schedule/reservations.h"

namespace graphc {
namespace {

/// Edges within the interval, by the task at their far end in the direction of the pass.
using Adjacency = IdVector<TaskId, std::vector<TaskId>>;

/// How many tasks that take no time come before a task without a break, at the most: what ends when
/// it begins cannot be told from it by time. `next[task]` is what comes after it in this direction.
IdVector<TaskId, int32_t> timeless_depths(const SchedulingProblem& problem, const Adjacency& next) {
  IdVector<TaskId, int32_t> depths(problem.tasks.size(), 0);
  std::vector<TaskId> open;
  for (const TaskId task : problem.tasks.ids()) {
    if (problem.tasks[task].cost.duration_ns() == 0) open.push_back(task);
  }
  // Edges within an interval form no cycle, so this ends; each pass settles one more of a chain.
  while (!open.empty()) {
    std::vector<TaskId> raised;
    for (const TaskId task : open) {
      for (const TaskId after : next[task]) {
        if (depths[after] > depths[task]) continue;
        depths[after] = depths[task] + 1;
        if (problem.tasks[after].cost.duration_ns() == 0) raised.push_back(after);
      }
    }
    open = std::move(raised);
  }
  return depths;
}

/// By key; of equal ones, what waits for others that take no time stands behind them.
std::vector<TaskId> sorted_tasks(const SchedulingProblem& problem,
                                 const IdVector<TaskId, int64_t>& key_ns, const Adjacency& next) {
  const IdVector<TaskId, int32_t> depths = timeless_depths(problem, next);
  std::vector<TaskId> order;
  for (const TaskId task : problem.tasks.ids()) order.push_back(task);
  std::sort(order.begin(), order.end(), [&](TaskId a, TaskId b) {
    return std::tuple(key_ns[a], depths[a], problem.tasks[a].name_rank) <
           std::tuple(key_ns[b], depths[b], problem.tasks[b].name_rank);
  });
  return order;
}

/// Latest starts, as times before the end of the interval (so a larger one is more urgent).
IdVector<TaskId, int64_t> urgency_ns(const SchedulingProblem& problem, const Stages& stages,
                                     const SchedulingSolution& solution) {
  Adjacency after(problem.tasks.size());
  Adjacency before(problem.tasks.size());
  for (const SchedulingEdge& edge : problem.edges) {
    if (interval_distance(edge, stages) != 0) continue;
    after[edge.from].push_back(edge.to);
    before[edge.to].push_back(edge.from);
  }
  IdVector<TaskId, int64_t> urgency(problem.tasks.size(), 0);
  ReservationTable table(problem);  // in reversed time
  IdVector<TaskId, int64_t> minus_end_ns;
  for (const ScheduledTask& task : solution.tasks) minus_end_ns.push_back(-task.end_ns);
  const auto latest_first = sorted_tasks(problem, minus_end_ns, before);
  for (const TaskId task : latest_first) {
    const TaskCost& cost = problem.tasks[task].cost;
    int64_t end_ns = 0;
    for (const TaskId next : after[task]) end_ns = std::max(end_ns, urgency[next]);
    const int64_t shared_offset_ns = cost.work_ns - cost.shared_ns;
    urgency[task] = table.reserve(task, end_ns, shared_offset_ns).start_ns + cost.duration_ns();
  }
  return urgency;
}

class ForwardPass {
 public:
  ForwardPass(const SchedulingProblem& problem, const Stages& stages,
              const SchedulingSolution& previous)
      : problem_(problem),
        stages_(stages),
        before_(problem.tasks.size()),
        ready_ns_(problem.tasks.size(), 0),
        table_(problem) {
    solution_.tasks = IdVector<TaskId, ScheduledTask>(problem.tasks.size());
    solution_.lanes = IdVector<LaneId, std::vector<TaskId>>(problem.num_lanes);
    for (const SchedulingEdge& edge : problem.edges) {
      const int32_t distance = interval_distance(edge, stages);
      if (distance == 0) {
        before_[edge.to].push_back(edge.from);
        continue;
      }
      const int64_t arrival_ns = previous.tasks[edge.from].end_ns - distance * previous.interval_ns;
      ready_ns_[edge.to] = std::max(ready_ns_[edge.to], arrival_ns);
    }
  }

  SchedulingSolution run(const std::vector<TaskId>& order) {
    for (const TaskId task : order) insert(task);
    for (auto& lane : solution_.lanes) {
      std::stable_sort(lane.begin(), lane.end(), [&](TaskId a, TaskId b) {
        const ScheduledTask& first = solution_.tasks[a];
        const ScheduledTask& second = solution_.tasks[b];
        return std::pair(first.start_ns, first.end_ns) < std::pair(second.start_ns, second.end_ns);
      });
    }
    return std::move(solution_);
  }

 private:
  void insert(TaskId task) {
    const TaskCost& cost = problem_.tasks[task].cost;
    int64_t ready_ns = ready_ns_[task];
    for (const TaskId other : before_[task]) {
      ready_ns = std::max(ready_ns, solution_.tasks[other].end_ns);
    }
    const auto slot = table_.reserve(task, ready_ns, cost.latency_ns);
    solution_.tasks[task] = {slot.lane, stages_[task], slot.start_ns,
                             slot.start_ns + cost.duration_ns(), Reason::kLeastSlack};
    solution_.lanes[slot.lane].push_back(task);
  }

  const SchedulingProblem& problem_;
  const Stages& stages_;
  Adjacency before_;
  IdVector<TaskId, int64_t> ready_ns_;
  ReservationTable table_;
  SchedulingSolution solution_;
};

}  // namespace

SchedulingSolution forward_backward(const SchedulingProblem& problem, const Stages& stages,
                                    const SchedulingSolution& solution,
                                    const SchedulingSolution& previous_interval) {
  IdVector<TaskId, int64_t> minus_urgency_ns = urgency_ns(problem, stages, solution);
  for (int64_t& urgency : minus_urgency_ns) urgency = -urgency;
  Adjacency after(problem.tasks.size());
  for (const SchedulingEdge& edge : problem.edges) {
    if (interval_distance(edge, stages) == 0) after[edge.from].push_back(edge.to);
  }
  const auto most_urgent_first = sorted_tasks(problem, minus_urgency_ns, after);
  return ForwardPass(problem, stages, previous_interval).run(most_urgent_first);
}

}  // namespace graphc

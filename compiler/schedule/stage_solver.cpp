#include "compiler/schedule/stage_solver.h"

#include <algorithm>
#include <queue>

namespace graphc {
namespace {

using Adjacency = IdVector<TaskId, std::vector<TaskId>>;

/// All tasks, each after what can be reached from it, but for cycles.
std::vector<TaskId> in_postorder(const Adjacency& next) {
  struct Visit {
    TaskId task;
    size_t num_done = 0;
  };
  std::vector<TaskId> order;
  IdVector<TaskId, bool> is_seen(next.size(), false);
  for (const TaskId root : next.ids()) {
    if (is_seen[root]) continue;
    is_seen[root] = true;
    std::vector<Visit> path = {{root}};
    while (!path.empty()) {
      Visit& visit = path.back();
      if (visit.num_done == next[visit.task].size()) {
        order.push_back(visit.task);
        path.pop_back();
        continue;
      }
      const TaskId to = next[visit.task][visit.num_done++];
      if (is_seen[to]) continue;
      is_seen[to] = true;
      path.push_back({to});
    }
  }
  return order;
}

/// A number for every task, the same for those that are on a cycle together.
IdVector<TaskId, int32_t> components_of(const SchedulingProblem& problem) {
  Adjacency next(problem.tasks.size());
  Adjacency previous(problem.tasks.size());
  for (const SchedulingEdge& edge : problem.edges) {
    next[edge.from].push_back(edge.to);
    previous[edge.to].push_back(edge.from);
  }
  IdVector<TaskId, int32_t> component(problem.tasks.size(), -1);
  std::vector<TaskId> roots = in_postorder(next);
  std::reverse(roots.begin(), roots.end());
  int32_t num_components = 0;
  for (const TaskId root : roots) {
    if (component[root] >= 0) continue;
    std::vector<TaskId> found = {root};
    component[root] = num_components;
    for (size_t i = 0; i < found.size(); ++i) {
      for (const TaskId from : previous[found[i]]) {
        if (component[from] >= 0) continue;
        component[from] = num_components;
        found.push_back(from);
      }
    }
    ++num_components;
  }
  return component;
}

}  // namespace

std::vector<SchedulingEdge> edges_on_cycles(const SchedulingProblem& problem) {
  const auto component = components_of(problem);
  std::vector<SchedulingEdge> edges;
  for (const SchedulingEdge& edge : problem.edges) {
    if (component[edge.from] == component[edge.to]) edges.push_back(edge);
  }
  return edges;
}

std::optional<Stages> lowest_stages(const SchedulingProblem& problem,
                                    const IdVector<TaskId, int64_t>& start_ns,
                                    int64_t interval_ns) {
  struct Step {
    TaskId to;
    int32_t stages = 0;
  };
  IdVector<TaskId, std::vector<Step>> steps(problem.tasks.size());
  for (const SchedulingEdge& edge : problem.edges) {
    const int64_t late_ns =
        start_ns[edge.from] + problem.tasks[edge.from].cost.duration_ns() - start_ns[edge.to];
    // Starts lie within the interval: an early end is early by less than one.
    const int64_t intervals = late_ns <= 0 ? 0 : (late_ns + interval_ns - 1) / interval_ns;
    steps[edge.from].push_back({edge.to, static_cast<int32_t>(intervals) - edge.distance});
  }
  Stages stages(problem.tasks.size(), 0);
  IdVector<TaskId, size_t> num_steps(problem.tasks.size(), 0);  // on the path to a task
  std::queue<TaskId> raised;
  IdVector<TaskId, bool> is_queued(problem.tasks.size(), true);
  for (const TaskId task : problem.tasks.ids()) raised.push(task);
  while (!raised.empty()) {
    const TaskId from = raised.front();
    raised.pop();
    is_queued[from] = false;
    for (const Step& step : steps[from]) {
      if (stages[step.to] >= stages[from] + step.stages) continue;
      stages[step.to] = stages[from] + step.stages;
      num_steps[step.to] = num_steps[from] + 1;
      if (num_steps[step.to] > problem.tasks.size()) return std::nullopt;
      if (!is_queued[step.to]) raised.push(step.to);
      is_queued[step.to] = true;
    }
  }
  return stages;
}

}  // namespace graphc

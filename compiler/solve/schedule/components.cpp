#include "compiler/solve/schedule/components.h"

#include <algorithm>

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

}  // namespace

Components components_of(size_t num_tasks, const std::vector<SchedulingEdge>& edges) {
  Adjacency next(num_tasks);
  Adjacency previous(num_tasks);
  for (const SchedulingEdge& edge : edges) {
    next[edge.from].push_back(edge.to);
    previous[edge.to].push_back(edge.from);
  }
  Components components{IdVector<TaskId, int32_t>(num_tasks, -1), 0};
  auto& component = components.of;
  std::vector<TaskId> roots = in_postorder(next);
  std::reverse(roots.begin(), roots.end());
  for (const TaskId root : roots) {
    if (component[root] >= 0) continue;
    std::vector<TaskId> found = {root};
    const auto number = static_cast<int32_t>(components.count++);
    component[root] = number;
    for (size_t i = 0; i < found.size(); ++i) {
      for (const TaskId from : previous[found[i]]) {
        if (component[from] >= 0) continue;
        component[from] = number;
        found.push_back(from);
      }
    }
  }
  return components;
}

std::vector<SchedulingEdge> edges_on_cycles(const SchedulingProblem& problem) {
  const auto component = components_of(problem.tasks.size(), problem.edges).of;
  std::vector<SchedulingEdge> edges;
  for (const SchedulingEdge& edge : problem.edges) {
    if (component[edge.from] == component[edge.to]) edges.push_back(edge);
  }
  return edges;
}

}  // namespace graphc

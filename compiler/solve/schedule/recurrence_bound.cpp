#include "compiler/solve/schedule/recurrence_bound.h"

#include <algorithm>
#include <optional>

#include "compiler/solve/schedule/components.h"
#include "compiler/solve/topological_order.h"

namespace graphc {
namespace {

/// Ranks of tasks: along edges of distance 0 they rise.
IdVector<TaskId, size_t> ranks_within_step(size_t num_tasks,
                                           const std::vector<SchedulingEdge>& edges) {
  std::vector<std::vector<size_t>> reads(num_tasks);
  for (const SchedulingEdge& edge : edges) {
    if (edge.distance == 0) reads[edge.to.index()].push_back(edge.from.index());
  }
  const std::vector<size_t> order = sort_topologically(reads).order;
  CHECK(order.size() == num_tasks, "edges of distance 0 must form no cycle");
  IdVector<TaskId, size_t> ranks(num_tasks, 0);
  for (size_t i = 0; i < order.size(); ++i) ranks[TaskId(order[i])] = i;
  return ranks;
}

/// The edges of one component, in the order in which paths are lengthened.
struct Component {
  std::vector<TaskId> tasks;
  std::vector<SchedulingEdge> edges;
};

std::vector<Component> cyclic_components(const SchedulingProblem& problem) {
  const size_t num_tasks = problem.tasks.size();
  std::vector<SchedulingEdge> edges = problem.edges;
  std::erase_if(edges, [](const SchedulingEdge& edge) { return edge.is_storage; });
  const Components numbered = components_of(num_tasks, edges);
  std::vector<Component> components(numbered.count);
  for (const TaskId task : problem.tasks.ids()) {
    components[static_cast<size_t>(numbered.of[task])].tasks.push_back(task);
  }
  for (const SchedulingEdge& edge : edges) {
    if (numbered.of[edge.from] != numbered.of[edge.to]) continue;
    components[static_cast<size_t>(numbered.of[edge.from])].edges.push_back(edge);
  }
  std::erase_if(components, [](const Component& component) { return component.edges.empty(); });

  const auto ranks = ranks_within_step(num_tasks, edges);
  for (Component& component : components) {
    std::stable_sort(component.edges.begin(), component.edges.end(),
                     [&](const SchedulingEdge& a, const SchedulingEdge& b) {
                       const bool a_is_later = a.distance > 0;
                       const bool b_is_later = b.distance > 0;
                       if (a_is_later != b_is_later) return b_is_later;
                       return ranks[a.from] < ranks[b.from];
                     });
  }
  return components;
}

class RecurrenceSearch {
 public:
  RecurrenceSearch(const SchedulingProblem& problem, int64_t least_ns)
      : problem_(problem),
        longest_{least_ns, {}},
        path_ns_(problem.tasks.size(), 0),
        last_edge_(problem.tasks.size(), nullptr),
        seen_from_(problem.tasks.size()) {}

  void search(const Component& component) {
    while (const auto longer = longer_recurrence(component)) longest_ = *longer;
  }

  Recurrence take() && { return std::move(longest_); }

 private:
  int64_t weight_ns(const SchedulingEdge& edge) const {
    return problem_.tasks[edge.from].cost.duration_ns() - longest_.interval_ns * edge.distance;
  }

  /// A recurrence that is too long for the interval so far; none if there is none.
  std::optional<Recurrence> longer_recurrence(const Component& component) {
    for (const TaskId task : component.tasks) {
      path_ns_[task] = 0;
      last_edge_[task] = nullptr;
    }
    // Without a cycle in the links, paths have no edge twice: they end after as many rounds.
    while (lengthen_paths(component)) {
      if (auto recurrence = longest_cycle_of_links(component)) return recurrence;
    }
    return std::nullopt;
  }

  bool lengthen_paths(const Component& component) {
    bool is_longer = false;
    for (const SchedulingEdge& edge : component.edges) {
      const int64_t longer_ns = path_ns_[edge.from] + weight_ns(edge);
      if (longer_ns <= path_ns_[edge.to]) continue;
      path_ns_[edge.to] = longer_ns;
      last_edge_[edge.to] = &edge;
      is_longer = true;
    }
    return is_longer;
  }

  std::optional<Recurrence> longest_cycle_of_links(const Component& component) {
    std::optional<Recurrence> longest;
    for (const TaskId task : component.tasks) seen_from_[task].reset();
    for (const TaskId start : component.tasks) {
      TaskId at = start;
      while (!seen_from_[at] && last_edge_[at] != nullptr) {
        seen_from_[at] = start;
        at = last_edge_[at]->from;
      }
      if (last_edge_[at] == nullptr || seen_from_[at] != start) continue;
      Recurrence recurrence = recurrence_through(at);
      if (!longest || recurrence.interval_ns > longest->interval_ns) longest = recurrence;
    }
    return longest;
  }

  Recurrence recurrence_through(TaskId task) const {
    Recurrence recurrence;
    int64_t duration_ns = 0;
    int64_t distance = 0;
    TaskId at = task;
    do {
      recurrence.cycle.push_back(at);
      duration_ns += problem_.tasks[at].cost.duration_ns();
      distance += last_edge_[at]->distance;
      at = last_edge_[at]->from;
    } while (at != task);
    std::reverse(recurrence.cycle.begin(), recurrence.cycle.end());
    recurrence.interval_ns = (duration_ns + distance - 1) / distance;
    return recurrence;
  }

  const SchedulingProblem& problem_;
  Recurrence longest_;
  IdVector<TaskId, int64_t> path_ns_;                  // the longest one found that ends there
  IdVector<TaskId, const SchedulingEdge*> last_edge_;  // of it
  IdVector<TaskId, std::optional<TaskId>> seen_from_;
};

}  // namespace

Recurrence longest_recurrence(const SchedulingProblem& problem, int64_t least_ns) {
  RecurrenceSearch search(problem, least_ns);
  for (const Component& component : cyclic_components(problem)) search.search(component);
  return std::move(search).take();
}

}  // namespace graphc

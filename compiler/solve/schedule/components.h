#pragma once

#include "compiler/solve/schedule/scheduling_problem.h"

namespace graphc {

/// Strongly connected components: tasks have the same number that are on a cycle of edges together.
struct Components {
  IdVector<TaskId, int32_t> of;
  size_t count = 0;
};

/// Cost:   O(tasks + edges).
/// Source: Kosaraju's algorithm, in Aho, Hopcroft and Ullman, "Data structures and algorithms",
///         1983.
Components components_of(size_t num_tasks, const std::vector<SchedulingEdge>& edges);

/// The edges that lie on a cycle. Whatever the interval and the order of lanes, all others can be
/// kept: what they end at goes to a later stage.
/// Cost: O(tasks + edges).
std::vector<SchedulingEdge> edges_on_cycles(const SchedulingProblem& problem);

}  // namespace graphc

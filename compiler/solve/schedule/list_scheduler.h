#pragma once

#include "compiler/solve/schedule/scheduling_problem.h"

namespace graphc {

/// A stage for every task; tasks of different stages work on different steps of one interval.
using Stages = IdVector<TaskId, int32_t>;

/// Intervals between `edge.from` and `edge.to` under these stages. Legal stages give none below 0.
inline int32_t interval_distance(const SchedulingEdge& edge, const Stages& stages) {
  return edge.distance + stages[edge.to] - stages[edge.from];
}

/// The length of the longest path of edges of distance 0 that starts with each task, itself
/// included: the priority of list scheduling.
/// Requires: edges of distance 0 form no cycle.
IdVector<TaskId, int64_t> longest_paths_ns(const SchedulingProblem& problem);

/// Orders one interval: whenever a lane is free, the first of the tasks that can start earliest, by
/// pick_first(), gets it. Only edges within the interval hold a task back, and, when
/// `previous_interval` is given, results of earlier intervals that arrive after this one began.
///
/// Ensures: on each lane, tasks of edges of interval distance 0 are in order.
/// Cost:    O((tasks + edges) x ready tasks).
SchedulingSolution list_schedule(const SchedulingProblem& problem, const Stages& stages,
                                 const SchedulingSolution* previous_interval = nullptr);

}  // namespace graphc

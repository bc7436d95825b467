#pragma once

#include <optional>

#include "compiler/solve/schedule/list_scheduler.h"

namespace graphc {

/// A schedule of one interval, in the stages of `known`, that can be repeated as it stands in less
/// than `known.interval_ns`; none if the search finds none. It ends at `bound_ns`.
///
///   lane 0  [ 3 ][ 2][ 2]    the longest first: 7        lane 0  [ 3 ][ 3 ]     6
///   lane 1  [ 3 ][ 2]                                    lane 1  [ 2][ 2][ 2]
///
/// Tasks are filled in by priorities, that is by latest starts of the schedule so far, some of which
/// are disturbed at random; each such schedule is improved forwards and backwards, and goes on as
/// the next start where it is no longer. Where that has not helped for a while, another start is
/// made; where the first schedules are far from `known`, the search is given up. What is random is counted from a fixed seed: the same problem, the same schedule.
///
/// Start times are set; the interval, versions and latency are not.
///
/// Cost:   `max_placements` times placing a task on its lanes, about 80 ns each.
/// Source: Kolisch and Hartmann, "Experimental investigation of heuristics for resource-constrained
///         project scheduling: an update", 2006, sections 2 and 3 (sampling and local search on
///         lists of activities, with forward-backward improvement); Lourenco, Martin and Stuetzle,
///         "Iterated local search", 2003.
std::optional<SchedulingSolution> priority_search(const SchedulingProblem& problem,
                                                  const SchedulingSolution& known, int64_t bound_ns,
                                                  int64_t max_placements);

}  // namespace graphc

#pragma once

#include "compiler/solve/schedule/effort.h"
#include "compiler/solve/schedule/scheduling_problem.h"

namespace graphc {

struct SearchOptions {
  int max_stage = 3;
  int max_cuts = 24;  ///< places tried for each further stage
  /// Tasks times candidates, after which fewer cuts are tried: keeps large graphs compiling fast.
  int64_t budget = 20'000;
  /// Starts and edges that the search for the steady state looks at, for each task and for all; a
  /// large problem gets less than a middling one, but no less for a task than this.
  int64_t modulo_budget_per_task = 100'000;
  int64_t modulo_budget = 50'000'000;
  int64_t min_modulo_budget_per_task = 2'000;
  /// How often the search over priorities places a task, for each task and for all; not at all if
  /// there are more tasks than the last says.
  int64_t priority_budget_per_task = 500;
  int64_t priority_budget = 50'000;
  int64_t max_priority_tasks = 2'000;
};

SearchOptions search_options(Effort effort);

/// How much of what a task of a small problem gets is left for one of so many.
double budget_share(size_t num_tasks, Effort effort);

/// Orders the lanes and overlaps steps: starts with everything in stage 0, then moves, as long as
/// the time per step falls, all that comes late in a step one stage back, so that it runs beside
/// the early part of the next step. Every candidate is list-scheduled and judged by virtual time,
/// with the waits it needs. Where that does not reach the bound, other priorities are searched for
/// in the stages found (priority_search.h), and then, unless max_stage is 0, the steady state
/// directly (modulo_search.h). Nothing is moved when it does not pay, and
/// every further stage has to. At last cores are made about as full as each other (balance_cores.h).
///
/// Cost: at most max_stage x max_cuts x 5 list schedules and simulations, one search over priorities
///       and one modulo search.
SchedulingSolution schedule_pipelined(const SchedulingProblem& problem,
                                      const SearchOptions& options = {});

/// `solution` with its time per step, for start times and versions that are already set.
SchedulingSolution with_interval(const SchedulingProblem& problem, SchedulingSolution solution);

/// `solution` with its versions and its time per step, for start times that are already set.
SchedulingSolution evaluate(const SchedulingProblem& problem, SchedulingSolution solution);

/// `solution` with start times, versions and its time per step, for lanes, order and stages that
/// are already fixed. Requires: lane order and the edges of interval distance 0 form no cycle.
SchedulingSolution timed_as_written(const SchedulingProblem& problem, SchedulingSolution solution);

}  // namespace graphc

#pragma once

#include "compiler/solve/schedule/scheduling_problem.h"

namespace graphc {

/// Tasks in the steady state: where each is, and when it starts, in steps of `interval_ns`, counted
/// from any moment.
struct SteadyState {
  IdVector<TaskId, LaneId> lanes;
  IdVector<TaskId, int64_t> start_ns;
  int64_t interval_ns = 0;
};

/// The steady state as an order for every lane and a stage for every task. Where an interval begins
/// is open: of several beginnings, the one with the fewest stages is taken.
///
///   |  b  |  a  |  b  |  a  |    b needs a: from here |  b  |  a  | b is in stage 1,
///                                          from there |  a  |  b  | both are in stage 0
///
/// Tasks that take turns (loop.h) get lanes of theirs that are free by then, few of them where that
/// does not cost time. The interval, the versions and the latency are not set.
///
/// Requires: the state keeps the edges on cycles.
SchedulingSolution with_fewest_stages(const SchedulingProblem& problem, const SteadyState& state);

}  // namespace graphc

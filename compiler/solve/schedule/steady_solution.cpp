#include "compiler/solve/schedule/steady_solution.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "compiler/solve/schedule/loop.h"
#include "compiler/solve/schedule/stage_solver.h"

namespace graphc {
namespace {

/// Beginnings of the interval that are compared.
constexpr size_t kMaxBeginnings = 32;

/// Starts within an interval that begins at `begin_ns`.
IdVector<TaskId, int64_t> starts_from(const SteadyState& state, int64_t begin_ns) {
  IdVector<TaskId, int64_t> starts_ns = state.start_ns;
  for (int64_t& start_ns : starts_ns) {
    start_ns = (start_ns - begin_ns) % state.interval_ns;
    if (start_ns < 0) start_ns += state.interval_ns;
  }
  return starts_ns;
}

std::vector<int64_t> beginnings_of(const SteadyState& state) {
  std::set<int64_t> distinct;
  for (const int64_t start_ns : starts_from(state, 0)) distinct.insert(start_ns);
  const size_t stride = (distinct.size() + kMaxBeginnings - 1) / kMaxBeginnings;
  std::vector<int64_t> beginnings;
  size_t i = 0;
  for (const int64_t start_ns : distinct) {
    if (i++ % stride == 0) beginnings.push_back(start_ns);
  }
  return beginnings;
}

/// The highest stage, then all together: the less the better.
std::pair<int32_t, int64_t> cost_of(const Stages& stages) {
  std::pair<int32_t, int64_t> cost;
  for (const int32_t stage : stages) {
    cost.first = std::max(cost.first, stage);
    cost.second += stage;
  }
  return cost;
}

/// Which lane a task that takes turns gets of those that have room for it.
enum class LaneChoice {
  kFreedLast,   ///< few lanes are used, each of which has orders to keep with the others
  kFreedFirst,  ///< leaves the room behind a task to the next one that it fits
};

/// The lanes of a problem while one interval, which is repeated, is filled from front to back.
class RepeatedLanes {
 public:
  RepeatedLanes(size_t num_lanes, int64_t interval_ns, LaneChoice choice)
      : interval_ns_(interval_ns), choice_(choice), times_(num_lanes) {}

  /// Where none has room, the lane that is free first.
  LaneId choose(const LaneGroup& group, int64_t ready_ns, int64_t duration_ns) const {
    LaneId best = group.lanes.front();
    for (const LaneId lane : group.lanes) {
      const bool fits = has_room(times_[lane], ready_ns, duration_ns);
      const bool best_fits = has_room(times_[best], ready_ns, duration_ns);
      const bool wants_last = fits && choice_ == LaneChoice::kFreedLast;
      const bool is_better = fits != best_fits ? fits
                             : wants_last      ? times_[lane].free_ns > times_[best].free_ns
                                               : times_[lane].free_ns < times_[best].free_ns;
      if (is_better) best = lane;
    }
    return best;
  }

  /// Gives the start.
  int64_t take(LaneId lane, int64_t ready_ns, int64_t duration_ns) {
    Times& times = times_[lane];
    const int64_t start_ns = std::max(ready_ns, times.free_ns);
    times.free_ns = start_ns + duration_ns;
    if (!times.again_ns) times.again_ns = start_ns + interval_ns_;
    return start_ns;
  }

  /// How far the fullest lane reaches into its next interval.
  int64_t excess_ns() const {
    int64_t most_ns = 0;
    for (const Times& times : times_) {
      if (times.again_ns) most_ns = std::max(most_ns, times.free_ns - *times.again_ns);
    }
    return most_ns;
  }

 private:
  struct Times {
    int64_t free_ns = 0;
    std::optional<int64_t> again_ns;  ///< when the first of the next interval starts
  };

  static bool has_room(const Times& times, int64_t ready_ns, int64_t duration_ns) {
    return times.free_ns <= ready_ns &&
           (!times.again_ns || ready_ns + duration_ns <= *times.again_ns);
  }

  int64_t interval_ns_;
  LaneChoice choice_;
  IdVector<LaneId, Times> times_;
};

struct Filled {
  SchedulingSolution solution;
  int64_t excess_ns = 0;
};

Filled fill(const SchedulingProblem& problem, const SteadyState& state,
            const IdVector<TaskId, int64_t>& starts_ns, const Stages& stages, LaneChoice choice) {
  SchedulingSolution solution;
  solution.tasks = IdVector<TaskId, ScheduledTask>(problem.tasks.size());
  solution.lanes = IdVector<LaneId, std::vector<TaskId>>(problem.num_lanes);
  std::vector<TaskId> by_start;
  for (const TaskId task : problem.tasks.ids()) by_start.push_back(task);
  std::sort(by_start.begin(), by_start.end(), [&](TaskId a, TaskId b) {
    return std::tie(starts_ns[a], problem.tasks[a].name_rank) <
           std::tie(starts_ns[b], problem.tasks[b].name_rank);
  });
  // Tasks that take turns may find their lane busy; they, and what is behind them, then start late.
  IdVector<TaskId, std::vector<TaskId>> after(problem.tasks.size());
  for (const SchedulingEdge& edge : problem.edges) {
    if (interval_distance(edge, stages) == 0) after[edge.from].push_back(edge.to);
  }
  IdVector<TaskId, int64_t> ready_ns = starts_ns;
  RepeatedLanes lanes(problem.num_lanes, state.interval_ns, choice);
  for (const TaskId task : by_start) {
    const SchedulingTask& spec = problem.tasks[task];
    const int64_t duration_ns = spec.cost.duration_ns();
    const LaneId lane = takes_turns(problem, spec)
                            ? lanes.choose(problem.groups[spec.group], ready_ns[task], duration_ns)
                            : state.lanes[task];
    const int64_t start_ns = lanes.take(lane, ready_ns[task], duration_ns);
    const int64_t end_ns = start_ns + duration_ns;
    for (const TaskId next : after[task]) ready_ns[next] = std::max(ready_ns[next], end_ns);
    solution.tasks[task] = {lane, stages[task], start_ns, end_ns, Reason::kLeastSlack};
    solution.lanes[lane].push_back(task);
  }
  return {std::move(solution), lanes.excess_ns()};
}

/// On few lanes, unless more of them make the interval shorter.
SchedulingSolution with_orders(const SchedulingProblem& problem, const SteadyState& state,
                               const IdVector<TaskId, int64_t>& starts_ns, const Stages& stages) {
  Filled few = fill(problem, state, starts_ns, stages, LaneChoice::kFreedLast);
  if (few.excess_ns == 0) return std::move(few.solution);
  Filled many = fill(problem, state, starts_ns, stages, LaneChoice::kFreedFirst);
  return std::move(many.excess_ns < few.excess_ns ? many.solution : few.solution);
}

}  // namespace

SchedulingSolution with_fewest_stages(const SchedulingProblem& problem, const SteadyState& state) {
  IdVector<TaskId, int64_t> best_starts_ns;
  std::optional<Stages> best;
  for (const int64_t begin_ns : beginnings_of(state)) {
    auto starts_ns = starts_from(state, begin_ns);
    auto stages = lowest_stages(problem, starts_ns, state.interval_ns);
    CHECK(stages.has_value(), "a steady state keeps the edges on cycles");
    if (best && cost_of(*stages) >= cost_of(*best)) continue;
    best = std::move(stages);
    best_starts_ns = std::move(starts_ns);
  }
  return with_orders(problem, state, best_starts_ns, *best);
}

}  // namespace graphc

#include "compiler/solve/schedule/pipeline_search.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "compiler/solve/schedule/balance_cores.h"
#include "compiler/solve/schedule/forward_backward.h"
#include "compiler/solve/schedule/lane_order.h"
#include "compiler/solve/schedule/list_scheduler.h"
#include "compiler/solve/schedule/lower_bound.h"
#include "compiler/solve/schedule/modulo_search.h"
#include "compiler/solve/schedule/priority_search.h"
#include "runtime/proof/simulate.h"

namespace graphc {
namespace {

/// A gain below this is noise of the model, and not worth another version of a buffer.
constexpr double kMinGain = 0.001;

/// Rounds, and the tasks in all of them together; there is always one.
constexpr int kForwardBackwardRounds = 3;
constexpr size_t kForwardBackwardTasks = 20'000;

/// How much longer one step alone may become for cores that are as full as each other.
constexpr double kMaxLatencyGrowth = 0.01;

/// Far below what a plan can say: steps in flight that nothing but memory would limit.
constexpr int32_t kMaxStages = 64;

/// Raises stages until no edge points back in time: a reader is never in an earlier interval than
/// what it reads. Terminates because every cycle of edges has a distance.
Stages legalize_stages(const SchedulingProblem& problem, Stages stages) {
  bool has_changed = true;
  while (has_changed) {
    has_changed = false;
    for (const SchedulingEdge& edge : problem.edges) {
      const int32_t least = stages[edge.from] - edge.distance;
      if (stages[edge.to] >= least) continue;
      stages[edge.to] = least;
      has_changed = true;
    }
  }
  const int32_t first = stages.empty() ? 0 : *std::min_element(stages.begin(), stages.end());
  for (int32_t& stage : stages) stage -= first;
  return stages;
}

/// The best of several list schedules, as long as the bound is not reached.
SchedulingSolution schedule_with_stages(const SchedulingProblem& problem, const Stages& stages,
                                        int64_t bound_ns) {
  SchedulingSolution best = evaluate(problem, list_schedule(problem, stages));
  if (best.interval_ns <= bound_ns) return best;
  SchedulingSolution last = best;
  const auto keep_better = [&](SchedulingSolution next) {
    last = evaluate(problem, std::move(next));
    if (last.interval_ns < best.interval_ns) best = last;
  };
  keep_better(list_schedule(problem, stages, &last));
  const size_t affordable = kForwardBackwardTasks / std::max<size_t>(problem.tasks.size(), 1);
  const int num_rounds =
      static_cast<int>(std::clamp<size_t>(affordable, 1, kForwardBackwardRounds));
  for (int round = 0; round < num_rounds && best.interval_ns > bound_ns; ++round) {
    keep_better(forward_backward(problem, stages, last, last));
  }
  return best;
}

/// When a task starts, counted from the start of its step.
int64_t start_in_step_ns(const SchedulingSolution& solution, const ScheduledTask& task) {
  return task.start_ns + task.stage * solution.interval_ns;
}

/// Distinct start times, thinned out evenly to at most `max_cuts`.
std::vector<int64_t> cuts_of(const SchedulingSolution& solution, int max_cuts) {
  std::set<int64_t> distinct;
  for (const ScheduledTask& task : solution.tasks) {
    distinct.insert(start_in_step_ns(solution, task));
  }
  const std::vector<int64_t> times(distinct.begin(), distinct.end());
  const size_t stride =
      (times.size() + static_cast<size_t>(max_cuts) - 1) / static_cast<size_t>(max_cuts);
  std::vector<int64_t> cuts;
  for (size_t i = 1; i < times.size(); i += std::max<size_t>(stride, 1)) cuts.push_back(times[i]);
  return cuts;
}

Stages raised_from(const SchedulingProblem& problem, const SchedulingSolution& solution,
                   int64_t cut_ns) {
  Stages stages(problem.tasks.size());
  for (const TaskId task : problem.tasks.ids()) {
    const ScheduledTask& at = solution.tasks[task];
    stages[task] = at.stage + (start_in_step_ns(solution, at) >= cut_ns ? 1 : 0);
  }
  return legalize_stages(problem, std::move(stages));
}

bool is_worth_it(int64_t interval_ns, const SchedulingSolution& now) {
  return static_cast<double>(interval_ns) < static_cast<double>(now.interval_ns) * (1 - kMinGain);
}

int32_t last_stage(const SchedulingSolution& solution) {
  int32_t stage = 0;
  for (const ScheduledTask& task : solution.tasks) stage = std::max(stage, task.stage);
  return stage;
}

/// Whether every further stage brings as much as one round of cuts would have to.
bool is_worth_its_stages(const SchedulingSolution& next, const SchedulingSolution& now) {
  const int32_t num_more = std::max(last_stage(next) - last_stage(now), 1);
  const int32_t most_versions =
      next.versions.empty() ? 1 : *std::max_element(next.versions.begin(), next.versions.end());
  if (std::max(last_stage(next), most_versions) > kMaxStages) return false;
  return static_cast<double>(next.interval_ns) <
         static_cast<double>(now.interval_ns) * (1 - kMinGain * num_more);
}

}  // namespace

SchedulingSolution with_interval(const SchedulingProblem& problem, SchedulingSolution solution) {
  const auto edges = enforced_edges(problem, solution.versions);
  const LaneProgram program = with_all_waits(problem, solution, edges);
  solution.interval_ns = steady_interval_ns(program);
  solution.latency_ns = latency_ns(program);
  return solution;
}

SchedulingSolution evaluate(const SchedulingProblem& problem, SchedulingSolution solution) {
  // First without version limits, to learn which interval the versions have to keep up with.
  const int64_t unlimited_ns = steady_interval_ns(with_all_waits(problem, solution, problem.edges));
  solution.versions = fewest_versions(problem, solution, std::max<int64_t>(unlimited_ns, 1));
  return with_interval(problem, std::move(solution));
}

namespace {

/// Of more tasks than this, at least one cut is tried in a round instead of two.
constexpr size_t kMaxTasksOfTwoCuts = 15'000;

/// Cuts a round, so that all rounds together stay within the budget if that is possible.
int affordable_cuts(const SchedulingProblem& problem, const SearchOptions& options) {
  const auto round_cost = static_cast<int64_t>(problem.tasks.size()) * options.max_stage;
  const int64_t affordable = options.budget / std::max<int64_t>(round_cost, 1);
  const int64_t least = problem.tasks.size() <= kMaxTasksOfTwoCuts ? 2 : 1;
  return static_cast<int>(std::clamp<int64_t>(affordable, least, options.max_cuts));
}

}  // namespace

SchedulingSolution timed_as_written(const SchedulingProblem& problem, SchedulingSolution solution) {
  // One interval with only what orders tasks within it: results of earlier ones are there.
  LaneProgram interval = with_all_waits(problem, solution, problem.edges);
  for (auto& lane : interval.lanes) {
    for (LaneInstruction& instruction : lane) {
      instruction.stage = 0;
      std::erase_if(instruction.waits, [](const Wait& wait) { return wait.distance > 0; });
    }
  }
  const Timeline timeline = simulate(interval, 1);
  for (const LaneId lane : solution.lanes.ids()) {
    for (size_t i = 0; i < solution.lanes[lane].size(); ++i) {
      ScheduledTask& task = solution.tasks[solution.lanes[lane][i]];
      task.start_ns = timeline.intervals[0][lane][i].start_ns;
      task.end_ns = timeline.intervals[0][lane][i].end_ns;
    }
  }
  return evaluate(problem, std::move(solution));
}

namespace {

/// Grows with the problem up to the budget for all; of larger ones, falls until each task has its
/// least.
int64_t affordable_modulo_work(int64_t num_tasks, const SearchOptions& options) {
  const int64_t in_full = num_tasks * options.modulo_budget_per_task;
  if (in_full <= options.modulo_budget) return in_full;
  const double share = static_cast<double>(options.modulo_budget) / static_cast<double>(in_full);
  return std::max(static_cast<int64_t>(static_cast<double>(options.modulo_budget) * share),
                  num_tasks * options.min_modulo_budget_per_task);
}

int64_t affordable_placements(const SchedulingProblem& problem, const SearchOptions& options) {
  const auto num_tasks = std::ssize(problem.tasks);
  if (num_tasks > options.max_priority_tasks) return 0;
  return std::min(num_tasks * options.priority_budget_per_task, options.priority_budget);
}

/// `best`, or a shorter order in its stages.
SchedulingSolution with_priorities(const SchedulingProblem& problem, SchedulingSolution best,
                                   int64_t bound_ns, const SearchOptions& options) {
  const int64_t max_placements = affordable_placements(problem, options);
  auto found = priority_search(problem, best, bound_ns, max_placements);
  if (!found) return best;
  SchedulingSolution candidate = evaluate(problem, *std::move(found));
  return candidate.interval_ns < best.interval_ns ? candidate : best;
}

/// Moves what comes late in a step one stage back, round by round, as long as that pays.
SchedulingSolution cut_into_stages(const SchedulingProblem& problem, SchedulingSolution best,
                                   int64_t bound_ns, const SearchOptions& options) {
  const int max_cuts = affordable_cuts(problem, options);
  for (int round = 0; round < options.max_stage && is_worth_it(bound_ns, best); ++round) {
    SchedulingSolution next = best;
    for (const int64_t cut_ns : cuts_of(best, max_cuts)) {
      SchedulingSolution candidate =
          schedule_with_stages(problem, raised_from(problem, best, cut_ns), bound_ns);
      if (is_worth_it(candidate.interval_ns, next)) next = std::move(candidate);
    }
    if (!is_worth_it(next.interval_ns, best)) break;
    best = std::move(next);
  }
  return best;
}

SchedulingSolution search_stages(const SchedulingProblem& problem, const SearchOptions& options) {
  const int64_t bound_ns = interval_bound(problem).interval_ns;
  SchedulingSolution best =
      schedule_with_stages(problem, Stages(problem.tasks.size(), 0), bound_ns);
  best = cut_into_stages(problem, std::move(best), bound_ns, options);
  if (best.interval_ns <= bound_ns) return best;
  best = with_priorities(problem, std::move(best), bound_ns, options);
  if (options.max_stage == 0 || !is_worth_it(bound_ns, best)) return best;
  auto steady = modulo_schedule(
      problem, best, affordable_modulo_work(static_cast<int64_t>(problem.tasks.size()), options));
  if (!steady || last_stage(*steady) > kMaxStages) return best;
  SchedulingSolution candidate = evaluate(problem, *std::move(steady));
  return is_worth_its_stages(candidate, best) ? candidate : best;
}

int64_t num_versions(const SchedulingSolution& solution) {
  return std::accumulate(solution.versions.begin(), solution.versions.end(), int64_t{0});
}

/// With cores about as full as each other, where that makes no step longer, one step alone hardly,
/// and takes no more memory.
SchedulingSolution balance(const SchedulingProblem& problem, SchedulingSolution solution) {
  SchedulingSolution even = balance_cores(problem, solution);
  if (even.lanes == solution.lanes) return solution;
  even = timed_as_written(problem, std::move(even));
  const bool is_about_as_fast_alone =
      static_cast<double>(even.latency_ns) <=
      static_cast<double>(solution.latency_ns) * (1 + kMaxLatencyGrowth);
  const bool is_as_good = even.interval_ns <= solution.interval_ns && is_about_as_fast_alone &&
                          num_versions(even) <= num_versions(solution);
  return is_as_good ? even : solution;
}

}  // namespace

SearchOptions search_options(Effort effort) {
  SearchOptions options;
  if (effort == Effort::kNormal) return options;
  constexpr int64_t kMore = 20;
  options.budget *= kMore;
  options.modulo_budget *= kMore;
  options.min_modulo_budget_per_task *= kMore;
  return options;
}

double budget_share(size_t num_tasks, Effort effort) {
  const SearchOptions options = search_options(effort);
  const int64_t work = affordable_modulo_work(static_cast<int64_t>(num_tasks), options);
  const int64_t in_full = static_cast<int64_t>(num_tasks) * options.modulo_budget_per_task;
  return in_full == 0 ? 1 : static_cast<double>(work) / static_cast<double>(in_full);
}

SchedulingSolution schedule_pipelined(const SchedulingProblem& problem,
                                      const SearchOptions& options) {
  return balance(problem, search_stages(problem, options));
}

}  // namespace graphc

#include "compiler/schedule/modulo_search.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "compiler/schedule/lower_bound.h"
#include "compiler/schedule/modulo_lanes.h"
#include "compiler/schedule/stage_solver.h"

namespace graphc {
namespace {

/// Intervals that are tried, as shares of the shortest that may be possible.
constexpr double kIntervals[] = {1.0, 1.0025, 1.005, 1.01, 1.015, 1.02, 1.03, 1.04, 1.06, 1.08, 1.12, 1.16, 1.2, 1.25, 1.3};

/// Slots that are tried for one task, and how many that fit are compared.
constexpr int kMaxTrials = 24;
constexpr int kMaxFitting = 3;

/// Starts of the interval that are compared, for the fewest stages.
constexpr size_t kMaxOrigins = 32;

/// Tasks that take no time take the shortest there is: so two of them are never at one place.
int64_t at_least_one(int64_t time_ns) { return std::max<int64_t>(time_ns, 1); }

bool takes_turns(const SchedulingProblem& problem, const SchedulingTask& task) {
  return problem.groups[task.group].shared && task.cost.shared_ns > 0;
}

/// Tasks of lanes that share something take turns at that, whichever lanes they are on.
Loop loop_of(const SchedulingProblem& problem) {
  Loop loop;
  for (const SchedulingTask& task : problem.tasks) {
    const LaneGroup& group = problem.groups[task.group];
    const int64_t duration_ns = at_least_one(task.cost.duration_ns());
    if (!takes_turns(problem, task)) {
      loop.tasks.push_back({group.lanes, duration_ns, 0, duration_ns});
      continue;
    }
    const LaneId turns(problem.num_lanes + group.shared->index());
    loop.tasks.push_back({{turns}, duration_ns, task.cost.latency_ns, task.cost.shared_ns});
  }
  loop.edges = edges_on_cycles(problem);
  loop.num_lanes = problem.num_lanes + problem.num_shared;
  return loop;
}

/// No schedule that keeps the edges for storage, too, is faster.
int64_t shortest_interval_ns(SchedulingProblem problem) {
  for (SchedulingEdge& edge : problem.edges) edge.is_storage = false;
  for (SchedulingTask& task : problem.tasks) {
    if (task.cost.duration_ns() == 0) task.cost.work_ns = 1;
  }
  return at_least_one(interval_bound(problem).interval_ns);
}

class ModuloSearch {
 public:
  ModuloSearch(const SchedulingProblem& problem, const ModuloOptions& options)
      : problem_(problem),
        options_(options),
        loop_(loop_of(problem)),
        shortest_ns_(shortest_interval_ns(problem)),
        lanes_(loop_, shortest_ns_),
        before_(problem.tasks.size()),
        rank_(problem.tasks.size(), 0),
        num_removals_(problem.tasks.size(), 0) {
    for (const SchedulingEdge& edge : problem.edges) before_[edge.to].push_back(edge);
    rank_tasks();
  }

  std::optional<SchedulingSolution> run() {
    const auto num_intervals = static_cast<int64_t>(std::size(kIntervals));
    for (int64_t i = 0; i < num_intervals; ++i) {
      const auto interval_ns =
          static_cast<int64_t>(static_cast<double>(shortest_ns_) * kIntervals[i]);
      if (interval_ns >= options_.below_ns) return std::nullopt;
      lanes_.set_longer_interval(interval_ns);
      // Longer intervals need less; what is left over is theirs.
      const int64_t spent = lanes_.work();
      place_all(spent + (options_.budget - spent) / std::max<int64_t>(num_intervals - i, 4) );
      if (waiting_.empty()) return solution();
    }
    return std::nullopt;
  }

 private:
  void rank_tasks() {
    const auto path_ns = longest_paths_ns(problem_);
    using Key = std::tuple<bool, int64_t, int64_t, int32_t, TaskId>;
    std::vector<Key> keys;
    for (const TaskId task : problem_.tasks.ids()) {
      const auto slack_ns = lanes_.slack_ns(task);
      keys.emplace_back(!slack_ns, slack_ns.value_or(0), -path_ns[task],
                        problem_.tasks[task].name_rank, task);
    }
    std::sort(keys.begin(), keys.end());
    for (size_t i = 0; i < keys.size(); ++i) {
      const TaskId task = std::get<TaskId>(keys[i]);
      rank_[task] = static_cast<int32_t>(i);
      waiting_.emplace(rank_[task], task);
    }
  }

  void place_all(int64_t max_work) {
    while (!waiting_.empty() && lanes_.work() < max_work) {
      const TaskId task = waiting_.begin()->second;
      waiting_.erase(waiting_.begin());
      place(task);
    }
  }

  /// When `task` should start: edges that are on no cycle are a wish, kept by stages otherwise.
  int64_t wanted_ns(TaskId task) const {
    if (const auto earliest_ns = lanes_.earliest_ns(task)) return *earliest_ns;
    int64_t wanted_ns = 0;
    for (const SchedulingEdge& edge : before_[task]) {
      wanted_ns = std::max(wanted_ns, lanes_.start_ns(edge.from) +
                                          problem_.tasks[edge.from].cost.duration_ns() -
                                          edge.distance * lanes_.interval_ns());
    }
    return wanted_ns;
  }

  void place(TaskId task) {
    const int64_t earliest_ns = wanted_ns(task);
    const auto slots = lanes_.slots_for(task, earliest_ns);
    std::optional<ModuloSlot> best;
    ModuloTrial best_trial;
    std::optional<ModuloSlot> least_bad;
    int64_t least_penalty = 0;
    int num_fitting = 0;
    int num_trials = 0;
    for (const ModuloSlot& slot : slots) {
      if (num_trials++ == kMaxTrials || num_fitting == kMaxFitting) break;
      ModuloTrial trial = lanes_.trial(task, slot, earliest_ns);
      if (trial.fits) {
        ++num_fitting;
        if (best && trial.raised_ns + trial.start_ns >= best_trial.raised_ns + best_trial.start_ns) {
          continue;
        }
        best = slot;
        best_trial = std::move(trial);
        continue;
      }
      const int64_t penalty_ns = trial.excess_ns * (1 + num_removals_[least_removed(trial)]);
      if (least_bad && penalty_ns >= least_penalty) continue;
      least_bad = slot;
      least_penalty = penalty_ns;
    }
    if (best) return lanes_.place(task, *best, best_trial);
    force(task, *least_bad);
  }

  TaskId least_removed(const ModuloTrial& trial) const {
    return *std::min_element(trial.in_the_way.begin(), trial.in_the_way.end(),
                             [&](TaskId a, TaskId b) {
                               return std::tie(num_removals_[a], rank_[b]) <
                                      std::tie(num_removals_[b], rank_[a]);
                             });
  }

  /// Places `task` there, whoever has to go.
  void force(TaskId task, ModuloSlot slot) {
    while (true) {
      const int64_t earliest_ns = wanted_ns(task);
      const ModuloTrial trial = lanes_.trial(task, slot, earliest_ns);
      if (trial.fits) return lanes_.place(task, slot, trial);
      const TaskId removed = least_removed(trial);
      ++num_removals_[removed];
      lanes_.remove(removed, slot);
      waiting_.emplace(rank_[removed], removed);
    }
  }

  /// Starts within the interval when it begins at `origin_ns`.
  IdVector<TaskId, int64_t> starts_from(int64_t origin_ns) const {
    IdVector<TaskId, int64_t> starts_ns(problem_.tasks.size());
    for (const TaskId task : problem_.tasks.ids()) {
      const int64_t offset_ns = (lanes_.start_ns(task) - origin_ns) % lanes_.interval_ns();
      starts_ns[task] = offset_ns < 0 ? offset_ns + lanes_.interval_ns() : offset_ns;
    }
    return starts_ns;
  }

  std::optional<SchedulingSolution> solution() const {
    std::set<int64_t> distinct;
    for (const int64_t start_ns : starts_from(0)) distinct.insert(start_ns);
    const std::vector<int64_t> origins(distinct.begin(), distinct.end());
    const size_t stride = (origins.size() + kMaxOrigins - 1) / kMaxOrigins;
    using Cost = std::tuple<int32_t, int64_t>;
    std::optional<Cost> least;
    SchedulingSolution best;
    for (size_t i = 0; i < origins.size(); i += stride) {
      const auto starts_ns = starts_from(origins[i]);
      const auto stages = lowest_stages(problem_, starts_ns, lanes_.interval_ns());
      CHECK(stages.has_value(), "what is placed keeps the edges of all cycles");
      int64_t sum = 0;
      for (const int32_t stage : *stages) sum += stage;
      const Cost cost{*std::max_element(stages->begin(), stages->end()), sum};
      if (least && cost >= *least) continue;
      least = cost;
      best = with_orders(starts_ns, *stages);
    }
    return best;
  }

  SchedulingSolution with_orders(const IdVector<TaskId, int64_t>& starts_ns,
                                 const Stages& stages) const {
    SchedulingSolution solution;
    solution.tasks = IdVector<TaskId, ScheduledTask>(problem_.tasks.size());
    solution.lanes = IdVector<LaneId, std::vector<TaskId>>(problem_.num_lanes);
    std::vector<TaskId> by_start;
    for (const TaskId task : problem_.tasks.ids()) by_start.push_back(task);
    std::sort(by_start.begin(), by_start.end(), [&](TaskId a, TaskId b) {
      return std::tie(starts_ns[a], problem_.tasks[a].name_rank) <
             std::tie(starts_ns[b], problem_.tasks[b].name_rank);
    });
    IdVector<LaneId, int64_t> free_ns(problem_.num_lanes, 0);
    for (const TaskId task : by_start) {
      const SchedulingTask& spec = problem_.tasks[task];
      LaneId lane = lanes_.lane_of(task);
      if (takes_turns(problem_, spec)) {
        const auto& lanes = problem_.groups[spec.group].lanes;
        lane = *std::min_element(lanes.begin(), lanes.end(),
                                 [&](LaneId a, LaneId b) { return free_ns[a] < free_ns[b]; });
      }
      const int64_t end_ns = starts_ns[task] + spec.cost.duration_ns();
      free_ns[lane] = end_ns;
      solution.tasks[task] = {lane, stages[task], starts_ns[task], end_ns, Reason::kLeastSlack};
      solution.lanes[lane].push_back(task);
    }
    return solution;
  }

  const SchedulingProblem& problem_;
  const ModuloOptions& options_;
  Loop loop_;
  int64_t shortest_ns_;
  ModuloLanes lanes_;
  IdVector<TaskId, std::vector<SchedulingEdge>> before_;
  IdVector<TaskId, int32_t> rank_;
  IdVector<TaskId, int64_t> num_removals_;
  std::set<std::pair<int32_t, TaskId>> waiting_;
};

}  // namespace

std::optional<SchedulingSolution> modulo_schedule(const SchedulingProblem& problem,
                                                  const ModuloOptions& options) {
  if (problem.tasks.empty()) return std::nullopt;
  return ModuloSearch(problem, options).run();
}

}  // namespace graphc

#include "compiler/solve/schedule/modulo_search.h"

#include <algorithm>
#include <limits>
#include <set>
#include <tuple>

#include "compiler/solve/floor_div.h"
#include "compiler/solve/schedule/list_scheduler.h"
#include "compiler/solve/schedule/modulo_lanes.h"
#include "compiler/solve/schedule/pair_orders.h"
#include "compiler/solve/schedule/steady_solution.h"

namespace graphc {
namespace {

/// Intervals tried from nothing, as shares of the shortest that may be possible.
constexpr double kIntervals[] = {1.0,  1.0025, 1.005, 1.01, 1.015, 1.02, 1.03, 1.04,
                                 1.06, 1.08,   1.12,  1.16, 1.2,   1.25, 1.3};

/// Slots that are tried for one task, and how many that fit are compared.
constexpr int kMaxTrials = 24;
constexpr int kMaxFitting = 3;

/// Attempts that share the budget, if none succeeds early.
constexpr int64_t kNumAttempts = 20;

/// An attempt that has lost this many tasks more than twice those it began with is given up.
constexpr size_t kMaxMoreWaiting = 10;

/// Pairs are ordered, in so many rounds, until that much of the work has been done that it took to
/// come there; intervals at which that is tried are no nearer to each other than this part of one,
/// and each takes at most this part of what is left.
constexpr int64_t kMaxPairShare = 4;
constexpr int64_t kFinestPairStep = 70;
constexpr int64_t kPairParts = 3;
constexpr int kMaxRounds = 4;

/// The search ends when steps are shorter than this part of the interval.
constexpr int64_t kFinestStep = 4000;

class ModuloSearch {
 public:
  ModuloSearch(const SchedulingProblem& problem, const SchedulingSolution& known, int64_t budget)
      : problem_(problem),
        budget_(budget),
        loop_(loop_of(problem)),
        shortest_ns_(min_initiation_interval_ns(problem)),
        lanes_(loop_, shortest_ns_, IdVector<TaskId, int64_t>(problem.tasks.size(), 0)),
        best_interval_ns_(known.interval_ns),
        best_(places_of(known)),
        before_(problem.tasks.size()),
        rank_(problem.tasks.size(), 0),
        num_evictions_(problem.tasks.size(), 0) {
    for (const SchedulingEdge& edge : problem.edges) before_[edge.to].push_back(edge);
    rank_tasks();
  }

  std::optional<SchedulingSolution> run() {
    const int64_t known_interval_ns = best_interval_ns_;
    fill_from_nothing();
    if (is_worth_more()) improve();
    if (best_interval_ns_ >= known_interval_ns) return std::nullopt;
    SteadyState state{{}, {}, best_interval_ns_};
    for (const Place& place : best_) {
      state.lanes.push_back(place.lane);
      state.start_ns.push_back(place.start_ns);
    }
    return with_fewest_stages(problem_, state);
  }

 private:
  /// Where a task stands in the best orders so far.
  struct Place {
    LaneId lane;
    size_t index = 0;  ///< larger behind it on the lane
    int64_t turn = 0;
    int64_t start_ns = 0;
  };

  int64_t work() const { return past_work_ + lanes_.work(); }

  IdVector<TaskId, Place> places_of(const SchedulingSolution& known) const {
    std::vector<TaskId> by_start;
    for (const TaskId task : problem_.tasks.ids()) by_start.push_back(task);
    std::sort(by_start.begin(), by_start.end(), [&](TaskId a, TaskId b) {
      return std::tie(known.tasks[a].start_ns, problem_.tasks[a].name_rank) <
             std::tie(known.tasks[b].start_ns, problem_.tasks[b].name_rank);
    });
    IdVector<TaskId, Place> places(problem_.tasks.size());
    for (size_t i = 0; i < by_start.size(); ++i) {
      const ScheduledTask& at = known.tasks[by_start[i]];
      const bool is_alone = !takes_turns(problem_, problem_.tasks[by_start[i]]);
      places[by_start[i]] = {is_alone ? at.lane : loop_.tasks[by_start[i]].lanes.front(), i,
                             at.stage, at.start_ns + at.stage * known.interval_ns};
    }
    return places;
  }

  void rank_tasks() {
    const auto path_ns = longest_paths_ns(problem_);
    using Key = std::tuple<bool, int64_t, int64_t, int32_t, TaskId>;
    std::vector<Key> keys;
    for (const TaskId task : problem_.tasks.ids()) {
      // What is looked at for slack is paid for, too: on large problems only the first are.
      const bool is_affordable = work() < budget_ / 4;
      const auto slack_ns = is_affordable ? lanes_.slack_ns(task) : std::nullopt;
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

  void fill_from_nothing() {
    const int64_t max_work = work() + (budget_ - work()) / 4;
    auto num_left = static_cast<int64_t>(std::size(kIntervals));
    for (const double share : kIntervals) {
      const auto interval_ns = static_cast<int64_t>(static_cast<double>(shortest_ns_) * share);
      if (interval_ns >= best_interval_ns_) return;
      lanes_.set_longer_interval(interval_ns);
      // Longer intervals need less: the first may take more than their part of what is left.
      const int64_t part = (max_work - work()) / std::max<int64_t>(num_left--, 4);
      place_waiting(work() + part, problem_.tasks.size());
      if (!waiting_.empty()) continue;
      keep_as_best();
      return;
    }
  }

  bool is_worth_more() const { return best_interval_ns_ > shortest_ns_ && work() < budget_; }

  void improve() {
    PairOrders pairs(loop_, rank_);
    if (pairs.tasks().empty()) return tighten();
    rank_fillers();
    // Where tasks fell into their places at once, they would hardly do so better in pairs.
    max_pair_work_ = std::min(budget_, kMaxPairShare * work());
    for (int round = 0; round < kMaxRounds && is_worth_more(); ++round) {
      if (round > 0 && work() >= max_pair_work_) return;
      const int64_t middle_ns = shortest_ns_ + (best_interval_ns_ - shortest_ns_) / 2;
      order_by_pairs(pairs, round == 0 ? shortest_ns_ : middle_ns);
      tighten();
    }
  }

  void tighten() {
    int64_t step_ns = (best_interval_ns_ - shortest_ns_ + 1) / 2;
    while (best_interval_ns_ > shortest_ns_ && work() < budget_ &&
           step_ns > best_interval_ns_ / kFinestStep) {
      take_over_best(std::max(shortest_ns_, best_interval_ns_ - step_ns));
      place_waiting(std::min(budget_, work() + budget_ / kNumAttempts),
                    2 * waiting_.size() + kMaxMoreWaiting);
      if (!waiting_.empty()) {
        step_ns /= 2;
        continue;
      }
      keep_as_best();
      step_ns = std::max(step_ns, (best_interval_ns_ - shortest_ns_ + 1) / 4);
    }
  }

  /// Decides the order of all pairs, from this interval on between what was not possible and what
  /// was; tasks with several lanes to choose from then find their places as usual.
  void order_by_pairs(PairOrders& pairs, int64_t interval_ns) {
    int64_t failed_ns = shortest_ns_ - 1;
    while (interval_ns < best_interval_ns_ && work() < max_pair_work_) {
      if (!order_pairs_at(pairs, interval_ns)) failed_ns = interval_ns;
      const int64_t gap_ns = best_interval_ns_ - failed_ns;
      if (gap_ns < best_interval_ns_ / kFinestPairStep) return;
      interval_ns = failed_ns + gap_ns / 2;
    }
  }

  bool order_pairs_at(PairOrders& pairs, int64_t interval_ns) {
    const int64_t part = (max_pair_work_ - work()) / kPairParts;
    const int64_t pair_work = pairs.work();
    const bool is_ordered = pairs.order_at(interval_ns, part);
    past_work_ += pairs.work() - pair_work;
    if (!is_ordered) return false;
    take_over_pairs(pairs, interval_ns);
    place_waiting(work() + part, 2 * waiting_.size() + kMaxMoreWaiting);
    if (!waiting_.empty()) return false;
    keep_as_best();
    return true;
  }

  /// From here on, what is on no cycle fills gaps, the longest first.
  void rank_fillers() {
    fills_gaps_ = true;
    IdVector<TaskId, bool> is_on_cycle(problem_.tasks.size(), false);
    for (const SchedulingEdge& edge : loop_.edges) is_on_cycle[edge.from] = true;
    std::vector<std::tuple<int64_t, int32_t, TaskId>> fillers;
    for (const TaskId task : problem_.tasks.ids()) {
      if (is_on_cycle[task]) continue;
      fillers.emplace_back(-loop_.tasks[task].busy_ns, rank_[task], task);
    }
    std::sort(fillers.begin(), fillers.end());
    const auto num_on_cycles = static_cast<int32_t>(problem_.tasks.size() - fillers.size());
    for (size_t i = 0; i < fillers.size(); ++i) {
      rank_[std::get<TaskId>(fillers[i])] = num_on_cycles + static_cast<int32_t>(i);
    }
  }

  void take_over_pairs(const PairOrders& pairs, int64_t interval_ns) {
    const std::vector<int64_t> pair_starts_ns = pairs.starts_ns();
    const int64_t first_ns = *std::min_element(pair_starts_ns.begin(), pair_starts_ns.end());
    IdVector<TaskId, int64_t> starts_ns(problem_.tasks.size(), 0);
    IdVector<TaskId, Place> places(problem_.tasks.size());
    std::vector<std::pair<int64_t, TaskId>> ordered;
    waiting_.clear();
    for (const TaskId task : problem_.tasks.ids()) waiting_.emplace(rank_[task], task);
    for (size_t i = 0; i < pair_starts_ns.size(); ++i) {
      const TaskId task = pairs.tasks()[i];
      starts_ns[task] = pair_starts_ns[i] - first_ns;
      if (!pairs.is_ordered(i)) continue;
      const int64_t busy_ns = starts_ns[task] + loop_.tasks[task].busy_from_ns;
      const int64_t turn = floor_div(busy_ns, interval_ns);
      places[task] = {loop_.tasks[task].lanes.front(), 0, turn, starts_ns[task]};
      ordered.emplace_back(busy_ns - turn * interval_ns, task);
      waiting_.erase({rank_[task], task});
    }
    std::sort(ordered.begin(), ordered.end());
    for (size_t i = 0; i < ordered.size(); ++i) places[ordered[i].second].index = i;
    past_work_ += lanes_.work();
    lanes_ = ModuloLanes(loop_, interval_ns, std::move(starts_ns));
    for (const auto& [in_interval_ns, task] : ordered) take_over(task, places);
  }

  void keep_as_best() {
    best_interval_ns_ = lanes_.interval_ns();
    for (size_t lane = 0; lane < loop_.num_lanes; ++lane) {
      const auto& order = lanes_.order_of(LaneId(lane));
      for (size_t i = 0; i < order.size(); ++i) {
        best_[order[i]] = {LaneId(lane), i, lanes_.turn_of(order[i]), lanes_.start_ns(order[i])};
      }
    }
  }

  /// Places, at a shorter interval, all tasks as in the best orders that still fit there.
  void take_over_best(int64_t interval_ns) {
    past_work_ += lanes_.work();
    IdVector<TaskId, int64_t> starts_ns;
    for (const Place& place : best_) {
      const int64_t num_intervals = place.start_ns / best_interval_ns_;
      starts_ns.push_back(place.start_ns - num_intervals * (best_interval_ns_ - interval_ns));
    }
    lanes_ = ModuloLanes(loop_, interval_ns, std::move(starts_ns));
    waiting_.clear();
    std::vector<TaskId> by_start;
    for (const TaskId task : problem_.tasks.ids()) by_start.push_back(task);
    std::sort(by_start.begin(), by_start.end(), [&](TaskId a, TaskId b) {
      return std::tie(best_[a].start_ns, rank_[a]) < std::tie(best_[b].start_ns, rank_[b]);
    });
    for (const TaskId task : by_start) take_over(task, best_);
  }

  void take_over(TaskId task, const IdVector<TaskId, Place>& places) {
    const Place& place = places[task];
    const auto& order = lanes_.order_of(place.lane);
    const auto next = std::find_if(order.begin(), order.end(),
                                   [&](TaskId other) { return places[other].index > place.index; });
    const ModuloSlot slot{place.lane, static_cast<size_t>(next - order.begin()), place.turn, 0};
    // Without edges on cycles it follows its neighbours.
    constexpr int64_t kLongAgo = std::numeric_limits<int64_t>::min() / 4;
    const int64_t free_ns = order.empty() ? lanes_.start_ns(task) : kLongAgo;
    const ModuloTrial trial = lanes_.trial(task, slot, lanes_.earliest_ns(task).value_or(free_ns));
    if (trial.fits) return lanes_.place(task, slot, trial);
    waiting_.emplace(rank_[task], task);
  }

  void place_waiting(int64_t max_work, size_t max_waiting) {
    while (!waiting_.empty() && work() < max_work && waiting_.size() <= max_waiting) {
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
      const int64_t end_ns = lanes_.start_ns(edge.from) + loop_.tasks[edge.from].duration_ns;
      wanted_ns = std::max(wanted_ns, end_ns - edge.distance * lanes_.interval_ns());
    }
    return wanted_ns;
  }

  bool fills_gaps(TaskId task) const { return fills_gaps_ && !lanes_.earliest_ns(task); }

  ModuloTrial trial_of(TaskId task, const ModuloSlot& slot) {
    return lanes_.trial(task, slot,
                        fills_gaps(task) ? lanes_.free_ns(task, slot) : wanted_ns(task));
  }

  void place(TaskId task) {
    struct Choice {
      ModuloSlot slot;
      ModuloTrial trial;
      int64_t cost_ns = 0;
    };
    std::optional<Choice> best_fitting;
    std::optional<Choice> least_taken;
    const bool is_filler = fills_gaps(task);
    const int64_t ready_ns = wanted_ns(task);
    int num_fitting = 0;
    int num_trials = 0;
    for (const ModuloSlot& slot :
         is_filler ? lanes_.gaps_for(task) : lanes_.slots_for(task, ready_ns)) {
      if ((num_trials++ == kMaxTrials && !is_filler) || num_fitting == kMaxFitting) break;
      ModuloTrial trial = trial_of(task, slot);
      if (trial.fits) ++num_fitting;
      const int64_t cost_ns = trial.fits
                                  ? trial.raised_ns + (is_filler ? 0 : trial.start_ns)
                                  : trial.excess_ns * (1 + num_evictions_[pick_victim(trial)]);
      auto& best = trial.fits ? best_fitting : least_taken;
      if (!best || cost_ns < best->cost_ns) best = {slot, std::move(trial), cost_ns};
    }
    if (best_fitting) return lanes_.place(task, best_fitting->slot, best_fitting->trial);
    place_with_eviction(task, least_taken->slot);
  }

  /// Of those in the way, one that has had to go the fewest times; then the one with most slack.
  TaskId pick_victim(const ModuloTrial& trial) const {
    return *std::min_element(
        trial.conflicts.begin(), trial.conflicts.end(), [&](TaskId a, TaskId b) {
          return std::tie(num_evictions_[a], rank_[b]) < std::tie(num_evictions_[b], rank_[a]);
        });
  }

  /// Places `task` there, whoever has to go.
  void place_with_eviction(TaskId task, ModuloSlot slot) {
    while (true) {
      const ModuloTrial trial = trial_of(task, slot);
      if (trial.fits) return lanes_.place(task, slot, trial);
      const TaskId removed = pick_victim(trial);
      ++num_evictions_[removed];
      lanes_.remove(removed, slot);
      waiting_.emplace(rank_[removed], removed);
    }
  }

  const SchedulingProblem& problem_;
  int64_t budget_;
  Loop loop_;
  int64_t shortest_ns_;
  ModuloLanes lanes_;
  int64_t past_work_ = 0;  ///< of lanes that were given up
  int64_t best_interval_ns_;
  IdVector<TaskId, Place> best_;
  IdVector<TaskId, std::vector<SchedulingEdge>> before_;
  IdVector<TaskId, int32_t> rank_;  ///< the least slack first
  IdVector<TaskId, int64_t> num_evictions_;
  std::set<std::pair<int32_t, TaskId>> waiting_;
  int64_t max_pair_work_ = 0;
  bool fills_gaps_ = false;  ///< with tasks that are on no cycle
};

}  // namespace

std::optional<SchedulingSolution> modulo_schedule(const SchedulingProblem& problem,
                                                  const SchedulingSolution& known, int64_t budget) {
  if (problem.tasks.empty()) return std::nullopt;
  return ModuloSearch(problem, known, budget).run();
}

}  // namespace graphc

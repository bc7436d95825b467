#include "compiler/solve/schedule/priority_search.h"

#include <algorithm>
#include <array>
#include <utility>

#include "compiler/solve/schedule/interval_passes.h"
#include "compiler/solve/topological_order.h"
#include "runtime/base/philox.h"

namespace graphc {
namespace {

/// Numbers that depend on how many have been drawn, on nothing else.
class DrawnNumbers {
 public:
  /// Requires: limit above 0, at most 2^32.
  int64_t below(int64_t limit) {
    const size_t at = num_drawn_ % block_.size();
    if (at == 0) {
      const uint64_t block = num_drawn_ / block_.size();
      block_ = philox4x32({static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32), 0, 0},
                          {kSeed, 0});
    }
    ++num_drawn_;
    return static_cast<int64_t>((block_[at] * static_cast<uint64_t>(limit)) >> 32);
  }

 private:
  static constexpr uint32_t kSeed = 1;
  uint64_t num_drawn_ = 0;
  std::array<uint32_t, 4> block_{};
};

/// Tasks along their edges within the interval; where those leave it open, by name.
std::vector<TaskId> along_edges(const SchedulingProblem& problem, const Stages& stages) {
  std::vector<TaskId> by_name;
  for (const TaskId task : problem.tasks.ids()) by_name.push_back(task);
  std::sort(by_name.begin(), by_name.end(), [&](TaskId a, TaskId b) {
    return problem.tasks[a].name_rank < problem.tasks[b].name_rank;
  });
  IdVector<TaskId, size_t> place(problem.tasks.size(), 0);
  for (size_t i = 0; i < by_name.size(); ++i) place[by_name[i]] = i;
  std::vector<std::vector<size_t>> reads(by_name.size());
  for (const SchedulingEdge& edge : problem.edges) {
    if (interval_distance(edge, stages) == 0) reads[place[edge.to]].push_back(place[edge.from]);
  }
  std::vector<TaskId> order;
  for (const size_t i : sort_topologically(reads).order) order.push_back(by_name[i]);
  CHECK(order.size() == by_name.size(), "edges within an interval form no cycle");
  return order;
}

class PrioritySearch {
 public:
  PrioritySearch(const SchedulingProblem& problem, const Stages& stages,
                 const SchedulingSolution& known, int64_t bound_ns, int64_t max_placements)
      : problem_(problem),
        passes_(problem, stages, known),
        order_(along_edges(problem, stages)),
        bound_ns_(bound_ns),
        best_period_ns_(known.interval_ns),
        num_left_(max_placements) {
    for (const ScheduledTask& task : known.tasks) first_keys_.push_back(task.start_ns);
    for (const SchedulingTask& task : problem.tasks) mean_ns_ += task.cost.duration_ns();
    mean_ns_ = std::max<int64_t>(mean_ns_ / std::ssize(problem.tasks), 1);
  }

  std::optional<SchedulingSolution> run() {
    while (num_left_ > 0 && best_period_ns_ > bound_ns_) climb();
    if (!best_) return std::nullopt;
    return passes_.solution_of(*best_);
  }

 private:
  void climb() {
    keys_ = first_keys_;
    disturb(1, num_climbs_ == 0 ? 0 : 4 * mean_ns_);
    ++num_climbs_;
    int64_t period_ns = improved();
    current_keys_ = keys_;
    for (int num_failed = 0; num_failed < kMaxFailed && num_left_ > 0; ++num_failed) {
      if (best_period_ns_ <= bound_ns_) return;
      keys_ = current_keys_;
      disturb(1 + drawn_.below(kMaxUndisturbed), mean_ns_ * (1 + drawn_.below(4)));
      const int64_t next_ns = improved();
      if (next_ns > period_ns) continue;
      if (next_ns < period_ns) num_failed = 0;
      period_ns = next_ns;
      current_keys_ = keys_;
    }
  }

  /// Of every `one_of` tasks one, by up to so much either way; what depends on it stays behind it.
  void disturb(int64_t one_of, int64_t max_ns) {
    max_ns = std::min(max_ns, kMaxDrawnNs);
    for (const TaskId task : order_) {
      if (drawn_.below(one_of) == 0) keys_[task] += drawn_.below(2 * max_ns + 1) - max_ns;
      for (const TaskId other : passes_.before(task)) {
        const int64_t least_ns = problem_.tasks[other].cost.duration_ns() > 0 ? 1 : 0;
        keys_[task] = std::max(keys_[task], keys_[other] + least_ns);
      }
    }
  }

  /// Fills by keys_, then backwards and forwards; keys_ are then the latest starts of the last.
  int64_t improved() {
    int64_t period_ns = fill();
    for (int i = 0; i < kRounds && best_period_ns_ > bound_ns_; ++i) {
      find_latest_starts();
      period_ns = std::min(period_ns, fill());
    }
    find_latest_starts();
    return period_ns;
  }

  void find_latest_starts() {
    ends_ns_.resize(problem_.tasks.size());
    for (const TaskId task : order_) ends_ns_[task] = passes_.end_ns(task, filled_);
    passes_.latest_starts(ends_ns_, keys_);
    num_left_ -= std::ssize(problem_.tasks);
  }

  int64_t fill() {
    passes_.fill(keys_, filled_);
    num_left_ -= std::ssize(problem_.tasks);
    const int64_t period_ns = passes_.period_ns(filled_);
    if (num_fills_++ == kFirstFills && period_ns - best_period_ns_ > best_period_ns_ / kFarAway) {
      // Lanes overlap intervals by far more than what stands still in time can.
      num_left_ = 0;
    }
    if (period_ns < best_period_ns_) {
      best_period_ns_ = period_ns;
      best_ = filled_;
    }
    return period_ns;
  }

  // After so many schedules, one that is longer than the best by more than a sixteenth ends it all.
  static constexpr int kFirstFills = 20;
  static constexpr int64_t kFarAway = 16;
  static constexpr int kRounds = 1;              // forwards and backwards, for each disturbed start
  static constexpr int kMaxFailed = 100;         // in a row, before another start is made
  static constexpr int64_t kMaxUndisturbed = 8;  // tasks to each disturbed one, on average
  static constexpr int64_t kMaxDrawnNs = 1'000'000'000;  // what is drawn has 32 bits

  const SchedulingProblem& problem_;
  IntervalPasses passes_;
  std::vector<TaskId> order_;
  int64_t bound_ns_;
  int64_t best_period_ns_;
  int64_t num_left_;
  int64_t mean_ns_ = 0;
  int num_climbs_ = 0;
  int num_fills_ = 0;
  IntervalPasses::Keys first_keys_;
  IntervalPasses::Keys current_keys_;
  IntervalPasses::Keys keys_;
  IntervalPasses::Keys ends_ns_;
  IntervalPasses::Filled filled_;
  std::optional<IntervalPasses::Filled> best_;
  DrawnNumbers drawn_;
};

}  // namespace

std::optional<SchedulingSolution> priority_search(const SchedulingProblem& problem,
                                                  const SchedulingSolution& known, int64_t bound_ns,
                                                  int64_t max_placements) {
  if (problem.tasks.empty() || max_placements <= 0) return std::nullopt;
  Stages stages;
  for (const ScheduledTask& task : known.tasks) stages.push_back(task.stage);
  return PrioritySearch(problem, stages, known, bound_ns, max_placements).run();
}

}  // namespace graphc

#include "compiler/solve/schedule/bounded_scheduler.h"

#include <algorithm>
#include <queue>

#include "compiler/solve/schedule/memory_use.h"
#include "compiler/solve/schedule/partial_schedule.h"
#include "compiler/solve/schedule/pipeline_search.h"

namespace graphc {
namespace {

/// Up to as many tasks every ready one is looked at; above, only those that the min-peak order has
/// among its next kWindow.
constexpr size_t kMaxTasksInFull = 2'000;
constexpr size_t kWindow = 1'000;

/// Candidates whose safety is looked into at one moment; the next of the min-peak order always is.
constexpr int kMaxSafetyChecks = 16;

class BoundedScheduler {
 public:
  /// Requires: `lean` keeps within the budgets of `sequence`.
  BoundedScheduler(const SchedulingProblem& problem, const OrderProblem& sequence,
                   const std::vector<TaskId>& lean)
      : problem_(problem),
        sequence_(sequence),
        lean_(lean),
        stages_(problem.tasks.size(), 0),
        partial_(problem, stages_, nullptr),
        running_use_(sequence),
        settled_use_(sequence),
        is_started_(lean.size(), false),
        is_held_(lean.size(), false) {}

  SchedulingSolution run() {
    while (!partial_.is_over()) {
      const std::vector<Candidate> candidates = ready_candidates();
      std::vector<Candidate> startable;
      for (const Candidate& candidate : candidates) {
        if (candidate.start_ns == now_ns_) startable.push_back(candidate);
      }
      const std::optional<Pick> pick = safe_pick(std::move(startable));
      if (pick) {
        start(*pick);
        continue;
      }
      go_on(candidates);
    }
    return std::move(partial_).take();
  }

 private:
  std::vector<Candidate> ready_candidates() const {
    const size_t num_looked_at = lean_.size() <= kMaxTasksInFull ? lean_.size() : kWindow;
    std::vector<Candidate> candidates;
    const size_t end = std::min(num_settled_ + num_looked_at, lean_.size());
    for (size_t i = num_settled_; i < end; ++i) {
      const TaskId task = lean_[i];
      if (!partial_.is_ready(task)) continue;
      candidates.push_back(partial_.candidate_for(task));
      candidates.back().start_ns = std::max(candidates.back().start_ns, now_ns_);
    }
    return candidates;
  }

  /// The first of the candidates, all of which could start now, that may.
  std::optional<Pick> safe_pick(std::vector<Candidate> candidates) {
    const std::vector<Candidate> all = candidates;
    std::erase_if(candidates, [&](const Candidate& candidate) {
      const bool has_memory = fits_now(candidate.task);
      if (!has_memory) is_held_[candidate.task] = true;
      return !has_memory;
    });
    int num_checks = 0;
    while (!candidates.empty()) {
      const Pick pick = pick_first(problem_, candidates);
      const TaskId task = pick.candidate.task;
      const bool is_next = task == lean_[num_settled_];
      if (is_next || (num_checks++ < kMaxSafetyChecks && is_safe(task))) {
        return Pick{pick.candidate, reason_for(pick, all)};
      }
      is_held_[task] = true;
      std::erase_if(candidates, [&](const Candidate& other) { return other.task == task; });
    }
    return std::nullopt;
  }

  Reason reason_for(const Pick& pick, const std::vector<Candidate>& all) const {
    const TaskId task = pick.candidate.task;
    if (is_held_[task]) return Reason::kWaitsForMemory;
    std::vector<Candidate> rivals;
    for (const Candidate& other : all) {
      if (problem_.tasks[other.task].group == problem_.tasks[task].group) rivals.push_back(other);
    }
    if (pick_first(problem_, rivals).candidate.task == task) return pick.reason;
    return task == lean_[num_settled_] ? Reason::kMinPeakOrder : Reason::kFitsMemory;
  }

  bool fits_now(TaskId task) {
    running_use_.start(task);
    const bool fits = running_use_.excess_bytes() == 0;
    running_use_.undo_start(task);
    return fits;
  }

  /// Whether the rest can be executed in the min-peak order once all that runs and `task` have ended.
  /// From its own place in that order on, nothing differs from what is known to be possible.
  bool is_safe(TaskId task) {
    std::vector<TaskId> executed;
    const auto execute = [&](TaskId next) {
      settled_use_.start(next);
      if (settled_use_.excess_bytes() > 0) {
        settled_use_.undo_start(next);
        return false;
      }
      settled_use_.end(next);
      executed.push_back(next);
      return true;
    };
    bool can_go_on = execute(task);
    for (size_t i = num_settled_; can_go_on && lean_[i] != task; ++i) {
      if (!is_started_[lean_[i]]) can_go_on = execute(lean_[i]);
    }
    for (; !executed.empty(); executed.pop_back()) {
      settled_use_.undo_end(executed.back());
      settled_use_.undo_start(executed.back());
    }
    return can_go_on;
  }

  void start(const Pick& pick) {
    const TaskId task = pick.candidate.task;
    const int64_t end_ns = partial_.start(pick.candidate, pick.reason);
    running_use_.start(task);
    running_.emplace(end_ns, task);
    settled_use_.start(task);
    settled_use_.end(task);
    is_started_[task] = true;
    while (num_settled_ < lean_.size() && is_started_[lean_[num_settled_]]) ++num_settled_;
    end_what_is_over();
  }

  void end_what_is_over() {
    for (; !running_.empty() && running_.top().first <= now_ns_; running_.pop()) {
      running_use_.end(running_.top().second);
    }
  }

  /// Goes to the next moment at which something can have changed.
  void go_on(const std::vector<Candidate>& candidates) {
    std::optional<int64_t> next_ns;
    if (!running_.empty()) next_ns = running_.top().first;
    for (const Candidate& candidate : candidates) {
      if (candidate.start_ns == now_ns_) continue;
      next_ns = std::min(next_ns.value_or(candidate.start_ns), candidate.start_ns);
    }
    CHECK(next_ns, "the next task of the min-peak order can start when nothing runs");
    now_ns_ = *next_ns;
    end_what_is_over();
  }

  using End = std::pair<int64_t, TaskId>;

  const SchedulingProblem& problem_;
  const OrderProblem& sequence_;
  const std::vector<TaskId>& lean_;
  Stages stages_;
  PartialSchedule partial_;
  int64_t now_ns_ = 0;
  std::priority_queue<End, std::vector<End>, std::greater<>> running_;
  MemoryUse running_use_;   ///< now
  MemoryUse settled_use_;   ///< when all that has started will have ended
  size_t num_settled_ = 0;  ///< the tasks at the head of the min-peak order that have started
  IdVector<TaskId, bool> is_started_;
  IdVector<TaskId, bool> is_held_;  ///< could have started before, but for memory
};

bool is_within(const IdVector<MemoryId, MemoryPeak>& peaks,
               const IdVector<MemoryId, int64_t>& budget_bytes) {
  for (const MemoryId memory : peaks.ids()) {
    if (peaks[memory].size_bytes > budget_bytes[memory]) return false;
  }
  return true;
}

}  // namespace

SchedulingSolution schedule_within(const SchedulingProblem& problem, const MemoryDemand& demand,
                                   const IdVector<MemoryId, int64_t>& budget_bytes) {
  const auto with_one_version = [&](SchedulingSolution solution) {
    solution.versions = IdVector<VersionedId, int32_t>(problem.values.size(), 1);
    return with_interval(problem, std::move(solution));
  };
  SchedulingSolution plain = list_schedule(problem, Stages(problem.tasks.size(), 0));
  if (is_within(memory_peaks(problem, demand, plain), budget_bytes)) {
    return with_one_version(std::move(plain));
  }
  const std::vector<TaskId> lean = min_peak_order(problem, demand, budget_bytes);
  OrderProblem sequence = order_problem(problem, demand, budget_bytes);
  // What no order is known to keep within is not held against the rest.
  const auto lean_peaks_bytes = peaks_of(sequence, lean);
  for (const MemoryId memory : budget_bytes.ids()) {
    sequence.budget_bytes[memory] = std::max(budget_bytes[memory], lean_peaks_bytes[memory]);
  }
  return with_one_version(BoundedScheduler(problem, sequence, lean).run());
}

}  // namespace graphc

#include "compiler/solve/schedule/order_constructors.h"

#include <algorithm>
#include <utility>

namespace graphc {
namespace {

/// Tasks that a hill and valley may span.
constexpr int kMaxChain = 8;

/// Ready tasks that are compared at one step, those that became ready last; fewer for many tasks.
constexpr size_t kMaxCompared = 128;
constexpr size_t kMinCompared = 16;
constexpr size_t kComparisons = 320'000;

int64_t total_bytes(const MemoryUse& use) {
  int64_t bytes = 0;
  for (const int64_t used_bytes : use.used_bytes()) bytes += used_bytes;
  return bytes;
}

class GreedyOrder {
 public:
  GreedyOrder(const OrderProblem& problem, GreedyRule rule)
      : problem_(problem),
        rule_(rule),
        use_(problem),
        max_compared_(std::clamp(kComparisons / std::max<size_t>(problem.before.size(), 1),
                                 kMinCompared, kMaxCompared)),
        num_before_(problem.before.size()) {
    for (const TaskId task : problem.before.ids()) {
      num_before_[task] = static_cast<int32_t>(problem.before[task].size());
      if (num_before_[task] == 0) ready_.push_back(task);
    }
    const auto& ranks = problem.name_rank;
    std::sort(ready_.begin(), ready_.end(),
              [&](TaskId a, TaskId b) { return ranks[a] > ranks[b]; });
  }

  std::vector<TaskId> run() {
    std::vector<TaskId> order;
    while (!ready_.empty()) {
      const TaskId task = best_ready();
      std::erase(ready_, task);
      order.push_back(task);
      use_.start(task);
      use_.end(task);
      for (const TaskId next : problem_.after[task]) {
        if (--num_before_[next] == 0) ready_.push_back(next);
      }
    }
    return order;
  }

 private:
  /// Compared like tuples, the least first.
  struct Score {
    int64_t excess_bytes = 0;
    int64_t phase = 0;  ///< 0: ends lower than it begins
    int64_t bytes = 0;
    int32_t name_rank = 0;
    auto operator<=>(const Score&) const = default;
  };

  TaskId best_ready() {
    size_t i = ready_.size() - std::min(ready_.size(), max_compared_);
    TaskId best = ready_[i];
    Score best_score = score_of(best);
    for (++i; i < ready_.size(); ++i) {
      const Score score = score_of(ready_[i]);
      if (score >= best_score) continue;
      best = ready_[i];
      best_score = score;
    }
    return best;
  }

  Score score_of(TaskId task) {
    if (rule_ == GreedyRule::kHillValley) return hill_and_valley(task);
    const int64_t before_bytes = total_bytes(use_);
    const int64_t credit_bytes = rule_ == GreedyRule::kNearestFree ? credit_of(task) : 0;
    use_.start(task);
    const int64_t excess_bytes = use_.excess_bytes();
    use_.end(task);
    const int64_t growth_bytes = total_bytes(use_) - before_bytes;
    use_.undo_end(task);
    use_.undo_start(task);
    return {excess_bytes, 0, growth_bytes - credit_bytes, problem_.name_rank[task]};
  }

  /// A share of what others will free, for having come nearer to it.
  int64_t credit_of(TaskId task) const {
    int64_t credit_bytes = 0;
    for (const DemandId id : problem_.touched[task]) {
      const int32_t num_left = use_.num_left(id);
      if (!use_.is_allocated(id) || num_left == 1) continue;
      credit_bytes += problem_.demand.values[id].size_bytes / num_left;
    }
    return credit_bytes;
  }

  /// Follows `task` with what becomes ready by it, always the least growth, and looks how deep that
  /// gets and how high on the way there. Chains that end lower than they begin come first, the
  /// lowest hill first; then those with the largest fall from hill to valley.
  Score hill_and_valley(TaskId task) {
    const int64_t before_bytes = total_bytes(use_);
    int64_t hill_bytes = 0;
    Score score{0, 1, 0, problem_.name_rank[task]};
    int64_t valley_bytes = 0;
    int64_t hill_at_valley_bytes = 0;
    std::vector<TaskId> chain;
    for (std::optional<TaskId> next = task; next; next = follower(chain)) {
      chain.push_back(*next);
      use_.start(*next);
      if (chain.size() == 1) score.excess_bytes = use_.excess_bytes();
      hill_bytes = std::max(hill_bytes, total_bytes(use_) - before_bytes);
      use_.end(*next);
      for (const TaskId after : problem_.after[*next]) --num_before_[after];
      const int64_t now_bytes = total_bytes(use_) - before_bytes;
      if (chain.size() > 1 && now_bytes >= valley_bytes) continue;
      valley_bytes = now_bytes;
      hill_at_valley_bytes = hill_bytes;
    }
    for (size_t i = chain.size(); i-- > 0;) {
      for (const TaskId after : problem_.after[chain[i]]) ++num_before_[after];
      use_.undo_end(chain[i]);
      use_.undo_start(chain[i]);
    }
    score.phase = valley_bytes <= 0 ? 0 : 1;
    score.bytes = valley_bytes <= 0 ? hill_at_valley_bytes : valley_bytes - hill_at_valley_bytes;
    return score;
  }

  std::optional<TaskId> follower(const std::vector<TaskId>& chain) {
    if (chain.size() >= kMaxChain) return std::nullopt;
    std::optional<TaskId> best;
    std::pair<int64_t, int32_t> best_key;
    for (const TaskId done : chain) {
      for (const TaskId next : problem_.after[done]) {
        if (num_before_[next] != 0) continue;
        if (std::find(chain.begin(), chain.end(), next) != chain.end()) continue;
        use_.start(next);
        use_.end(next);
        const std::pair key(total_bytes(use_), problem_.name_rank[next]);
        use_.undo_end(next);
        use_.undo_start(next);
        if (best && key >= best_key) continue;
        best = next;
        best_key = key;
      }
    }
    return best;
  }

  const OrderProblem& problem_;
  GreedyRule rule_;
  MemoryUse use_;
  size_t max_compared_;
  IdVector<TaskId, int32_t> num_before_;
  std::vector<TaskId> ready_;
};

/// What a task with all it needs takes at most, and what it leaves, as if those were trees.
struct Subtree {
  int64_t peak_bytes = 0;
  int64_t residue_bytes = 0;
};

/// By the number of tasks on the longest chain before each, then by name.
std::vector<TaskId> order_by_depth(const OrderProblem& problem) {
  std::vector<TaskId> order;
  IdVector<TaskId, int32_t> num_before(problem.before.size());
  IdVector<TaskId, int32_t> depths(problem.before.size(), 0);
  for (const TaskId task : problem.before.ids()) {
    num_before[task] = static_cast<int32_t>(problem.before[task].size());
    if (num_before[task] == 0) order.push_back(task);
  }
  for (size_t i = 0; i < order.size(); ++i) {
    for (const TaskId next : problem.after[order[i]]) {
      depths[next] = std::max(depths[next], depths[order[i]] + 1);
      if (--num_before[next] == 0) order.push_back(next);
    }
  }
  CHECK(order.size() == problem.before.size(), "edges of distance 0 must form no cycle");
  const auto key = [&](TaskId task) { return std::pair(depths[task], problem.name_rank[task]); };
  std::sort(order.begin(), order.end(), [&](TaskId a, TaskId b) { return key(a) < key(b); });
  return order;
}

class DepthFirstOrder {
 public:
  explicit DepthFirstOrder(const OrderProblem& problem)
      : problem_(problem), needed_(problem.before), subtrees_(problem.before.size()) {
    IdVector<DemandId, int32_t> num_left = problem.num_touching;
    for (const TaskId task : order_by_depth(problem)) {
      sort_subtrees(needed_[task]);
      int64_t before_bytes = 0;
      for (const TaskId child : needed_[task]) {
        subtrees_[task].peak_bytes =
            std::max(subtrees_[task].peak_bytes, before_bytes + subtrees_[child].peak_bytes);
        before_bytes += subtrees_[child].residue_bytes;
      }
      int64_t written_bytes = 0;
      for (const DemandId id : problem.touched[task]) {
        const int64_t size_bytes = problem.demand.values[id].size_bytes;
        const bool is_first = num_left[id] == problem.num_touching[id];
        --num_left[id];
        if (!is_first) continue;
        written_bytes += size_bytes;
        if (num_left[id] > 0) subtrees_[task].residue_bytes += size_bytes;
      }
      subtrees_[task].peak_bytes =
          std::max(subtrees_[task].peak_bytes, before_bytes + written_bytes);
    }
  }

  std::vector<TaskId> run() {
    std::vector<TaskId> sinks;
    for (const TaskId task : problem_.after.ids()) {
      if (problem_.after[task].empty()) sinks.push_back(task);
    }
    sort_subtrees(sinks);
    for (const TaskId sink : sinks) finish(sink);
    return std::move(order_);
  }

 private:
  void sort_subtrees(std::vector<TaskId>& tasks) const {
    const auto key = [&](TaskId task) {
      return std::pair(subtrees_[task].residue_bytes - subtrees_[task].peak_bytes,
                       problem_.name_rank[task]);
    };
    std::sort(tasks.begin(), tasks.end(), [&](TaskId a, TaskId b) { return key(a) < key(b); });
  }

  /// Post-order, with a stack of its own: chains can be long.
  void finish(TaskId sink) {
    std::vector<TaskId> open = {sink};
    while (!open.empty()) {
      const TaskId task = open.back();
      size_t& next = num_seen_[task];
      if (next < needed_[task].size()) {
        const TaskId child = needed_[task][next++];
        if (!is_done_[child]) open.push_back(child);
        continue;
      }
      open.pop_back();
      is_done_[task] = true;
      order_.push_back(task);
    }
  }

  const OrderProblem& problem_;
  IdVector<TaskId, std::vector<TaskId>> needed_;
  IdVector<TaskId, Subtree> subtrees_;
  IdVector<TaskId, size_t> num_seen_ = IdVector<TaskId, size_t>(problem_.before.size(), 0);
  IdVector<TaskId, bool> is_done_ = IdVector<TaskId, bool>(problem_.before.size(), false);
  std::vector<TaskId> order_;
};

}  // namespace

std::vector<TaskId> greedy_order(const OrderProblem& problem, GreedyRule rule) {
  return GreedyOrder(problem, rule).run();
}

std::vector<TaskId> depth_first_order(const OrderProblem& problem) {
  return DepthFirstOrder(problem).run();
}

}  // namespace graphc

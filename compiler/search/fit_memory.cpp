#include "compiler/search/fit_memory.h"

#include <algorithm>
#include <utility>

#include "compiler/search/rewrite_candidates.h"
#include "compiler/solve/schedule/joined_problem.h"

namespace graphc {
namespace {

/// Budgets tried for one set of rewrites: what does not pack without gaps gets a smaller one.
constexpr int kMaxBudgets = 3;

/// Rewrites in a row that lower no peak: several moments of a step can be equally full.
constexpr int kMaxFruitless = 3;

/// Tasks times lowerings, after which no more rewrites are tried.
constexpr int64_t kMaxTasksLowered = 200'000;
constexpr int64_t kMinLowerings = 12;
constexpr int64_t kMaxLowerings = 400;

class MemoryFitter {
 public:
  MemoryFitter(Evaluator& evaluator, const Assignment& assignment, const MemoryLimits& limits)
      : evaluator_(evaluator), limits_(limits) {
    plain_.assignment = assignment;
    const auto num_tasks =
        std::max<int64_t>(static_cast<int64_t>((*evaluator.placed(plain_))->ops.size()), 1);
    lowerings_left_ = std::clamp(kMaxTasksLowered / num_tasks, kMinLowerings, kMaxLowerings);
  }

  Fit run() {
    Fit fastest = lower_and_measure(plain_);
    if (fastest.fits()) return fastest;
    if (has_joint_launches(fastest)) {
      Decisions decisions = plain_;
      decisions.launches = Launches::kSeparate;
      Fit apart = lower_and_measure(std::move(decisions));
      if (apart.fits()) return apart;
    }
    Fit best = within_budget({});
    int num_fruitless = 0;
    for (Fit current = best; !best.fits() && num_fruitless < kMaxFruitless;) {
      std::optional<Fit> next = with_one_more_rewrite(current);
      if (!next) break;
      num_fruitless = next->score.excess_bytes < best.score.excess_bytes ? 0 : num_fruitless + 1;
      if (next->score < best.score) best = *next;
      current = *std::move(next);
    }
    return fastest.score < best.score ? fastest : best;
  }

 private:
  static bool has_joint_launches(const Fit& fit) {
    return !launches_in(fit.synchronised.memory->schedule->solution).empty();
  }

  Fit lower_and_measure(Decisions decisions) {
    --lowerings_left_;
    Synchronised synchronised = evaluator_.lowered(decisions, limits_);
    FitScore score{0, synchronised.interval_ns, synchronised.latency_ns};
    for (const DeviceId device : limits_.ids()) {
      score.excess_bytes += excess_bytes(synchronised, device);
    }
    return {std::move(decisions), std::move(synchronised), score};
  }

  int64_t excess_bytes(const Synchronised& synchronised, DeviceId device) const {
    return std::max<int64_t>(peak_bytes(synchronised.memory, device) - limits_[device], 0);
  }

  Fit within_budget(const std::vector<MemoryRewrite>& rewrites) {
    Decisions decisions = plain_;
    decisions.rewrites = rewrites;
    decisions.budget = limits_;
    Fit best = lower_and_measure(decisions);
    MemoryLimits budget = limits_;
    for (int i = 1; i < kMaxBudgets && !best.fits(); ++i) {
      for (const DeviceId device : limits_.ids()) {
        const int64_t excess = excess_bytes(best.synchronised, device);
        budget[device] = std::max<int64_t>(budget[device] - excess, 0);
      }
      decisions.budget = budget;
      Fit next = lower_and_measure(decisions);
      if (!(next.score < best.score)) break;
      best = std::move(next);
    }
    return best;
  }

  std::optional<Fit> with_one_more_rewrite(const Fit& current) {
    const Machine& machine = evaluator_.machine();
    const PlacedGraph graph =
        apply_rewrites(*evaluator_.placed(plain_), current.decisions.rewrites, machine);
    std::optional<Fit> best;
    for (const DeviceId device : limits_.ids()) {
      if (excess_bytes(current.synchronised, device) == 0) continue;
      for (const MemoryRewrite& rewrite :
           rewrite_candidates(graph, current.synchronised.memory->schedule, device, machine)) {
        if (lowerings_left_ <= 0) return best;
        std::vector<MemoryRewrite> rewrites = current.decisions.rewrites;
        rewrites.push_back(rewrite);
        Fit next = within_budget(rewrites);
        if (!best || next.score < best->score) best = std::move(next);
      }
    }
    return best;
  }

  Evaluator& evaluator_;
  const MemoryLimits& limits_;
  Decisions plain_;
  int64_t lowerings_left_ = 0;
};

}  // namespace

bool has_room_for_all(const Schedule& schedule, const MemoryLimits& limits) {
  const PlacedGraph& placed = schedule.tasks->placed;
  MemoryLimits left_bytes = limits;
  for (const PlacedValueId value : placed.values.ids()) {
    int64_t& left = left_bytes[placed.values[value].device];
    left -= aligned_bytes(placed.type_of(value).size_bytes()) * schedule.versions[value];
    if (left < 0) return false;
  }
  return true;
}

Fit fit_memory(Evaluator& evaluator, const Assignment& assignment, const MemoryLimits& limits) {
  return MemoryFitter(evaluator, assignment, limits).run();
}

}  // namespace graphc

#include "compiler/fit/fit_memory.h"

#include <algorithm>

#include "compiler/fit/rewrite_candidates.h"
#include "compiler/schedule/joined_problem.h"

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
  MemoryFitter(const PlacedGraph& placed, const Machine& machine, const MemoryLimits& limits,
               const LowerUnder& lower)
      : placed_(placed), machine_(machine), limits_(limits), lower_(lower) {
    const auto num_tasks = std::max<int64_t>(static_cast<int64_t>(placed.ops.size()), 1);
    lowerings_left_ = std::clamp(kMaxTasksLowered / num_tasks, kMinLowerings, kMaxLowerings);
  }

  Fit run() {
    Fit fastest = lowered({});
    if (fastest.fits()) return fastest;
    if (has_joint_launches(fastest)) {
      Fit apart = lowered({std::nullopt, {}, Launches::kApart});
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
    return !launches_in(fit.synchronised.memory.schedule.solution).empty();
  }

  Fit lowered(MemoryStrategy strategy) {
    --lowerings_left_;
    Synchronised synchronised = lower_(strategy);
    FitScore score{0, synchronised.interval_ns, synchronised.latency_ns};
    for (const DeviceId device : limits_.ids()) {
      score.excess_bytes += excess_bytes(synchronised, device);
    }
    return {std::move(strategy), std::move(synchronised), score};
  }

  int64_t excess_bytes(const Synchronised& synchronised, DeviceId device) const {
    return std::max<int64_t>(peak_bytes(synchronised.memory, device) - limits_[device], 0);
  }

  Fit within_budget(const std::vector<MemoryRewrite>& rewrites) {
    Fit best = lowered({limits_, rewrites});
    MemoryLimits budget = limits_;
    for (int i = 1; i < kMaxBudgets && !best.fits(); ++i) {
      for (const DeviceId device : limits_.ids()) {
        const int64_t excess = excess_bytes(best.synchronised, device);
        budget[device] = std::max<int64_t>(budget[device] - excess, 0);
      }
      Fit next = lowered({budget, rewrites});
      if (!(next.score < best.score)) break;
      best = std::move(next);
    }
    return best;
  }

  std::optional<Fit> with_one_more_rewrite(const Fit& current) {
    const PlacedGraph graph = rewritten(placed_, current.strategy, machine_);
    std::optional<Fit> best;
    for (const DeviceId device : limits_.ids()) {
      if (excess_bytes(current.synchronised, device) == 0) continue;
      for (const MemoryRewrite& rewrite :
           rewrite_candidates(graph, current.synchronised.memory.schedule, device, machine_)) {
        if (lowerings_left_ <= 0) return best;
        std::vector<MemoryRewrite> rewrites = current.strategy.rewrites;
        rewrites.push_back(rewrite);
        Fit next = within_budget(rewrites);
        if (!best || next.score < best->score) best = std::move(next);
      }
    }
    return best;
  }

  const PlacedGraph& placed_;
  const Machine& machine_;
  const MemoryLimits& limits_;
  const LowerUnder& lower_;
  int64_t lowerings_left_;
};

}  // namespace

Fit fit_memory(const PlacedGraph& placed, const Machine& machine, const MemoryLimits& limits,
               const LowerUnder& lower) {
  return MemoryFitter(placed, machine, limits, lower).run();
}

}  // namespace graphc

#include "compiler/solve/schedule/balance_cores.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <tuple>
#include <utility>

namespace graphc {
namespace {

/// Busy for less of a step, a core has room enough, and a task is better off where what it reads
/// was written.
constexpr double kFull = 0.75;
/// A core that sleeps takes about that long to wake: less work is not worth another core.
constexpr int64_t kMinMovedNs = 50'000;

class CoreBalance {
 public:
  CoreBalance(const SchedulingProblem& problem, SchedulingSolution solution)
      : problem_(problem),
        solution_(std::move(solution)),
        busy_ns_(problem.num_lanes, 0),
        neighbours_(problem.tasks.size()) {
    for (const SchedulingEdge& edge : problem.edges) {
      if (edge.distance > 0 || edge.is_storage) continue;
      neighbours_[edge.from].push_back(edge.to);
      neighbours_[edge.to].push_back(edge.from);
    }
    for (const TaskId task : problem.tasks.ids()) {
      busy_ns_[solution_.tasks[task].lane] += duration_ns(task);
    }
  }

  void even_out(const LaneGroup& group) {
    // Every move makes the sum of squares smaller; the limit is for the time it takes.
    const size_t max_moves = problem_.tasks.size();
    for (size_t i = 0; i < max_moves; ++i) {
      const auto [emptiest, fullest] =
          std::minmax_element(group.lanes.begin(), group.lanes.end(),
                              [&](LaneId a, LaneId b) { return busy_ns_[a] < busy_ns_[b]; });
      if (!is_full(*fullest)) return;
      const auto task = best_to_move(*fullest, busy_ns_[*fullest] - busy_ns_[*emptiest]);
      if (!task) return;
      move(*task, *emptiest);
    }
  }

  SchedulingSolution take() && { return std::move(solution_); }

 private:
  int64_t duration_ns(TaskId task) const { return problem_.tasks[task].cost.duration_ns(); }

  bool is_full(LaneId lane) const {
    return static_cast<double>(busy_ns_[lane]) > static_cast<double>(solution_.interval_ns) * kFull;
  }

  /// The task that leaves the smallest difference of `difference_ns`, if that is smaller than it.
  std::optional<TaskId> best_to_move(LaneId lane, int64_t difference_ns) const {
    std::optional<TaskId> best;
    const auto key = [&](TaskId task) {
      return std::tuple(std::abs(difference_ns - 2 * duration_ns(task)),
                        problem_.tasks[task].name_rank);
    };
    for (const TaskId task : solution_.lanes[lane]) {
      const bool helps = kMinMovedNs <= duration_ns(task) && duration_ns(task) < difference_ns;
      if (helps && stands_alone(task) && (!best || key(task) < key(*best))) best = task;
    }
    return best;
  }

  /// Whether no task of its lane reads in this step what it makes, or the other way round: apart,
  /// the two would wait for each other on two cores, one after the other as before.
  bool stands_alone(TaskId task) const {
    return std::none_of(neighbours_[task].begin(), neighbours_[task].end(), [&](TaskId other) {
      return solution_.tasks[other].lane == solution_.tasks[task].lane;
    });
  }

  /// Behind all that starts no later: what takes no time may be what it depends on.
  void move(TaskId task, LaneId to) {
    ScheduledTask& moved = solution_.tasks[task];
    std::erase(solution_.lanes[moved.lane], task);
    auto& order = solution_.lanes[to];
    order.insert(std::upper_bound(order.begin(), order.end(), moved.start_ns,
                                  [&](int64_t start_ns, TaskId other) {
                                    return start_ns < solution_.tasks[other].start_ns;
                                  }),
                 task);
    busy_ns_[moved.lane] -= duration_ns(task);
    busy_ns_[to] += duration_ns(task);
    moved.lane = to;
    moved.reason = Reason::kBalance;
  }

  const SchedulingProblem& problem_;
  SchedulingSolution solution_;
  IdVector<LaneId, int64_t> busy_ns_;
  IdVector<TaskId, std::vector<TaskId>> neighbours_;  // within a step
};

}  // namespace

SchedulingSolution balance_cores(const SchedulingProblem& problem, SchedulingSolution solution) {
  CoreBalance balance(problem, std::move(solution));
  for (const LaneGroup& group : problem.groups) {
    if (group.is_of_cores) balance.even_out(group);
  }
  return std::move(balance).take();
}

}  // namespace graphc

#include "compiler/solve/schedule/order_improvement.h"

#include <algorithm>
#include <utility>

namespace graphc {
namespace {

/// Moves tried around one peak, those of the largest values first.
constexpr size_t kMaxMoves = 32;

/// The fullest moment: while the task at `position` runs.
struct FullestMoment {
  MemoryId memory;
  size_t position = 0;
};

FullestMoment fullest_moment(const OrderProblem& problem, const std::vector<TaskId>& order) {
  const auto peaks_bytes = peaks_of(problem, order);
  const auto key = [&](MemoryId memory) {
    const int64_t excess_bytes = peaks_bytes[memory] - problem.budget_bytes[memory];
    return std::pair(std::max<int64_t>(0, excess_bytes), peaks_bytes[memory]);
  };
  FullestMoment fullest;
  for (const MemoryId memory : peaks_bytes.ids()) {
    if (key(memory) > key(fullest.memory)) fullest.memory = memory;
  }
  MemoryUse use(problem);
  for (; fullest.position < order.size(); ++fullest.position) {
    use.start(order[fullest.position]);
    if (use.used_bytes()[fullest.memory] == peaks_bytes[fullest.memory]) break;
    use.end(order[fullest.position]);
  }
  return fullest;
}

enum class Target {
  kPeak,      ///< right beyond the fullest moment
  kFarthest,  ///< as far beyond it as the edges allow
};

/// The task at `position` is to go to the other side of the fullest moment.
struct Move {
  int64_t size_bytes = 0;
  size_t position = 0;
  Target target = Target::kPeak;
};

/// Moves of what allocates before the fullest moment, or frees after it, values that the task of
/// that moment does not touch.
std::vector<Move> moves_around(const OrderProblem& problem, const std::vector<TaskId>& order,
                               const FullestMoment& fullest) {
  IdVector<DemandId, std::vector<size_t>> touched_at(problem.demand.values.size());
  for (size_t i = 0; i < order.size(); ++i) {
    for (const DemandId id : problem.touched[order[i]]) touched_at[id].push_back(i);
  }
  std::vector<int64_t> held_bytes(order.size(), 0);
  for (const DemandId id : touched_at.ids()) {
    const DemandedValue& value = problem.demand.values[id];
    const auto& at = touched_at[id];
    if (value.memory != fullest.memory) continue;
    if (at.front() > fullest.position || at.back() < fullest.position) continue;
    if (std::binary_search(at.begin(), at.end(), fullest.position)) continue;
    held_bytes[at.front()] += value.size_bytes;
    held_bytes[at.back()] += value.size_bytes;
  }
  std::vector<Move> moves;
  for (size_t i = 0; i < order.size(); ++i) {
    if (held_bytes[i] == 0) continue;
    moves.push_back({held_bytes[i], i, Target::kPeak});
    moves.push_back({held_bytes[i], i, Target::kFarthest});
  }
  std::stable_sort(moves.begin(), moves.end(),
                   [](const Move& a, const Move& b) { return a.size_bytes > b.size_bytes; });
  if (moves.size() > kMaxMoves) moves.resize(kMaxMoves);
  return moves;
}

/// `order` with the task at `from` behind the one at `peak`, and with it all between them that
/// depends on it; none if the one at `peak` does. `after` are the edges in the direction of the
/// order. Requires: from < peak.
std::optional<std::vector<TaskId>> postponed(const IdVector<TaskId, std::vector<TaskId>>& after,
                                             const std::vector<TaskId>& order, size_t from,
                                             size_t peak, Target target) {
  IdVector<TaskId, bool> depends(order.size(), false);
  std::vector<TaskId> moved;
  std::vector<TaskId> result(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(from));
  depends[order[from]] = true;
  size_t i = from;
  for (; i < order.size(); ++i) {
    const TaskId task = order[i];
    const bool goes_along = depends[task];
    if (i == peak && goes_along) return std::nullopt;
    if (i > peak && (goes_along || target == Target::kPeak)) break;
    if (!goes_along) {
      result.push_back(task);
      continue;
    }
    moved.push_back(task);
    for (const TaskId next : after[task]) depends[next] = true;
  }
  result.insert(result.end(), moved.begin(), moved.end());
  result.insert(result.end(), order.begin() + static_cast<std::ptrdiff_t>(i), order.end());
  return result;
}

std::optional<std::vector<TaskId>> move_task(const OrderProblem& problem,
                                             const std::vector<TaskId>& order, size_t peak,
                                             const Move& move) {
  if (move.position < peak) {
    return postponed(problem.after, order, move.position, peak, move.target);
  }
  // What goes before the peak goes behind it when time runs backwards.
  const std::vector<TaskId> backwards(order.rbegin(), order.rend());
  const size_t last = order.size() - 1;
  auto result =
      postponed(problem.before, backwards, last - move.position, last - peak, move.target);
  if (result) std::reverse(result->begin(), result->end());
  return result;
}

}  // namespace

std::vector<TaskId> improved_order(const OrderProblem& problem, std::vector<TaskId> order,
                                   int64_t max_evaluations) {
  OrderCost cost = cost_of(problem, order);
  int64_t num_evaluations = 0;
  while (num_evaluations < max_evaluations) {
    const FullestMoment fullest = fullest_moment(problem, order);
    if (fullest.position == order.size()) break;  // what is always in use is all
    std::optional<std::vector<TaskId>> best;
    for (const Move& move : moves_around(problem, order, fullest)) {
      auto candidate = move_task(problem, order, fullest.position, move);
      if (!candidate || num_evaluations >= max_evaluations) continue;
      ++num_evaluations;
      const OrderCost candidate_cost = cost_of(problem, *candidate);
      if (candidate_cost >= cost) continue;
      cost = candidate_cost;
      best = std::move(candidate);
    }
    if (!best) break;
    order = *std::move(best);
  }
  return order;
}

}  // namespace graphc

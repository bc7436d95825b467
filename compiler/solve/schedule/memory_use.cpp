#include "compiler/solve/schedule/memory_use.h"

#include <algorithm>
#include <utility>

namespace graphc {
namespace {

template <class T, class Key>
void make_unique(std::vector<T>& items, const Key& key) {
  std::sort(items.begin(), items.end(), [&](T a, T b) { return key(a) < key(b); });
  items.erase(std::unique(items.begin(), items.end()), items.end());
}

}  // namespace

OrderProblem order_problem(const SchedulingProblem& problem, const MemoryDemand& demand,
                           const IdVector<MemoryId, int64_t>& budget_bytes) {
  CHECK(budget_bytes.size() == demand.always_bytes.size(), "every memory needs a budget");
  const size_t num_tasks = problem.tasks.size();
  OrderProblem order;
  order.demand = demand;
  order.budget_bytes = budget_bytes;
  order.before = order.after = IdVector<TaskId, std::vector<TaskId>>(num_tasks);
  order.touched = IdVector<TaskId, std::vector<DemandId>>(num_tasks);
  order.num_touching = IdVector<DemandId, int32_t>(demand.values.size(), 0);
  for (const SchedulingEdge& edge : problem.edges) {
    if (edge.distance != 0) continue;
    order.before[edge.to].push_back(edge.from);
    order.after[edge.from].push_back(edge.to);
  }
  for (const DemandId id : demand.values.ids()) {
    const DemandedValue& value = demand.values[id];
    CHECK(!value.writers.empty(), "a value needs a writer");
    for (const TaskId task : value.writers) order.touched[task].push_back(id);
    for (const TaskId task : value.readers) order.touched[task].push_back(id);
  }
  const auto name_rank = [&](TaskId task) {
    return std::pair(problem.tasks[task].name_rank, task);
  };
  for (const TaskId task : problem.tasks.ids()) {
    make_unique(order.before[task], name_rank);
    make_unique(order.after[task], name_rank);
    make_unique(order.touched[task], [](DemandId id) { return id; });
    for (const DemandId id : order.touched[task]) ++order.num_touching[id];
    order.name_rank.push_back(problem.tasks[task].name_rank);
  }
  return order;
}

OrderProblem reversed(OrderProblem problem) {
  std::swap(problem.before, problem.after);
  return problem;
}

int64_t MemoryUse::excess_bytes() const {
  int64_t excess_bytes = 0;
  for (const MemoryId memory : used_bytes_.ids()) {
    excess_bytes += std::max<int64_t>(0, used_bytes_[memory] - problem_->budget_bytes[memory]);
  }
  return excess_bytes;
}

namespace {

struct Fullness {
  int64_t peak_bytes;
  int64_t num_fullest = 0;
};

IdVector<MemoryId, Fullness> fullness_of(const OrderProblem& problem,
                                         const std::vector<TaskId>& order) {
  IdVector<MemoryId, Fullness> fullness;
  for (const int64_t always_bytes : problem.demand.always_bytes) fullness.push_back({always_bytes});
  MemoryUse use(problem);
  for (const TaskId task : order) {
    use.start(task);
    for (const MemoryId memory : fullness.ids()) {
      const int64_t used_bytes = use.used_bytes()[memory];
      if (used_bytes > fullness[memory].peak_bytes) fullness[memory] = {used_bytes, 0};
      if (used_bytes == fullness[memory].peak_bytes) ++fullness[memory].num_fullest;
    }
    use.end(task);
  }
  return fullness;
}

}  // namespace

IdVector<MemoryId, int64_t> peaks_of(const OrderProblem& problem,
                                     const std::vector<TaskId>& order) {
  IdVector<MemoryId, int64_t> peaks_bytes;
  for (const Fullness& memory : fullness_of(problem, order)) {
    peaks_bytes.push_back(memory.peak_bytes);
  }
  return peaks_bytes;
}

OrderCost cost_of(const OrderProblem& problem, const std::vector<TaskId>& order) {
  const auto fullness = fullness_of(problem, order);
  OrderCost cost;
  for (const MemoryId memory : fullness.ids()) {
    const auto& [peak_bytes, num_fullest] = fullness[memory];
    cost.excess_bytes += std::max<int64_t>(0, peak_bytes - problem.budget_bytes[memory]);
    cost.peak_bytes += peak_bytes;
    cost.num_fullest += num_fullest;
  }
  return cost;
}

}  // namespace graphc

#include "compiler/solve/schedule/memory_demand.h"

#include <algorithm>
#include <queue>
#include <tuple>

#include "compiler/solve/schedule/memory_use.h"

namespace graphc {
namespace {

/// The number of tasks on the longest chain, by edges and lanes, that ends with each task.
IdVector<TaskId, int32_t> depths_of(const SchedulingProblem& problem,
                                    const SchedulingSolution& solution) {
  IdVector<TaskId, std::vector<TaskId>> after(problem.tasks.size());
  IdVector<TaskId, int32_t> num_before(problem.tasks.size(), 0);
  const auto add = [&](TaskId from, TaskId to) {
    after[from].push_back(to);
    ++num_before[to];
  };
  for (const SchedulingEdge& edge : problem.edges) {
    if (edge.distance == 0) add(edge.from, edge.to);
  }
  for (const auto& lane : solution.lanes) {
    for (size_t i = 1; i < lane.size(); ++i) add(lane[i - 1], lane[i]);
  }
  IdVector<TaskId, int32_t> depths(problem.tasks.size(), 1);
  std::vector<TaskId> done;
  for (const TaskId task : problem.tasks.ids()) {
    if (num_before[task] == 0) done.push_back(task);
  }
  for (size_t i = 0; i < done.size(); ++i) {
    for (const TaskId next : after[done[i]]) {
      depths[next] = std::max(depths[next], depths[done[i]] + 1);
      if (--num_before[next] == 0) done.push_back(next);
    }
  }
  CHECK(done.size() == problem.tasks.size(), "lane order and edges must form no cycle");
  return depths;
}

std::vector<TaskId> by_start(const SchedulingProblem& problem, const SchedulingSolution& solution) {
  const auto depths = depths_of(problem, solution);
  std::vector<TaskId> order;
  for (const TaskId task : problem.tasks.ids()) order.push_back(task);
  const auto key = [&](TaskId task) {
    const ScheduledTask& at = solution.tasks[task];
    return std::tuple(at.start_ns, at.end_ns, depths[task], problem.tasks[task].name_rank);
  };
  std::sort(order.begin(), order.end(), [&](TaskId a, TaskId b) { return key(a) < key(b); });
  return order;
}

}  // namespace

IdVector<MemoryId, MemoryPeak> memory_peaks(const SchedulingProblem& problem,
                                            const MemoryDemand& demand,
                                            const SchedulingSolution& solution) {
  const OrderProblem sequence = order_problem(problem, demand, demand.always_bytes);
  IdVector<MemoryId, MemoryPeak> peaks;
  for (const int64_t always_bytes : demand.always_bytes) {
    peaks.push_back({always_bytes, std::nullopt});
  }
  using End = std::pair<int64_t, TaskId>;
  std::priority_queue<End, std::vector<End>, std::greater<>> running;
  MemoryUse use(sequence);
  for (const TaskId task : by_start(problem, solution)) {
    const ScheduledTask& at = solution.tasks[task];
    for (; !running.empty() && running.top().first <= at.start_ns; running.pop()) {
      use.end(running.top().second);
    }
    use.start(task);
    running.emplace(at.end_ns, task);
    for (const MemoryId memory : peaks.ids()) {
      const int64_t used_bytes = use.used_bytes()[memory];
      if (used_bytes > peaks[memory].size_bytes) peaks[memory] = {used_bytes, task};
    }
  }
  return peaks;
}

}  // namespace graphc

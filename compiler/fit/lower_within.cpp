#include "compiler/fit/lower_within.h"

#include <algorithm>

#include "compiler/fit/divide_copies.h"
#include "compiler/fit/limits.h"
#include "compiler/placement/insert_copies.h"
#include "compiler/placement/split_rows.h"

namespace graphc {
namespace {

TaskGraph tasks_of(const PlacedGraph& placed, const Machine& machine, const CostModel& costs) {
  return find_dependencies(split_rows(placed, machine, costs.block_sizes()), machine, costs);
}

/// Copies between what kernels of the host and of other devices work on.
int64_t num_hand_overs(const PlacedGraph& placed, DeviceId host) {
  IdVector<PlacedValueId, bool> is_of_kernel(placed.values.size(), false);
  for (const PlacedOp& op : placed.ops) {
    if (op.kind != PlacedOpKind::kNode || op.device != host) continue;
    is_of_kernel[*op.writes] = true;
    for (const PlacedOperand& read : op.reads) is_of_kernel[read.value] = true;
  }
  return std::count_if(placed.ops.begin(), placed.ops.end(), [&](const PlacedOp& op) {
    if (op.kind != PlacedOpKind::kCopy) return false;
    return (op.device == host && is_of_kernel[op.reads[0].value]) ||
           (op.destination == host && is_of_kernel[*op.writes]);
  });
}

Fit fit_within(const MemoryLimits& limits, const PlacedGraph& placed, const Machine& machine,
               const CostModel& costs) {
  return fit_memory(placed, machine, limits, [&](const MemoryStrategy& strategy) {
    return lower_within(limits, placed, strategy, machine, costs);
  });
}

}  // namespace

Schedule scheduled_within(const TaskGraph& tasks, const MemoryStrategy& strategy,
                          const Machine& machine, const CostModel& costs,
                          const MemoryLimits& limits) {
  if (strategy.budget) return schedule_tasks_within(tasks, *strategy.budget);
  Schedule schedule = schedule_tasks(tasks, strategy.launches);
  if (strategy.gives_up_something()) return schedule;
  return with_divided_copies(schedule, machine, costs, limits);
}

Synchronised lower_within(const MemoryLimits& limits, const PlacedGraph& placed,
                          const MemoryStrategy& strategy, const Machine& machine,
                          const CostModel& costs) {
  const TaskGraph tasks = tasks_of(rewritten(placed, strategy, machine), machine, costs);
  const Schedule schedule = scheduled_within(tasks, strategy, machine, costs, limits);
  return remove_redundant_waits(plan_memory(schedule, limits));
}

MemoryStrategy choose_strategy(const PlacedGraph& placed, const Machine& machine,
                               const CostModel& costs, const MemoryLimits& limits) {
  if (has_room_for_all(schedule_tasks(tasks_of(placed, machine, costs)), limits)) return {};
  return fit_within(limits, placed, machine, costs).strategy;
}

std::optional<PlacementScore> score_within(const MemoryLimits& limits, const Graph& graph,
                                           const Assignment& assignment, const Machine& machine,
                                           const CostModel& costs) {
  DiagnosticSink unused;
  const auto placed = insert_copies(graph, assignment, machine, unused);
  if (!placed) return std::nullopt;
  const int64_t hand_overs = num_hand_overs(*placed, machine.host());
  const Schedule schedule = schedule_tasks(tasks_of(*placed, machine, costs));
  if (has_room_for_all(schedule, limits)) {
    return PlacementScore{0, schedule.solution.interval_ns, schedule.solution.latency_ns,
                          hand_overs};
  }
  const FitScore score = fit_within(limits, *placed, machine, costs).score;
  return PlacementScore{score.excess_bytes, score.interval_ns, score.latency_ns, hand_overs};
}

}  // namespace graphc

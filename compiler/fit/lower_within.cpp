#include "compiler/fit/lower_within.h"

#include "compiler/placement/insert_copies.h"
#include "compiler/placement/split_rows.h"

namespace graphc {
namespace {

TaskGraph tasks_of(const PlacedGraph& placed, const Machine& machine, const CostModel& costs) {
  return find_dependencies(split_rows(placed, machine, costs.block_sizes()), machine, costs);
}

/// Whether every value could have bytes of its own.
bool has_room_for_all(const Schedule& schedule, const MemoryLimits& limits) {
  const PlacedGraph& placed = schedule.tasks.placed;
  MemoryLimits left_bytes = limits;
  for (const PlacedValueId value : placed.values.ids()) {
    int64_t& left = left_bytes[placed.values[value].device];
    left -= aligned_bytes(placed.type_of(value).size_bytes()) * schedule.versions[value];
    if (left < 0) return false;
  }
  return true;
}

Fit fit_within(const MemoryLimits& limits, const PlacedGraph& placed, const Machine& machine,
               const CostModel& costs) {
  return fit_memory(placed, machine, limits, [&](const MemoryStrategy& strategy) {
    return lower_within(limits, placed, strategy, machine, costs);
  });
}

}  // namespace

Synchronised lower_within(const MemoryLimits& limits, const PlacedGraph& placed,
                          const MemoryStrategy& strategy, const Machine& machine,
                          const CostModel& costs) {
  const TaskGraph tasks = tasks_of(rewritten(placed, strategy, machine), machine, costs);
  const Schedule schedule = strategy.budget ? schedule_tasks_within(tasks, *strategy.budget)
                                            : schedule_tasks(tasks, strategy.launches);
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
  const Schedule schedule = schedule_tasks(tasks_of(*placed, machine, costs));
  if (has_room_for_all(schedule, limits)) {
    return PlacementScore{0, schedule.solution.interval_ns, schedule.solution.latency_ns};
  }
  const FitScore score = fit_within(limits, *placed, machine, costs).score;
  return PlacementScore{score.excess_bytes, score.interval_ns, score.latency_ns};
}

}  // namespace graphc

#include "compiler/memory/sharing.h"

#include <algorithm>

#include "compiler/schedule/lane_order.h"

namespace graphc {
namespace {

/// The least k for which every access to `a` of step s precedes every access to `b` of step s + k;
/// nothing if there is none within the horizon.
std::optional<int32_t> least_lead(const std::vector<ValueAccess>& a,
                                  const std::vector<ValueAccess>& b, const HappensBefore& order) {
  std::optional<int32_t> lead;
  for (const ValueAccess& first : a) {
    for (const ValueAccess& second : b) {
      const auto distance = order.least_distance(first.position, second.position);
      if (!distance) return std::nullopt;
      // first runs in interval s + first.offset, second in interval s + k + second.offset.
      const int32_t steps = *distance + first.interval_offset - second.interval_offset;
      lead = std::max(lead.value_or(steps), steps);
    }
  }
  return lead;
}

}  // namespace

IdVector<PlacedValueId, std::vector<ValueAccess>> value_accesses(const Schedule& schedule) {
  const PlacedGraph& placed = schedule.tasks.placed;
  const auto positions = positions_of(schedule.solution);
  IdVector<PlacedValueId, std::vector<ValueAccess>> accesses(placed.values.size());
  for (const TaskId task : schedule.tasks.tasks.ids()) {
    const auto& writes = placed.ops[schedule.tasks.tasks[task].op].writes;
    if (!writes) continue;
    accesses[*writes].push_back({positions[task], schedule.solution.tasks[task].stage});
  }
  for (const TaskId task : schedule.tasks.tasks.ids()) {
    for (const PlacedOperand& read : placed.ops[schedule.tasks.tasks[task].op].reads) {
      const int32_t offset = schedule.solution.tasks[task].stage + read.distance;
      accesses[read.value].push_back({positions[task], offset});
    }
  }
  return accesses;
}

HappensBefore enforced_order(const Schedule& schedule) {
  const auto problem = scheduling_problem(schedule.tasks);
  const LaneProgram program = with_all_waits(problem, schedule.solution, enforced_edges(schedule));
  int32_t horizon = 2;
  for (const ScheduledTask& task : schedule.solution.tasks) {
    horizon = std::max(horizon, task.stage + 2);
  }
  return HappensBefore(program, horizon);
}

bool may_share_bytes(const std::vector<ValueAccess>& a, const std::vector<ValueAccess>& b,
                     const HappensBefore& order) {
  const auto a_leads = least_lead(a, b, order);
  const auto b_leads = least_lead(b, a, order);
  // b of step s + k before a of step s + 1: its lead over a is at most 1 - k.
  return a_leads && b_leads && *a_leads <= 1 - *b_leads;
}

}  // namespace graphc

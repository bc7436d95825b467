#include "compiler/memory/sharing.h"

#include <algorithm>

#include "compiler/schedule/lane_order.h"

namespace graphc {
namespace {

using Accesses = std::vector<ValueAccess>;

/// The least k for which every access to `a` of step s precedes every access to `b` of step s + k;
/// nothing if there is none.
std::optional<int32_t> least_lead(const PlacedGraph& placed, const Accesses& a, const Accesses& b,
                                  ShareKind kind, const LeastDistance& distance) {
  std::optional<int32_t> lead;
  for (const ValueAccess& first : a) {
    for (const ValueAccess& second : b) {
      if (is_exempt(placed, first, second, kind)) continue;
      const auto intervals = distance(first, second);
      if (!intervals) return std::nullopt;
      // first runs in interval s + first.offset, second in interval s + k + second.offset.
      const int32_t steps = *intervals + first.interval_offset - second.interval_offset;
      lead = std::max(lead.value_or(steps), steps);
    }
  }
  return lead;
}

}  // namespace

IdVector<PlacedValueId, std::vector<ValueAccess>> value_accesses(const Schedule& schedule) {
  const PlacedGraph& placed = schedule.tasks->placed;
  const auto positions = positions_of(schedule.solution);
  IdVector<PlacedValueId, std::vector<ValueAccess>> accesses(placed.values.size());
  const auto add = [&](TaskId task, PlacedValueId value, int32_t distance,
                       const std::optional<RowRange>& rows, bool is_write) {
    const int32_t offset = schedule.solution.tasks[task].stage + distance;
    accesses[value].push_back(
        {positions[task], offset, task, value, rows_or_all(placed.type_of(value), rows), is_write});
  };
  for (const TaskId task : schedule.tasks->tasks.ids()) {
    const PlacedOp& op = placed.ops[schedule.tasks->tasks[task].op];
    if (op.writes) add(task, *op.writes, 0, op.rows, true);
  }
  for (const TaskId task : schedule.tasks->tasks.ids()) {
    for (const PlacedOperand& read : placed.ops[schedule.tasks->tasks[task].op].reads) {
      add(task, read.value, read.distance, read.rows, false);
    }
  }
  return accesses;
}

HappensBefore enforced_order(const Schedule& schedule, const std::vector<SchedulingEdge>& more) {
  const auto problem = scheduling_problem(schedule.tasks);
  auto edges = enforced_edges(schedule);
  edges.insert(edges.end(), more.begin(), more.end());
  const LaneProgram program = with_all_waits(problem, schedule.solution, edges);
  int32_t horizon = 2;
  for (const ScheduledTask& task : schedule.solution.tasks) {
    horizon = std::max(horizon, task.stage + 2);
  }
  for (const SchedulingEdge& edge : more) {
    const int32_t stages =
        schedule.solution.tasks[edge.to].stage - schedule.solution.tasks[edge.from].stage;
    horizon = std::max(horizon, edge.distance + stages + 1);
  }
  return HappensBefore(program, horizon);
}

LeastDistance distances_in(const HappensBefore& order) {
  return [&order](const ValueAccess& first, const ValueAccess& second) {
    return order.least_distance(first.position, second.position);
  };
}

std::optional<Turns> find_turns(const PlacedGraph& placed, const Accesses& a, const Accesses& b,
                                ShareKind kind, const LeastDistance& distance) {
  const auto a_leads = least_lead(placed, a, b, kind, distance);
  if (!a_leads) return std::nullopt;
  const auto b_leads = least_lead(placed, b, a, kind, distance);
  // b of step s + k before a of step s + 1: its lead over a is at most 1 - k.
  if (!b_leads || *a_leads > 1 - *b_leads) return std::nullopt;
  return Turns{*a_leads, kind};
}

bool may_write_over(const PlacedGraph& placed, const PlacedOp& writer, PlacedValueId from) {
  if (writer.kind != PlacedOpKind::kNode || !writer.writes) return false;
  const OpInfo& op = *placed.graph->nodes[*writer.node].op;
  const TensorType result = type_of_rows(placed.type_of(*writer.writes), writer.rows);
  bool reads_it = false;
  for (size_t i = 0; i < writer.reads.size(); ++i) {
    const PlacedOperand& read = writer.reads[i];
    if (read.value != from) continue;
    const TensorType operand = type_of_rows(placed.type_of(from), read.rows);
    if (read.distance != 0 || read.rows != writer.rows) return false;
    if (!may_run_in_place(op, i, operand, result)) return false;
    reads_it = true;
  }
  return reads_it;
}

bool is_exempt(const PlacedGraph& placed, const ValueAccess& first, const ValueAccess& second,
               ShareKind kind) {
  if (kind == ShareKind::kInTurn) return false;
  if (common_rows(first.rows, second.rows).size() <= 0) return true;
  if (first.task != second.task || first.is_write || !second.is_write) return false;
  // Tasks keep the numbers of the operations.
  return may_write_over(placed, placed.ops[PlacedOpId(first.task.value())], first.value);
}

}  // namespace graphc

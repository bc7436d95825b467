#include "compiler/lower/lower.h"

#include "compiler/placement/add_scratch.h"
#include "compiler/placement/insert_copies.h"
#include "compiler/placement/split_copies.h"
#include "compiler/placement/split_rows.h"
#include "compiler/schedule/serialise.h"

namespace graphc {
namespace {

template <class Level, class Verify>
void gate(Gates gates, std::string_view stage, const Level& level, Verify verify) {
  if (gates == Gates::kNone) return;
  const Violation violation = verify(level);
  CHECK(!violation, std::string(stage) + " made an invalid level: " + violation.value_or(""));
}

Schedule order_tasks(const Target& target, const Shared<TaskGraph>& tasks,
                     const Decisions& decisions) {
  if (decisions.order)
    return schedule_as_written(tasks, decisions.order->solution, decisions.order->times);
  if (decisions.budget) return schedule_tasks_within(tasks, *decisions.budget);
  return schedule_tasks(tasks, decisions.launches, target.effort);
}

}  // namespace

Result<Shared<PlacedGraph>> lower_to_copies(const Target& target, const Shared<Graph>& graph,
                                            const Decisions& decisions, Gates gates,
                                            DiagnosticSink& diagnostics) {
  TRY(Shared<PlacedGraph> placed,
      insert_copies(graph, decisions.assignment, target.machine, diagnostics));
  gate(gates, "insert_copies", *placed,
       [&](const PlacedGraph& level) { return verify_placed_graph(level, target.machine); });
  return placed;
}

Shared<TaskGraph> lower_to_tasks(const Target& target, const Shared<PlacedGraph>& placed,
                                 const Decisions& decisions, Gates gates) {
  const auto verify = [&](const PlacedGraph& level) {
    return verify_placed_graph(level, target.machine);
  };
  Shared<PlacedGraph> divided = placed;
  if (!decisions.rewrites.empty()) {
    divided = apply_rewrites(divided, decisions.rewrites, target.machine);
    gate(gates, "rewritten", *divided, verify);
  }
  divided = split_rows(divided, target.machine, target.costs.block_sizes());
  gate(gates, "split_rows", *divided, verify);
  if (decisions.copies == CopyBlocks::kBlocks) {
    divided = split_copies(divided, target.costs.block_sizes()).placed;
    gate(gates, "split_copies", *divided, verify);
  }

  divided = add_scratch(divided, target.machine);
  gate(gates, "add_scratch", *divided, verify);

  Shared<TaskGraph> tasks = find_dependencies(divided, target.machine, target.costs);
  gate(gates, "find_dependencies", *tasks, verify_task_graph);
  if (decisions.overlap == Overlap::kAll) return tasks;
  tasks = serialised(tasks);
  gate(gates, "serialised", *tasks, verify_task_graph);
  return tasks;
}

Shared<Schedule> lower_to_schedule(const Target& target, const Shared<TaskGraph>& tasks,
                                   const Decisions& decisions, Gates gates) {
  Shared<Schedule> schedule = order_tasks(target, tasks, decisions);
  gate(gates, "schedule_tasks", *schedule, verify_schedule);
  return schedule;
}

Synchronised lower_to_waits(const Target& target, const Shared<Schedule>& schedule, Gates gates) {
  const Shared<MemoryPlan> memory = plan_memory(schedule, target.limits);
  gate(gates, "plan_memory", *memory, verify_memory_plan);
  Synchronised synchronised = remove_redundant_waits(memory);
  gate(gates, "remove_redundant_waits", synchronised, verify_synchronised);
  return synchronised;
}

Result<Lowered> lower(const Target& target, const Shared<Graph>& graph, const Decisions& decisions,
                      DiagnosticSink& diagnostics) {
  TRY(const Shared<PlacedGraph> placed,
      lower_to_copies(target, graph, decisions, Gates::kAll, diagnostics));
  const Shared<TaskGraph> tasks = lower_to_tasks(target, placed, decisions, Gates::kAll);
  const Shared<Schedule> schedule = lower_to_schedule(target, tasks, decisions, Gates::kAll);
  return Lowered{placed, lower_to_waits(target, schedule, Gates::kAll)};
}

}  // namespace graphc

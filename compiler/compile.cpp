#include "compiler/compile.h"

#include "compiler/emit/lower_to_plan.h"
#include "compiler/emit/verify_dataflow.h"
#include "compiler/fit/divide_copies.h"
#include "compiler/fit/limits.h"
#include "compiler/fit/lower_within.h"
#include "compiler/graph/graph_text.h"
#include "compiler/machine/check_figures.h"
#include "compiler/placement/insert_copies.h"
#include "compiler/placement/split_rows.h"
#include "compiler/schedule/serialise.h"
#include "runtime/base/fingerprint.h"
#include "runtime/plan/verify_plan.h"

namespace graphc {
namespace {

/// Between two levels: what a stage made is checked by a verifier that is simpler than the stage.
void gate(std::string_view stage, const Violation& violation) {
  CHECK(!violation, std::string(stage) + " made an invalid level: " + violation.value_or(""));
}

void gate_plan(const Plan& plan) {
  const auto violation = verify_plan(plan);
  CHECK(!violation, "the plan does not verify: " + (violation ? violation->message : ""));
}

Graph with(std::optional<Parallel> parallel, Graph graph) {
  graph.parallel = std::move(parallel);
  return graph;
}

Result<Placement> place_within(const Graph& graph, const Machine& machine, const CostModel& costs,
                               const MemoryLimits& limits, DiagnosticSink& diagnostics) {
  const auto evaluate = [&](const Assignment& assignment) {
    return score_within(limits, graph, assignment, machine, costs);
  };
  return place(graph, machine, costs, evaluate, diagnostics);
}

EvaluateGraph score_of_graph(const Machine& machine, const CostModel& costs,
                             const MemoryLimits& limits) {
  return [&](const Graph& graph) -> std::optional<PlacementScore> {
    DiagnosticSink unused;
    const auto passes = run_passes(graph, default_passes(), {}, unused);
    if (!passes || !check_figures(passes->graph, machine, costs, unused)) return std::nullopt;
    const auto placement = place_within(passes->graph, machine, costs, limits, unused);
    return placement ? placement->chosen.score : std::nullopt;
  };
}

Result<Schedule> choose_schedule(const TaskGraph& tasks, const MemoryStrategy& strategy,
                                 const Machine& machine, const CostModel& costs,
                                 const MemoryLimits& limits, const CompileOptions& options,
                                 DiagnosticSink& diagnostics) {
  if (options.schedule_file) {
    return parse_schedule(options.schedule_file,
                          tasks_of_text(options.schedule_file->text, tasks, machine, costs),
                          diagnostics);
  }
  // Divided copies would be found without the order that makes it serial.
  if (options.overlap == Overlap::kNone) return schedule_tasks(tasks);
  return scheduled_within(tasks, strategy, machine, costs, limits);
}

/// Of the graph alone: where its data lies depends on the folder the compiler was called in.
std::string graph_fingerprint(Graph graph) {
  for (Value& value : graph.values) value.feed_path.reset();
  return fingerprint_hex(print_graph(graph));
}

PlanContext context_for(const Graph& source, const Machine& machine,
                        const CompileOptions& options) {
  Fingerprints fingerprints{graph_fingerprint(source), fingerprint_hex(to_yaml(machine)),
                            GRAPHC_VERSION};
  return {to_source_graph(source), fingerprints, options.plan_folder};
}

}  // namespace

Result<Compilation> compile(const Graph& graph, const Machine& machine,
                            const CompileOptions& options, DiagnosticSink& diagnostics) {
  const CostModel costs(machine, options.block_sizes);
  const MemoryLimits limits = limits_of(machine, options.memory_limits);
  TRY(const ParallelChoice parallel,
      choose_parallel(graph, machine, costs, score_of_graph(machine, costs, limits), diagnostics));
  TRY(const PassRun passes,
      run_passes(with(parallel.parallel, graph), default_passes(), options.passes, diagnostics));
  TRY(check_figures(passes.graph, machine, costs, diagnostics));

  TRY(const Placement placement, place_within(passes.graph, machine, costs, limits, diagnostics));
  TRY(const PlacedGraph whole,
      insert_copies(passes.graph, placement.chosen.assignment, machine, diagnostics));
  gate("insert_copies", verify_placed_graph(whole, machine));

  const MemoryStrategy strategy =
      options.schedule_file ? MemoryStrategy{} : choose_strategy(whole, machine, costs, limits);
  const bool is_serial = options.overlap == Overlap::kNone;
  if (is_serial && strategy.gives_up_something()) {
    return machine_error(
        "there is too little memory for one operation at a time: --serial gives "
        "nothing up for it");
  }
  const PlacedGraph lean = rewritten(whole, strategy, machine);
  gate("rewritten", verify_placed_graph(lean, machine));

  const PlacedGraph placed = split_rows(lean, machine, costs.block_sizes());
  gate("split_rows", verify_placed_graph(placed, machine));

  const TaskGraph dependencies = find_dependencies(placed, machine, costs);
  gate("find_dependencies", verify_task_graph(dependencies));

  const TaskGraph tasks = is_serial ? serialised(dependencies) : dependencies;
  if (is_serial) gate("serialised", verify_task_graph(tasks));

  TRY(const Schedule schedule,
      choose_schedule(tasks, strategy, machine, costs, limits, options, diagnostics));
  if (schedule.tasks.tasks.size() != tasks.tasks.size()) {
    gate("with_divided_copies", verify_placed_graph(schedule.tasks.placed, machine));
    gate("with_divided_copies", verify_task_graph(schedule.tasks));
  }
  gate("choose_schedule", verify_schedule(schedule));

  const MemoryPlan memory = plan_memory(schedule, limits);
  gate("plan_memory", verify_memory_plan(memory));
  TRY(check_limits(memory, machine, options.memory_limits,
                   compile_within(passes.graph, machine, costs)));

  const Synchronised synchronised = remove_redundant_waits(memory);
  gate("remove_redundant_waits", verify_synchronised(synchronised));

  const Plan plan =
      lower_to_plan(synchronised, machine, context_for(passes.source, machine, options));
  gate_plan(plan);
  gate("lower_to_plan", verify_dataflow(plan, passes.graph));

  const StepBound bound = relaxed_bound(passes.graph, machine, costs, placement.pins);
  return Compilation{parallel,     passes,   placement,
                     bound,        strategy, describe(strategy, whole, machine),
                     synchronised, plan};
}

Result<std::vector<TradeOff>> trade_offs(const Graph& graph, const Machine& machine,
                                         const CompileOptions& options,
                                         DiagnosticSink& diagnostics) {
  const CostModel costs(machine, options.block_sizes);
  const MemoryLimits limits = limits_of(machine, options.memory_limits);
  TRY(const ParallelChoice parallel,
      choose_parallel(graph, machine, costs, score_of_graph(machine, costs, limits), diagnostics));
  TRY(const PassRun passes,
      run_passes(with(parallel.parallel, graph), default_passes(), options.passes, diagnostics));
  TRY(check_figures(passes.graph, machine, costs, diagnostics));
  TRY(resolve_pins(passes.graph, machine, diagnostics));
  return find_trade_offs(limits, compile_within(passes.graph, machine, costs));
}

}  // namespace graphc

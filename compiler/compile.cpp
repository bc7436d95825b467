#include "compiler/compile.h"

#include "compiler/emit/lower_to_plan.h"
#include "compiler/emit/verify_dataflow.h"
#include "compiler/frontend/decisions/parse_decisions.h"
#include "compiler/frontend/decisions/written_schedule.h"
#include "compiler/graph/print_graph.h"
#include "compiler/graph/print_parallel.h"
#include "runtime/base/fingerprint.h"
#include "runtime/proof/verify_plan.h"

namespace graphc {
namespace {

/// Of the graph and of how it is spread: where its data lies depends on the folder the compiler was
/// called in. Numbers count by their checksum.
std::string graph_fingerprint(Graph graph, const std::optional<Parallel>& parallel) {
  std::string text;
  for (Value& value : graph.values) {
    value.feed_path.reset();
    if (value.initializer.kind != InitializerKind::kData) continue;
    text += (value.kind == ValueKind::kConstant ? "constant " : "state ") + value.name + " " +
            std::to_string(checksum(value.initializer.data)) + "\n";
    value.initializer = {};
    if (value.kind == ValueKind::kConstant) value.kind = ValueKind::kState;
  }
  return fingerprint_hex(text + print_graph(graph) + (parallel ? print_parallel(*parallel) : ""));
}

std::string machine_fingerprint(const Machine& machine) {
  return fingerprint_hex(to_yaml(machine));
}

/// What a file decides, in the place of a search.
Result<Found> take_decisions(const GraphRequest& request, const Target& target,
                             const CompileOptions& options, DiagnosticSink& diagnostics) {
  const std::shared_ptr<const SourceFile>& file = options.decisions_file;
  Found found;
  TRY(found.parallel.parallel,
      parse_parallel_decision(file, target.machine, machine_fingerprint(target.machine),
                              diagnostics));
  if (found.parallel.parallel &&
      !check_parallel(*found.parallel.parallel, target.machine, diagnostics)) {
    return reported();
  }
  if (found.parallel.parallel) {
    found.parallel.parallel = on_machine(*std::move(found.parallel.parallel), target.machine);
  }
  TRY(found.passes,
      passes_for(request, found.parallel.parallel, target, options.passes, diagnostics));
  TRY(found.decisions,
      parse_decisions(file, target, found.passes.graph,
                      graph_fingerprint(found.passes.source, found.parallel.parallel),
                      diagnostics));
  found.decisions.parallel = found.parallel.parallel;
  TRY(found.placement.pins, resolve_pins(found.passes.graph, target.machine, diagnostics));
  found.placement.chosen = {"as decided", found.decisions};
  return found;
}

PlanContext context_for(const Found& found, const Machine& machine, const CompileOptions& options) {
  const Graph& source = found.passes.source;
  Fingerprints fingerprints{graph_fingerprint(source, found.parallel.parallel),
                            machine_fingerprint(machine), GRAPHC_VERSION};
  return {to_source_graph(source), fingerprints, options.plan_folder};
}

/// The plan is read back by those who did not make it: the runtime's verifier, and one that knows
/// only the graph.
Plan check_plan(Plan plan, const Graph& graph) {
  const auto invalid = verify_plan(plan);
  CHECK(!invalid, "the plan does not verify: " + (invalid ? invalid->message : ""));
  const Violation wrong = verify_dataflow(plan, graph);
  CHECK(!wrong, "the plan computes something else: " + wrong.value_or(""));
  return plan;
}

}  // namespace

Result<Compilation> compile(const GraphRequest& request, const Machine& machine,
                            const CompileOptions& options, DiagnosticSink& diagnostics) {
  const CostModel costs(machine, options.block_sizes);
  const Target target{machine, costs, limits_of(machine, options.memory_limits), options.effort,
                      options.report};
  TRY(Found found, options.decisions_file
                       ? take_decisions(request, target, options, diagnostics)
                       : search(request, target, options.overlap, options.passes, diagnostics));
  const Shared<Graph>& typed = found.passes.graph;
  if (options.schedule_file) {
    TRY(found.decisions, with_written_schedule(std::move(found.decisions), options.schedule_file,
                                               target, typed, diagnostics));
  }

  TRY(Lowered lowered, lower(target, typed, found.decisions, diagnostics));
  TRY(options.decisions_file ? check_decided(lowered.synchronised.memory, target)
                             : check_limits(lowered.synchronised.memory, target, typed));
  Plan plan = check_plan(
      lower_to_plan(lowered.synchronised, machine, context_for(found, machine, options)), typed);

  StepBound bound = relaxed_bound(typed, machine, costs, found.placement.pins);
  const bool is_written = options.decisions_file || options.schedule_file;
  std::string memory_trades = describe_memory(found.decisions, lowered.whole, machine);
  return Compilation{
      request.layer_places,     std::move(found.parallel),
      std::move(found.passes),  std::move(found.placement),
      std::move(bound),         std::move(found.decisions),
      std::move(memory_trades), is_written ? std::nullopt : std::optional(options.effort),
      std::move(lowered),       std::move(plan)};
}

Result<std::vector<TradeOff>> trade_offs(const GraphRequest& request, const Machine& machine,
                                         const CompileOptions& options,
                                         DiagnosticSink& diagnostics) {
  const CostModel costs(machine, options.block_sizes);
  const Target target{machine, costs, limits_of(machine, options.memory_limits), options.effort,
                      options.report};
  TRY(PlacedSearch placed, search_placement(request, target, options.passes, diagnostics));
  return find_trade_offs(target.limits, compile_within(placed.evaluator));
}

}  // namespace graphc

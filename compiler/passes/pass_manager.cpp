#include "compiler/passes/pass_manager.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <ostream>
#include <utility>

#include "compiler/autodiff/differentiate.h"
#include "compiler/graph/graph_text.h"
#include "compiler/parallel/divide.h"
#include "compiler/passes/fold_constants.h"
#include "compiler/passes/fold_transposes.h"
#include "compiler/passes/fuse_elementwise.h"
#include "compiler/passes/fuse_epilogues.h"
#include "compiler/passes/fuse_updates.h"
#include "compiler/passes/infer_types.h"
#include "compiler/passes/merge_equal_nodes.h"
#include "compiler/passes/remove_dead_nodes.h"
#include "runtime/base/text.h"

namespace graphc {
namespace {

constexpr PassRole kMeaning = PassRole::kMeaning;
constexpr PassRole kRewrite = PassRole::kRewrite;

constexpr std::array kPasses = {
    Pass{"infer_types", "gives every value its static type", kMeaning, false, infer_types},
    Pass{"differentiate", "derives the backward pass and the updates that `train` asks for",
         kMeaning, true, differentiate},
    Pass{"fold_constants", "computes what depends on constants alone", kRewrite, true,
         fold_constants},
    Pass{"fold_transposes", "turns transposes before a matmul into its flags", kRewrite, true,
         fold_transposes},
    Pass{"merge_equal_nodes", "computes equal things once", kRewrite, false, merge_equal_nodes},
    Pass{"divide", "computes the parts of a batch on the devices that `parallel` names", kRewrite,
         true, divide},
    Pass{"remove_dead_nodes", "removes what nothing needs", kRewrite, false, remove_dead_nodes},
    Pass{"fuse_epilogues", "adds a bias and applies relu while a matmul writes its result",
         kRewrite, true, fuse_epilogues},
    Pass{"fuse_updates", "turns an sgd_update of a matmul into one product", kRewrite, true,
         fuse_updates},
    Pass{"fuse_elementwise", "computes a chain of elementwise operators element by element",
         kRewrite, true, fuse_elementwise},
};

tl::unexpected<Error> unknown_pass(std::string_view name, std::span<const Pass> passes) {
  std::vector<std::string> names;
  for (const Pass& pass : passes) names.emplace_back(pass.name);
  const std::optional<std::string> nearest = nearest_name(name, names);
  return usage_error(
      "unknown pass '" + std::string(name) + "'; " +
      (nearest ? "did you mean '" + *nearest + "'?" : "the passes are " + join(names, ", ")));
}

const Pass* find_pass(std::string_view name, std::span<const Pass> passes) {
  const auto at = std::find_if(passes.begin(), passes.end(),
                               [&](const Pass& pass) { return pass.name == name; });
  return at == passes.end() ? nullptr : &*at;
}

bool is_typed(const Graph& graph) {
  return std::all_of(graph.values.begin(), graph.values.end(),
                     [](const Value& value) { return value.type.has_value(); });
}

bool is_dumped(const PassOptions& options, std::string_view name) {
  return std::any_of(options.dump_after.begin(), options.dump_after.end(),
                     [&](const std::string& wanted) { return wanted == "all" || wanted == name; });
}

void dump(const Graph& graph, const Pass& pass, const PassOptions& options) {
  if (options.dumps == nullptr || !is_dumped(options, pass.name)) return;
  *options.dumps << "# after " << pass.name << "\n" << print_graph(graph) << "\n";
}

void check_graph(const Graph& graph, std::string_view pass) {
  const Violation violation = verify_graph(graph);
  if (!violation) return;
  CHECK(!violation, "the pass " + std::string(pass) + " broke the graph: " + *violation + "\n" +
                        print_graph(graph));
}

Result<void> check_ready(const Graph& graph, const Pass& pass) {
  const std::string name(pass.name);
  if (pass.needs_types && !is_typed(graph)) {
    return usage_error("the pass " + name + " needs types; run infer_types before it");
  }
  if (pass.role == PassRole::kRewrite && graph.training) {
    return usage_error("the pass " + name +
                       " needs the nodes that `train` stands for; run differentiate before it");
  }
  return {};
}

}  // namespace

std::span<const Pass> all_passes() { return kPasses; }

std::span<const Pass> default_passes() { return kPasses; }

Result<std::vector<Pass>> find_passes(std::string_view comma_separated) {
  std::vector<Pass> passes;
  for (const std::string_view part : split(comma_separated, ',')) {
    const std::string_view name = trim(part);
    if (name.empty()) continue;
    const Pass* pass = find_pass(name, all_passes());
    if (pass == nullptr) return unknown_pass(name, all_passes());
    passes.push_back(*pass);
  }
  return passes;
}

std::string to_string(std::span<const PassTiming> timings) {
  size_t width = 0;
  for (const PassTiming& timing : timings) width = std::max(width, timing.name.size());
  std::string text;
  for (const PassTiming& timing : timings) {
    text += timing.name + std::string(width - timing.name.size(), ' ') + "  " +
            format_duration(timing.duration_ns) + "  " + std::to_string(timing.num_nodes) +
            " nodes\n";
  }
  return text;
}

Result<PassRun> run_passes(Graph graph, std::span<const Pass> passes, const PassOptions& options,
                           DiagnosticSink& diagnostics) {
  for (const std::string& name : options.dump_after) {
    if (name != "all" && find_pass(name, passes) == nullptr) return unknown_pass(name, passes);
  }
  PassRun run;
  bool is_rewritten = false;
  for (const Pass& pass : passes) {
    TRY(check_ready(graph, pass));
    if (pass.role == PassRole::kRewrite && !is_rewritten) run.source = graph;
    is_rewritten = is_rewritten || pass.role == PassRole::kRewrite;
    const auto start = std::chrono::steady_clock::now();
    TRY(graph, pass.run(std::move(graph), diagnostics));
    const auto duration = std::chrono::steady_clock::now() - start;
    run.timings.push_back({std::string(pass.name),
                           std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count(),
                           graph.nodes.size()});
    check_graph(graph, pass.name);
    dump(graph, pass, options);
  }
  run.graph = std::move(graph);
  if (!is_rewritten) run.source = run.graph;
  return run;
}

}  // namespace graphc

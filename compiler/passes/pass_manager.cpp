#include "compiler/passes/pass_manager.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <ostream>
#include <utility>

#include "compiler/autodiff/differentiate.h"
#include "compiler/graph/print_graph.h"
#include "compiler/parallel/divide.h"
#include "compiler/passes/decompose.h"
#include "compiler/passes/fold_broadcasts.h"
#include "compiler/passes/fold_casts.h"
#include "compiler/passes/fold_constants.h"
#include "compiler/passes/fold_scales.h"
#include "compiler/passes/fold_transposes.h"
#include "compiler/passes/fuse_attention.h"
#include "compiler/passes/fuse_elementwise.h"
#include "compiler/passes/fuse_epilogues.h"
#include "compiler/passes/fuse_updates.h"
#include "compiler/passes/lower_precision.h"
#include "compiler/passes/merge_equal_nodes.h"
#include "compiler/passes/pack_attention.h"
#include "compiler/passes/remove_dead_nodes.h"
#include "runtime/base/text.h"

namespace graphc {
namespace {

constexpr PassRole kMeaning = PassRole::kMeaning;
constexpr PassRole kRewrite = PassRole::kRewrite;

Result<GraphRequest> answer_training(GraphRequest request, DiagnosticSink& diagnostics) {
  if (!request.training) return request;
  TRY(request.forward, differentiate(std::move(request.forward), *request.training, diagnostics));
  request.training.reset();
  return request;
}

Result<GraphRequest> answer_parallel(GraphRequest request, DiagnosticSink& diagnostics) {
  if (!request.parallel) return request;
  TRY(request.forward, divide(std::move(request.forward), *request.parallel, diagnostics));
  request.parallel.reset();
  return request;
}

/// Changes the graph alone.
template <Result<Graph> (*Rewrite)(Graph, DiagnosticSink&)>
Result<GraphRequest> rewrite(GraphRequest request, DiagnosticSink& diagnostics) {
  TRY(request.forward, Rewrite(std::move(request.forward), diagnostics));
  return request;
}

constexpr std::array kPasses = {
    Pass{"fuse_attention", "puts one operator in the place of attention that is written out",
         kMeaning, fuse_attention},
    Pass{"lower_precision", "stores results in the precision that `train` or nodes ask for",
         kMeaning, lower_precision},
    Pass{"pack_attention", "makes queries, keys and values of attention by one product", kMeaning,
         pack_attention},
    Pass{"differentiate", "derives the backward pass and the updates that `train` asks for",
         kMeaning, answer_training},
    Pass{"decompose", "puts the formulas that composite operators stand for in their place",
         kRewrite, decompose_for_parts},
    Pass{"fold_constants", "computes what depends on constants alone", kRewrite,
         rewrite<fold_constants>},
    Pass{"fold_broadcasts", "lets operators of single elements repeat their operands themselves",
         kRewrite, rewrite<fold_broadcasts>},
    Pass{"fold_casts", "lets operators give what casts behind them make of their results", kRewrite,
         rewrite<fold_casts>},
    Pass{"fold_transposes", "turns transposes before a matmul into its flags", kRewrite,
         rewrite<fold_transposes>},
    Pass{"fold_scales", "turns factors of what a matmul reads into its own", kRewrite,
         rewrite<fold_scales>},
    Pass{"merge_equal_nodes", "computes equal things once", kRewrite, rewrite<merge_equal_nodes>},
    Pass{"divide", "computes the parts of a batch on the devices that `parallel` names", kRewrite,
         answer_parallel},
    Pass{"remove_dead_nodes", "removes what nothing needs", kRewrite, rewrite<remove_dead_nodes>},
    Pass{"fuse_epilogues",
         "adds a bias or another addend and applies relu while a result is written", kRewrite,
         rewrite<fuse_epilogues>},
    Pass{"fuse_updates",
         "joins an sgd_update with its matmul, and an adam_update with its averages", kRewrite,
         rewrite<fuse_updates>},
    Pass{"fuse_elementwise", "computes a chain of elementwise operators element by element",
         kRewrite, rewrite<fuse_elementwise>},
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

bool is_dumped(const PassOptions& options, std::string_view name) {
  return std::any_of(options.dump_after.begin(), options.dump_after.end(),
                     [&](const std::string& wanted) { return wanted == "all" || wanted == name; });
}

void dump(const GraphRequest& request, const Pass& pass, const PassOptions& options) {
  if (options.dumps == nullptr || !is_dumped(options, pass.name)) return;
  *options.dumps << "# after " << pass.name << "\n" << print_request(request) << "\n";
}

void check_request(const GraphRequest& request, std::string_view pass) {
  const Violation violation = verify_request(request);
  if (!violation) return;
  CHECK(!violation, "the pass " + std::string(pass) + " broke the graph: " + *violation + "\n" +
                        print_request(request));
}

Result<void> check_ready(const GraphRequest& request, const Pass& pass) {
  if (pass.run == answer_training && asks_for_precision(request)) {
    return usage_error(
        "the pass " + std::string(pass.name) +
        " needs the casts that `precision` stands for; run lower_precision before it");
  }
  if (pass.role == PassRole::kRewrite && request.training) {
    return usage_error("the pass " + std::string(pass.name) +
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

std::string print_timings(std::span<const PassTiming> timings) {
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

Result<PassRun> run_passes(GraphRequest request, std::span<const Pass> passes,
                           const PassOptions& options, DiagnosticSink& diagnostics) {
  for (const std::string& name : options.dump_after) {
    if (name != "all" && find_pass(name, passes) == nullptr) return unknown_pass(name, passes);
  }
  PassRun run;
  bool is_rewritten = false;
  for (const Pass& pass : passes) {
    TRY(check_ready(request, pass));
    if (pass.role == PassRole::kRewrite && !is_rewritten) run.source = request.forward;
    is_rewritten = is_rewritten || pass.role == PassRole::kRewrite;
    const auto start = std::chrono::steady_clock::now();
    TRY(request, pass.run(std::move(request), diagnostics));
    const auto duration = std::chrono::steady_clock::now() - start;
    run.timings.push_back({std::string(pass.name),
                           std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count(),
                           request.forward.nodes.size()});
    check_request(request, pass.name);
    dump(request, pass, options);
  }
  run.graph = std::move(request.forward);
  run.training = std::move(request.training);
  run.parallel = std::move(request.parallel);
  if (!is_rewritten) run.source = run.graph;
  return run;
}

}  // namespace graphc

#include <sstream>

#include "compiler/frontend/load_graph.h"
#include "compiler/frontend/load_machine.h"
#include "compiler/frontend/source_file.h"
#include "compiler/graph/print_graph.h"
#include "compiler/machine/machine.h"
#include "compiler/passes/pass_manager.h"
#include "runtime/base/console.h"
#include "runtime/base/file.h"
#include "runtime/base/files_of_call.h"
#include "tools/common/program.h"
#include "tools/graph-opt/command_line.h"

namespace graph_opt {
namespace {

using graphrt::Error;
using graphrt::Result;

void list_passes() {
  for (const graphc::Pass& pass : graphc::all_passes()) {
    graphrt::report(std::string(pass.name) + ": " + std::string(pass.summary) + "\n");
  }
}

/// Errors: an output that is one of the inputs, or cannot be written.
Result<void> check_paths(const Options& options, const std::vector<std::string>& array_paths) {
  std::vector<graphrt::FileOfCall> inputs = {{"INPUT", options.input}};
  for (const std::string& path : array_paths) inputs.push_back({"an array of the graph", path});
  std::vector<graphrt::FileOfCall> outputs;
  if (options.output != "-") outputs.push_back({"-o", options.output});
  return graphrt::check_files(inputs, outputs);
}

Result<std::string> print_machine(const Options& options, graphc::DiagnosticSink& diagnostics) {
  TRY(const auto file, graphc::read_source_file(options.input));
  TRY(const graphc::Machine machine, graphc::load_machine(file, diagnostics));
  TRY(check_paths(options, {}));
  return graphc::to_yaml(machine);
}

Result<std::string> optimize(const Options& options, graphc::DiagnosticSink& diagnostics) {
  TRY(const std::vector<graphc::Pass> passes, graphc::find_passes(options.passes));
  TRY(const auto file, graphc::read_source_file(options.input));
  TRY(graphc::LoadedGraph loaded, graphc::load_graph(file, diagnostics));
  TRY(check_paths(options, loaded.array_paths));
  const graphc::Violation violation = graphc::verify_request(loaded.request);
  CHECK(!violation, "the reader made an invalid graph: " + *violation);

  std::ostringstream dumps;
  dumps.exceptions(std::ios::badbit);  // or it would end in the middle where memory does
  const graphc::PassOptions pass_options{options.dump_after, &dumps};
  Result<graphc::PassRun> run =
      graphc::run_passes(std::move(loaded.request), passes, pass_options, diagnostics);
  graphrt::report_on_stderr(dumps.str());
  if (!run) return tl::unexpected(run.error());
  if (options.times_passes) graphrt::report_on_stderr(graphc::print_timings(run->timings));
  return graphc::print_request({run->graph, run->training, run->parallel});
}

Result<void> write_text(const std::string& text, const std::string& path) {
  if (path != "-") return graphrt::write_file_atomically(path, {graphrt::bytes_of(text)});
  graphrt::report(text);
  return {};
}

Result<void> run(const Options& options, graphc::DiagnosticSink& diagnostics) {
  const bool is_machine = options.input_kind == InputKind::kMachine;
  TRY(const std::string text,
      is_machine ? print_machine(options, diagnostics) : optimize(options, diagnostics));
  return write_text(text, options.output);
}

int main_with(const Options& options) {
  if (options.lists_passes) {
    list_passes();
    return 0;
  }
  graphc::DiagnosticSink diagnostics;
  const Result<void> done = run(options, diagnostics);
  graphrt::note(diagnostics.render_all());
  if (done) return 0;
  const Error& error = done.error();
  if (!error.message.empty()) tools::print_error("graph-opt", "error: " + error.message);
  return graphrt::exit_code(error.kind);
}

int run_graph_opt(int argc, char** argv) {
  const auto parsed = parse_command_line(argc, argv);
  if (const int* exit_code = std::get_if<int>(&parsed)) return *exit_code;
  return main_with(std::get<Options>(parsed));
}

}  // namespace
}  // namespace graph_opt

int main(int argc, char** argv) {
  return tools::run_program("graph-opt", argc, argv, graph_opt::run_graph_opt);
}

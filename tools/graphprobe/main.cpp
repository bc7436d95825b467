#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compiler/frontend/load_machine.h"
#include "compiler/frontend/source_file.h"
#include "runtime/base/console.h"
#include "runtime/base/file.h"
#include "runtime/base/files_of_call.h"
#include "runtime/base/text.h"
#include "runtime/remote/mpi_connection.h"
#include "tools/common/command_line.h"
#include "tools/common/program.h"
#include "tools/graphprobe/measure_kernels.h"
#include "tools/graphprobe/measure_network.h"
#include "tools/graphprobe/probe.h"

namespace {

using graphrt::machine_error;
using graphrt::Result;

constexpr int32_t kMaxWorkers = 4096;

struct Options {
  std::optional<std::filesystem::path> output;
  std::optional<std::filesystem::path> machine;
  std::vector<std::filesystem::path> plans;
  bool measures_network = false;
  graphprobe::ProbeOptions probe;
};

/// What can be known beforehand: it must not come out after a minute of measuring. The machine file
/// that is added to may be the one that is written.
/// Errors: an output that is one of the plans, or cannot be written.
Result<void> check_paths(const Options& options) {
  std::vector<graphrt::FileOfCall> inputs;
  for (const std::filesystem::path& plan : options.plans) inputs.push_back({"a plan", plan});
  std::vector<graphrt::FileOfCall> outputs;
  if (options.output) outputs.push_back({"-o", *options.output});
  const bool is_added_to =
      options.machine && options.output && graphrt::is_same_file(*options.machine, *options.output);
  if (options.machine && !is_added_to) inputs.push_back({"the machine", *options.machine});
  return graphrt::check_files(inputs, outputs);
}

/// Errors: no name, or one that a machine file cannot hold (kUsage).
Result<void> check_name(const std::string& name) {
  graphc::Machine machine = graphc::single_cpu_machine();
  machine.name = name;
  if (name.empty()) return graphrt::usage_error("--name is empty");
  return graphprobe::check_reads_back(machine);
}

/// The lines that say what a machine file is about.
std::string comment_on_top(const std::string& text) {
  std::string comment;
  for (const std::string_view line : graphrt::split(text, '\n')) {
    if (!line.starts_with('#')) break;
    comment += (comment.empty() ? "" : "\n") + std::string(line);
  }
  const size_t first = comment.find_first_not_of("# \n");
  return first == std::string::npos ? "" : comment.substr(first);
}

/// What stands in a machine file, in place of measuring it.
/// Errors: all that is wrong in the file (kInput).
Result<graphprobe::Probed> read_machine(const std::filesystem::path& path) {
  TRY(const auto file, graphc::read_source_file(path));
  graphc::DiagnosticSink diagnostics;
  graphprobe::Probed probed;
  auto machine = graphc::load_machine(file, diagnostics);
  if (!machine) return graphrt::input_error(std::string(graphrt::trim(diagnostics.render_all())));
  probed.machine = *std::move(machine);
  probed.origin = comment_on_top(file->text);
  return probed;
}

Result<graphprobe::Probed> find_machine(const Options& options) {
  if (options.machine) return read_machine(*options.machine);
  return graphprobe::probe(options.probe, graphrt::builtin_devices());
}

/// With the other rank of mpirun; rank 0 prints.
Result<void> run_network() {
  if (!graphrt::is_started_by_mpi()) {
    return graphrt::usage_error("--network measures between two hosts: start it with mpirun -n 2");
  }
  TRY(const std::shared_ptr<graphrt::Transport> transport, graphrt::connect_by_mpi());
  const Result<std::string> line = graphprobe::measure_network(*transport);
  TRY(transport->agree(line));
  graphrt::report(*line);
  transport->disconnect();
  return {};
}

Result<void> run(const Options& options) {
  if (options.measures_network) return run_network();
  if (options.machine && options.plans.empty()) {
    return graphrt::usage_error(
        "--machine is for adding what kernels take to: give --kernels-for, too");
  }
  if (options.probe.name) TRY(check_name(*options.probe.name));
  TRY(check_paths(options));
  TRY(const graphprobe::Kernels kernels, graphprobe::kernels_of(options.plans));
  TRY(graphprobe::Probed probed, find_machine(options));
  TRY(const std::vector<std::string> found,
      graphprobe::measure_kernels(kernels, graphrt::builtin_devices(), probed.machine));
  probed.notes.insert(probed.notes.end(), found.begin(), found.end());
  for (const std::string& note : probed.notes) tools::print_error("graphprobe", note);
  const std::string text = graphprobe::machine_file(probed);
  if (options.output) {
    return graphrt::write_file_atomically(*options.output, {graphrt::bytes_of(text)});
  }
  graphrt::report(text);
  return {};
}

int run_graphprobe(int argc, char** argv) {
  Options options;
  CLI::App app("Measures the machine it runs on and writes a machine file for graphc.",
               "graphprobe");
  app.add_option("-o,--output", options.output,
                 "The machine file to write (default: standard output)")
      ->type_name("FILE.yaml");
  auto* name = app.add_option("--name", options.probe.name,
                              "The machine's name (default: what it has, like cpu-2gpu)")
                   ->type_name("NAME");
  auto* workers = app.add_option("--workers", options.probe.num_workers,
                                 "CPU workers (default: all cores but one)")
                      ->check(graphrt::why_not_decimal)
                      ->check(CLI::Range(1, kMaxWorkers))
                      ->type_name("N");
  app.add_option("--kernels-for", options.plans,
                 "Time the kernels of these plans, and the algorithms there are for their "
                 "products; write down the times and the fastest algorithms")
      ->type_name("PLAN.bin");
  app.add_option("--machine", options.machine,
                 "Add them to this machine file, in place of measuring the machine")
      ->type_name("FILE.yaml")
      ->excludes(name, workers);
  app.add_flag("--network", options.measures_network,
               "Under mpirun -n 2: measure messages between both, and print the `network` line of "
               "a machine file, nothing else")
      ->excludes(name, workers);
  app.set_version_flag("--version", "graphprobe " GRAPHC_VERSION);
  app.footer(
      "Nothing else should run meanwhile. It takes seconds, up to a minute with GPUs, and a\n"
      "tenth of a second more for every kernel that is timed.\n"
      "Exit codes: 0 success, 1 bad input, 2 bad usage, 3 a device cannot be used or the output "
      "not written,\n141 nobody reads standard output any more.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return tools::end_of_parsing(app, error);
  }
  const Result<void> result = run(options);
  if (result) return 0;
  tools::print_error("graphprobe", result.error().message);
  return exit_code(result.error().kind);
}

}  // namespace

int main(int argc, char** argv) {
  return tools::run_program("graphprobe", argc, argv, run_graphprobe);
}

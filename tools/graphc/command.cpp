#include "tools/graphc/command.h"

#include <fmt/core.h>
#include <unistd.h>

#include <array>
#include <ostream>
#include <streambuf>

#include "compiler/compile.h"
#include "compiler/emit/dot.h"
#include "compiler/emit/explain.h"
#include "compiler/emit/memory_view.h"
#include "compiler/emit/summary.h"
#include "compiler/emit/svg.h"
#include "compiler/emit/trace.h"
#include "compiler/frontend/load_graph.h"
#include "compiler/frontend/load_machine.h"
#include "compiler/frontend/parse_quantity.h"
#include "compiler/frontend/source_file.h"
#include "compiler/graph/print_graph.h"
#include "compiler/machine/hosts.h"
#include "runtime/base/console.h"
#include "runtime/base/destination.h"
#include "runtime/base/file.h"
#include "runtime/base/files_of_call.h"
#include "runtime/base/text.h"
#include "runtime/plan/plan_file.h"
#include "tools/common/program.h"
#include "tools/graphc/search_progress.h"

namespace {

using namespace graphc;

/// What printers of levels are given.
struct Printed {
  const Compilation& compilation;
  const Machine& machine;
  const Command& command;
};

struct Emitter {
  std::string_view name;
  Result<std::string> (*print)(const Printed&);
};

Detail detail_of(const Command& command) {
  return command.is_verbose ? Detail::kAll : Detail::kShort;
}

using Text = Result<std::string>;

constexpr std::array kEmitters = {
    Emitter{"decisions",
            [](const Printed& p) -> Text {
              return print_decisions(p.compilation.decisions, p.compilation.lowered,
                                     p.compilation.plan.fingerprints, p.machine);
            }},
    Emitter{"graph",
            [](const Printed& p) -> Text { return print_graph(p.compilation.passes.graph); }},
    Emitter{"placed",
            [](const Printed& p) -> Text {
              return print_placed_graph(p.compilation.placed(), p.machine);
            }},
    Emitter{"tasks",
            [](const Printed& p) -> Text { return print_task_graph(p.compilation.tasks()); }},
    Emitter{"schedule",
            [](const Printed& p) -> Text { return print_schedule(p.compilation.schedule()); }},
    Emitter{"memory",
            [](const Printed& p) -> Text {
              return print_memory_plan(p.compilation.memory(), p.machine);
            }},
    Emitter{
        "memory-svg",
        [](const Printed& p) -> Text { return memory_to_svg(p.compilation.memory(), p.machine); }},
    Emitter{
        "memory-json",
        [](const Printed& p) -> Text { return memory_to_json(p.compilation.memory(), p.machine); }},
    Emitter{
        "sync",
        [](const Printed& p) -> Text { return print_synchronised(p.compilation.synchronised()); }},
    Emitter{"dot",
            [](const Printed& p) -> Text {
              return to_dot(p.compilation.placed(), p.machine,
                            {p.command.focus, p.command.radius, detail_of(p.command)});
            }},
    Emitter{"svg",
            [](const Printed& p) -> Text {
              return to_svg(p.compilation.synchronised(), p.command.emit_steps);
            }},
    Emitter{"trace",
            [](const Printed& p) -> Text {
              return to_trace(p.compilation.synchronised(), p.machine, p.command.emit_steps);
            }},
};

/// Not a level of one compilation, but what many come to.
constexpr std::string_view kTradeOffs = "pareto";

/// The machine of one host as often as --hosts says.
Result<Machine> with_hosts(Machine machine, const Command& command) {
  if (!command.num_hosts) return machine;
  const std::string option = "--hosts=" + std::to_string(*command.num_hosts);
  if (!machine.hosts.empty()) {
    return usage_error(option + ": machine '" + machine.name + "' has its hosts already, " +
                       std::to_string(machine.hosts.size()));
  }
  if (!machine.network) {
    return usage_error(option + ": machine '" + machine.name +
                       "' does not say how its hosts are connected; give it a network, for example "
                       "network: {to: 11.5GB/s, latency: 12us, message: 1us}");
  }
  if (*command.num_hosts == 1) return machine;
  return repeat_host(machine, *command.num_hosts);
}

Result<Machine> load_chosen_machine(const Command& command, const LoadedGraph& loaded,
                                    DiagnosticSink& diagnostics) {
  if (command.machine_path) {
    TRY(auto file, read_source_file(*command.machine_path));
    return load_machine(std::move(file), diagnostics);
  }
  if (!loaded.machine_path) return single_cpu_machine();
  auto file = read_source_file(*loaded.machine_path);
  if (file) return load_machine(*std::move(file), diagnostics);
  diagnostics.error(loaded.machine_where, file.error().message,
                    "the path is relative to this file; --machine overrides it");
  return reported();
}

Result<Machine> choose_machine(const Command& command, const LoadedGraph& loaded,
                               DiagnosticSink& diagnostics) {
  TRY(Machine machine, load_chosen_machine(command, loaded, diagnostics));
  return with_hosts(std::move(machine), command);
}

/// `gpu0=512MiB` as a device of the machine and its bytes.
Result<std::pair<DeviceId, int64_t>> parse_limit(const std::string& text, const Machine& machine) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos) {
    return usage_error("--memory-limit=" + text + ": give a device and a size, as in gpu0=512MiB");
  }
  const std::string name = text.substr(0, equals);
  const auto device = machine.find_device(name);
  if (!device) {
    std::vector<std::string> names;
    for (const Device& known : machine.devices) names.push_back(known.name);
    return usage_error("--memory-limit=" + text + ": machine '" + machine.name +
                       "' has no device '" + name + "', but " + join(names, ", "));
  }
  const auto size_bytes = parse_memory(text.substr(equals + 1));
  if (!size_bytes) return usage_error("--memory-limit=" + text + ": " + size_bytes.error().message);
  return std::pair(*device, *size_bytes);
}

Result<AskedLimits> parse_limits(const Command& command, const Machine& machine) {
  AskedLimits limits;
  for (const std::string& text : command.memory_limits) {
    TRY(const auto limit, parse_limit(text, machine));
    if (limits.insert(limit).second) continue;
    return usage_error("--memory-limit=" + text + ": this device has a limit already");
  }
  return limits;
}

CompileOptions options_for(const Command& command, std::ostream& dumps) {
  CompileOptions options;
  options.passes.dump_after = command.dump_after;
  options.passes.dumps = &dumps;
  if (command.is_serial) options.overlap = Overlap::kNone;
  if (command.effort == "high") options.effort = Effort::kHigh;
  if (command.output_path && !command.emit) {
    // A plan that goes through a pipe may end anywhere; here is where it is asked for.
    const auto destination = graphrt::destination_of(*command.output_path);
    if (destination && !graphrt::is_stream(*destination)) {
      options.plan_folder = std::filesystem::path(*command.output_path).parent_path();
    }
    if (options.plan_folder.empty()) options.plan_folder = ".";
  }
  return options;
}

/// A stream to standard error for what was asked for: a pass that fails later takes nothing back.
class DumpBuffer : public std::streambuf {
 protected:
  std::streamsize xsputn(const char* text, std::streamsize size) override {
    graphrt::report_on_stderr({text, static_cast<size_t>(size)});
    return size;
  }
  int_type overflow(int_type symbol) override {
    const char text = traits_type::to_char_type(symbol);
    if (!traits_type::eq_int_type(symbol, traits_type::eof())) xsputn(&text, 1);
    return traits_type::not_eof(symbol);
  }
};

bool is_standard_output(const std::string& path) {
  const auto destination = graphrt::destination_of(path);
  return destination && destination->descriptor == STDOUT_FILENO;
}

Result<void> write_emitted(const Command& command, const std::string& text) {
  if (!command.output_path || is_standard_output(*command.output_path)) {
    graphrt::report(text);
    return {};
  }
  return graphrt::write_file_atomically(*command.output_path, {graphrt::bytes_of(text)});
}

Result<void> emit(const Command& command, const Compilation& compilation, const Machine& machine) {
  for (const Emitter& emitter : kEmitters) {
    if (emitter.name != *command.emit) continue;
    TRY(const std::string text, emitter.print({compilation, machine, command}));
    return write_emitted(command, text);
  }
  return {};
}

Result<std::string> report(const Command& command, const Compilation& compilation,
                           const Machine& machine) {
  const Detail detail = detail_of(command);
  if (command.explained.empty()) return summary(compilation, machine, detail);
  if (command.explained == "*") return explain(compilation, machine, std::nullopt, detail);
  return explain(compilation, machine, command.explained, detail);
}

/// What needs memory comes before the plan is written: if it is out, there is no plan.
Result<void> deliver(const Command& command, const Compilation& compilation, const Machine& machine,
                     DiagnosticSink& diagnostics) {
  graphrt::note(diagnostics.take_all());
  if (command.time_passes) graphrt::report_on_stderr(print_timings(compilation.passes.timings));
  if (command.emit) return emit(command, compilation, machine);
  TRY(const std::string text, report(command, compilation, machine));
  if (command.output_path) TRY(graphrt::write_plan(compilation.plan, *command.output_path));
  if (command.output_path && is_standard_output(*command.output_path)) {
    graphrt::report_on_stderr(text);  // the plan is what goes there
  } else {
    graphrt::report(text);
  }
  return {};
}

/// Errors: an output that is one of the inputs, or cannot be written.
Result<void> check_paths(const Command& command, const LoadedGraph& loaded) {
  std::vector<graphrt::FileOfCall> inputs = {{"the graph", command.graph_path}};
  for (const std::string& path : loaded.array_paths)
    inputs.push_back({"an array of the graph", path});
  const auto& machine = command.machine_path ? command.machine_path : loaded.machine_path;
  if (machine) inputs.push_back({"the machine", *machine});
  if (command.schedule_path) inputs.push_back({"the schedule", *command.schedule_path});
  if (command.decisions_path) inputs.push_back({"the decisions", *command.decisions_path});
  std::vector<graphrt::FileOfCall> outputs;
  if (command.output_path) outputs.push_back({"-o", *command.output_path});
  return graphrt::check_files(inputs, outputs);
}

/// Of two files that are wrong, both are told in one run.
Result<LoadedGraph> load_graph_and_look_at_machine(const Command& command,
                                                   DiagnosticSink& diagnostics) {
  TRY(auto file, read_source_file(command.graph_path));
  Result<LoadedGraph> loaded = load_graph(std::move(file), diagnostics);
  if (loaded || !command.machine_path) return loaded;
  if (auto machine = read_source_file(*command.machine_path)) {
    static_cast<void>(load_machine(*std::move(machine), diagnostics));
  }
  return loaded;
}

Result<void> compile_and_deliver(const Command& command, DiagnosticSink& diagnostics) {
  if (command.focus && command.emit != "dot") {
    return usage_error("--focus is for --emit=dot, which draws what is around an operation");
  }
  TRY(const LoadedGraph loaded, load_graph_and_look_at_machine(command, diagnostics));
  TRY(const Machine machine, choose_machine(command, loaded, diagnostics));
  TRY(check_paths(command, loaded));
  if (command.is_serial && !machine.hosts.empty()) {
    return usage_error(
        "--serial is for one host: nothing orders what different hosts do, but the "
        "messages between them");
  }
  DumpBuffer dump_buffer;
  std::ostream dumps(&dump_buffer);
  CompileOptions options = options_for(command, dumps);
  TRY(options.memory_limits, parse_limits(command, machine));
  SearchProgress progress;
  if (command.dump_after.empty()) options.report = progress.report();
  if (command.emit == kTradeOffs) {
    if (command.decisions_path) {
      return usage_error("--emit=pareto searches for decisions; --decisions gives them");
    }
    if (command.is_serial) {
      return usage_error("--emit=pareto compares only plans with overlap, not --serial ones");
    }
    TRY(const auto points, trade_offs(loaded.request, machine, options, diagnostics));
    progress.stop();
    return write_emitted(command, print_trade_offs(points, machine));
  }
  if (command.schedule_path) {
    TRY(options.schedule_file, read_source_file(*command.schedule_path));
  }
  if (command.decisions_path) {
    TRY(options.decisions_file, read_source_file(*command.decisions_path));
  }
  TRY(const Compilation compilation, compile(loaded.request, machine, options, diagnostics));
  progress.stop();
  return deliver(command, compilation, machine, diagnostics);
}

}  // namespace

std::vector<std::string> emit_kinds() {
  std::vector<std::string> kinds;
  for (const Emitter& emitter : kEmitters) kinds.emplace_back(emitter.name);
  kinds.emplace_back(kTradeOffs);
  return kinds;
}

int run(const Command& command) {
  DiagnosticSink diagnostics;
  const Result<void> result = compile_and_deliver(command, diagnostics);
  graphrt::note(diagnostics.take_all());
  if (result) return 0;
  if (!result.error().message.empty()) tools::print_error("graphc", result.error().message);
  return exit_code(result.error().kind);
}

#include <CLI/CLI.hpp>

#include "compiler/machine/hosts.h"
#include "runtime/base/text.h"
#include "tools/common/command_line.h"
#include "tools/common/program.h"
#include "tools/graphc/command.h"
#include "tools/graphc/operator_table.h"

namespace {

/// What is told about the way to the plan.
void add_telling_options(CLI::App& app, Command& command) {
  app.add_option("--dump-after", command.dump_after,
                 "Print the graph to stderr after these passes, or after 'all'")
      ->type_name("PASS,...")
      ->delimiter(',');
  app.add_flag("--time-passes", command.time_passes, "Print to stderr how long each pass took");
  // A flag with an optional value: a file name after a bare --explain is the graph, not a node.
  app.add_flag("--explain{*}", command.explained,
               "Say why every node, or with --explain=NODE the one, is where and when it is");
  app.add_flag("--verbose", command.is_verbose,
               "Leave nothing out of the summary, of --explain and of --emit=dot, however long");
  auto* focus = app.add_option("--focus", command.focus,
                               "With --emit=dot: draw this operation and what is around it")
                    ->type_name("NAME");
  app.add_option("--radius", command.radius, "How many edges around the one in --focus")
      ->check(graphrt::why_not_decimal)
      ->check(CLI::Range(0, 1000))
      ->type_name("K")
      ->needs(focus)
      ->capture_default_str();
}

void add_options(CLI::App& app, Command& command) {
  app.set_version_flag("--version", "graphc " GRAPHC_VERSION);
  app.add_flag_callback(
         "--operators", [] { throw CLI::CallForVersion(operator_table(), 0); },
         "Print the table of operators, in Markdown, and exit")
      ->trigger_on_parse();
  app.add_option("GRAPH", command.graph_path, "The graph to compile: .yaml or .graph")
      ->type_name("")
      ->required();
  app.add_option("-o,--output", command.output_path,
                 "The plan to write, or the file for what --emit names")
      ->type_name("FILE");
  app.add_option("--machine", command.machine_path,
                 "The machine to compile for; overrides the graph's own (default: one CPU)")
      ->type_name("FILE.yaml");
  app.add_option("--hosts", command.num_hosts,
                 "Compile for so many hosts that are like the machine, which has a network")
      ->check(graphrt::why_not_decimal)
      ->check(CLI::Range(1, graphc::kMaxHosts))
      ->type_name("N");
  app.add_option("--emit", command.emit, "Print one level instead of writing a plan")
      ->check(CLI::IsMember(emit_kinds()))
      ->type_name("LEVEL");
  app.add_option("--steps", command.emit_steps, "Steps that --emit=svg and --emit=trace show")
      ->check(graphrt::why_not_decimal)
      ->check(CLI::Range(1, 1000))
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--memory-limit", command.memory_limits,
                 "Let the plan have this much of a device's memory, and no more")
      ->type_name("DEVICE=SIZE,...")
      ->delimiter(',');
  auto* schedule =
      app.add_option("--schedule", command.schedule_path,
                     "Use this schedule, as --emit=schedule prints it, possibly edited")
          ->type_name("FILE.schedule");
  app.add_flag(
         "--serial", command.is_serial,
         "Let nothing overlap, one operation at a time: what a schedule is worth, by comparison")
      ->excludes(schedule);
  app.add_option("--decisions", command.decisions_path,
                 "Decide what this file says instead of searching, as --emit=decisions prints it, "
                 "possibly edited")
      ->type_name("FILE.decisions")
      ->excludes(schedule)
      ->excludes("--serial");
  app.add_option("--effort", command.effort,
                 "How much to search where a graph is large: normal takes seconds, high minutes")
      ->check(CLI::IsMember({"normal", "high"}))
      ->type_name("EFFORT")
      ->capture_default_str();
  add_telling_options(app, command);
  app.footer(
      "Exit codes: 0 done; 1 the graph, machine, schedule or decisions file is wrong; 2 the "
      "command\n"
      "line is; 3 the machine has too little memory, or a file or standard output cannot be "
      "written;\n"
      "141 nobody reads standard output any more.");
}

int run_graphc(int argc, char** argv) {
  CLI::App app("Compiles an operator graph into a static, verified schedule.", "graphc");
  Command command;
  add_options(app, command);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return tools::end_of_parsing(app, error);
  }
  return run(command);
}

}  // namespace

int main(int argc, char** argv) { return tools::run_program("graphc", argc, argv, run_graphc); }

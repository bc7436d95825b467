#include <CLI/CLI.hpp>
#include <iostream>

#include "tools/graphc/command.h"

namespace {

void add_options(CLI::App& app, Command& command) {
  app.set_version_flag("--version", "graphc " GRAPHC_VERSION);
  app.add_option("graph", command.graph_path, "graph to compile, YAML or .graph")->required();
  app.add_option("-o,--output", command.output_path,
                 "file to write: the plan, or what --emit names");
  app.add_option("--machine", command.machine_path,
                 "machine file; overrides the graph's own (default: one CPU)");
  app.add_option("--emit", command.emit, "print one level instead of writing a plan")
      ->check(CLI::IsMember(emit_kinds()));
  app.add_option("--steps", command.emit_steps, "steps that --emit=svg and --emit=trace show")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--schedule", command.schedule_path,
                 "use this schedule, as --emit=schedule prints it, possibly edited");
  app.add_option("--dump-after", command.dump_after,
                 "print the graph after these passes to stderr; 'all' for each")
      ->delimiter(',');
  app.add_flag("--time-passes", command.time_passes, "print how long each pass took to stderr");
  // An optional value: --explain, or --explain=NODE.
  app.add_option("--explain", command.explained_node,
                 "say why every node, or one, is where and when it is")
      ->expected(0, 1);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Compiles an operator graph into a static, verified schedule.", "graphc");
  Command command;
  add_options(app, command);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const bool is_help = error.get_exit_code() == 0;
    app.exit(error);
    return is_help ? 0 : 2;
  }
  command.wants_explanation = app.count("--explain") > 0;
  if (command.explained_node && command.explained_node->empty()) command.explained_node.reset();
  return run(command);
}

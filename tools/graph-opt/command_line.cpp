#include "tools/graph-opt/command_line.h"

#include <CLI/CLI.hpp>

#include "tools/common/command_line.h"

namespace graph_opt {

std::variant<Options, int> parse_command_line(int argc, const char* const* argv) {
  Options options;
  bool is_machine = false;
  CLI::App app(
      "Runs passes on a graph: text or YAML in, text out.\n"
      "Without --passes it reads, checks and prints the graph.",
      "graph-opt");
  app.footer(
      "Exit codes: 0 success, 1 an error in the input, 2 bad usage, 3 the output cannot be "
      "written,\n"
      "141 nobody reads standard output any more.");
  app.set_version_flag("--version", "graph-opt " GRAPHC_VERSION);
  CLI::Option* input = app.add_option("INPUT", options.input, "a .graph or .yaml file");
  app.add_option("--passes", options.passes, "names of passes, separated by commas, in order");
  app.add_option("--dump-after", options.dump_after,
                 "print the graph to stderr after these passes, or after 'all'")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("-o,--output", options.output, "where to write the text; '-' is stdout")
      ->capture_default_str();
  app.add_flag("--machine", is_machine, "INPUT is a machine file: check it and print it as YAML");
  app.add_flag("--time-passes", options.times_passes, "print to stderr how long each pass took");
  app.add_flag("--list-passes", options.lists_passes, "print the names of all passes");
  try {
    app.parse(argc, argv);
    if (!options.lists_passes && input->count() == 0) throw CLI::RequiredError("INPUT");
    if (is_machine && !options.passes.empty()) throw CLI::ExcludesError("--machine", "--passes");
  } catch (const CLI::ParseError& error) {
    return tools::end_of_parsing(app, error);
  }
  if (is_machine) options.input_kind = InputKind::kMachine;
  return options;
}

}  // namespace graph_opt

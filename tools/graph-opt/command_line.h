#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace graph_opt {

enum class InputKind { kGraph, kMachine };

struct Options {
  std::string input;
  std::string output = "-";
  std::string passes;  ///< comma-separated
  std::vector<std::string> dump_after;
  InputKind input_kind = InputKind::kGraph;
  bool lists_passes = false;
  bool times_passes = false;
};

/// The options, or the code to exit with after --help, --version or a message about bad usage.
std::variant<Options, int> parse_command_line(int argc, const char* const* argv);

}  // namespace graph_opt

#pragma once

#include <optional>
#include <string>
#include <vector>

/// What the command line of graphc said.
struct Command {
  std::string graph_path;
  std::optional<std::string> output_path;
  std::optional<std::string> machine_path;
  std::optional<std::string> schedule_path;
  std::optional<std::string> decisions_path;
  std::optional<int> num_hosts;  ///< that are like the machine
  bool is_serial = false;
  std::string effort = "normal";
  std::optional<std::string> emit;
  int emit_steps = 3;
  std::vector<std::string> memory_limits;  ///< `gpu0=512MiB`
  std::vector<std::string> dump_after;
  bool time_passes = false;
  std::string explained;  ///< a node, "*" for every node, empty for none
  bool is_verbose = false;
  std::optional<std::string> focus;  ///< an operation that --emit=dot shows the surroundings of
  int radius = 2;                    ///< of these, in edges
};

/// Runs it: compiles, writes, prints. Returns the exit code.
int run(const Command& command);

/// The values of --emit.
std::vector<std::string> emit_kinds();

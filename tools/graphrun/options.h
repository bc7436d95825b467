#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "runtime/session/session.h"
#include "tools/graphrun/training_options.h"

namespace graphrun {

/// `NAME=FILE` from the command line.
struct NamedFile {
  std::string name;
  std::filesystem::path path;
};

struct Options {
  std::filesystem::path plan;
  graphrt::SessionOptions session;
  int64_t num_steps = 1;
  TrainingOptions training;
  std::vector<NamedFile> inputs;
  std::vector<NamedFile> stacked_outputs;
  std::vector<NamedFile> last_outputs;
  std::optional<std::filesystem::path> save_state;
  std::optional<std::filesystem::path> load_state;
  std::optional<std::filesystem::path> trace;
  std::optional<int32_t> num_repetitions;  ///< --bench
  int64_t timeout_s = 300;
  bool is_partial = false;
  graphrt::StateTypes state_types = graphrt::StateTypes::kSame;
  bool has_barrier = false;
  bool is_checked = false;
  bool is_simulated = false;
  bool is_quiet = false;
  bool emulates = false;  ///< all hosts in this process
  bool is_first = true;   ///< of the processes that run the plan: it prints, and writes files
  bool says_more() const { return is_first && !is_quiet; }
};

/// The program is to end at once with this code: help was printed, or what is wrong.
struct EarlyExit {
  int code = 0;
};

/// Reads the command line; prints help, the version, or what is wrong with it (code 2).
std::variant<Options, EarlyExit> parse_options(int argc, char** argv);

}  // namespace graphrun

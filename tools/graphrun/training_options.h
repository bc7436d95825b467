#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "runtime/base/result.h"

namespace CLI {
class App;
}

namespace graphrun {

/// What a long run asks for beside its steps.
struct TrainingOptions {
  std::optional<int64_t> num_epochs;
  std::optional<uint64_t> shuffle_seed;
  std::optional<std::filesystem::path> evaluation;
  std::optional<int64_t> evaluation_every;  ///< absent: at the end alone
  std::optional<std::filesystem::path> metrics;
  int64_t metrics_every = 100;
  std::optional<std::filesystem::path> checkpoint;
  std::optional<int64_t> checkpoint_every;  ///< absent: at the end alone
  bool is_resumed = false;
  bool detects_nan = false;
};

/// Adds the options of training to a command line; `options` must outlive its parsing.
void declare_training(CLI::App& app, TrainingOptions& options);

/// Fills in what parsing alone does not, from the parsed command line.
/// Errors: options that contradict each other.
graphrt::Result<void> finish_training(const CLI::App& app, TrainingOptions& options);

}  // namespace graphrun

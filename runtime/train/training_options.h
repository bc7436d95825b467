#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace graphrt {

/// What a training does between its steps.
struct TrainingOptions {
  /// Steps between two evaluations; absent: one at the end alone.
  std::optional<int64_t> evaluation_every = {};
  /// A table of comma-separated values of all scalar outputs; absent: none.
  std::optional<std::filesystem::path> metrics = {};
  /// Steps between two of its lines. The last step and evaluations have a line in any case.
  int64_t metrics_every = 100;
  /// A file with all that is needed to go on (write_checkpoint()), written at the end of a run,
  /// also of one that is stopped; absent: none.
  std::optional<std::filesystem::path> checkpoint = {};
  /// Steps between two checkpoints; absent: at the end alone.
  std::optional<int64_t> checkpoint_every = {};
  /// The session stands where an earlier run left it (resume_from()): a table that is there is gone
  /// on with. Otherwise it is replaced.
  bool is_resumed = false;
  /// Looks after every piece for a NaN or an infinity in scalar outputs and states (FiniteWatch).
  bool detects_nan = false;
  /// Scalar outputs of which the caller keeps the values of all steps (Session::stack_output()):
  /// their stacks are left alone. Of others, those of the latest piece are kept.
  std::vector<std::string> kept_outputs = {};
};

}  // namespace graphrt

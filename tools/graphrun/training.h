#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/engine/finite_watch.h"
#include "runtime/engine/session.h"
#include "tools/graphrun/evaluation.h"
#include "tools/graphrun/metrics.h"
#include "tools/graphrun/options.h"
#include "tools/graphrun/progress.h"
#include "tools/graphrun/run_length.h"
#include "tools/graphrun/stop_signal.h"

namespace graphrun {

/// How a run of steps went.
struct TrainingResult {
  int64_t count = 0;
  int64_t wall_ns = 0;             ///< of the steps alone
  std::optional<int> stop_signal;  ///< the run ended early because of it
};

/// Runs the steps of a session up to a given one, piece by piece. Between two pieces, with nothing
/// in flight, it evaluates, writes metrics and checkpoints, looks for what is not finite, and for a
/// wish of the user to stop.
class Training {
 public:
  /// Everything that can go wrong before the first step.
  /// `session` and `options` must outlive this. Requires: the session stands at its first step.
  /// Errors: an evaluation plan that does not fit; files that cannot be written.
  static graphrt::Result<Training> prepare(graphrt::Session& session, const Options& options,
                                           int64_t end_step);

  /// Errors: a device that fails; a file that cannot be written; a value that is not finite
  ///         (kMismatch): the session then stands before the step that gave it.
  graphrt::Result<TrainingResult> run(const graphrt::RunOptions& run_options);

  /// The table of metrics is complete. Errors: lines that could not be written (kMachine); a reader
  /// that has gone is none.
  graphrt::Result<void> end_metrics();

  /// Whether run() ended because of a value that is not finite.
  bool has_found_non_finite() const { return has_found_non_finite_; }

 private:
  Training(graphrt::Session& session, const Options& options, int64_t end_step);

  graphrt::Result<void> check_paths() const;
  std::optional<int> wish_to_stop(const StopSignal& signals) const;
  int64_t piece_end() const;
  bool is_due(const std::optional<int64_t>& every) const;
  graphrt::RunOptions unobserved() const;
  graphrt::Result<void> run_piece(Progress* progress);
  graphrt::Result<void> finish_piece(graphrt::StepRange steps, Progress* progress);
  graphrt::Result<std::vector<std::string>> evaluate(Progress* progress);
  graphrt::Result<void> find_non_finite(int64_t first_step);
  graphrt::Result<void> save_checkpoint();

  graphrt::Session& session_;
  const Options& options_;
  int64_t end_step_;
  std::vector<std::string> scalars_;
  std::vector<std::string> short_stacks_;  // of the scalars: nobody wants them of all steps
  Pace pace_;
  graphrt::RunOptions run_options_;
  std::optional<Evaluation> evaluation_;
  std::optional<Metrics> metrics_;
  std::optional<graphrt::FiniteWatch> finite_watch_;
  int64_t wall_ns_ = 0;
  std::optional<int64_t> checkpoint_step_;  // of the latest checkpoint of this run
  bool has_found_non_finite_ = false;
};

}  // namespace graphrun

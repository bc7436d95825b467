#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/step_range.h"
#include "runtime/observe/finite_watch.h"
#include "runtime/observe/loss_scale_watch.h"
#include "runtime/session/session.h"
#include "runtime/train/evaluation.h"
#include "runtime/train/metrics.h"
#include "runtime/train/run_length.h"
#include "runtime/train/training_observer.h"
#include "runtime/train/training_options.h"

namespace graphrt {

/// Why a run of steps ended.
enum class TrainingEnd : uint8_t {
  kFinished,    ///< all steps are done
  kStopped,     ///< its observer wanted it to
  kReaderGone,  ///< the table of metrics goes through a pipe that nobody reads any more
};

/// How a run of steps went.
struct TrainingResult {
  int64_t num_steps = 0;
  int64_t wall_ns = 0;  ///< of the steps alone
  TrainingEnd end = TrainingEnd::kFinished;
  std::optional<LossScaleReport> loss_scale = {};  ///< absent where the plan has none
};

/// Runs the steps of a session up to a given one, piece by piece. Between two pieces, with nothing
/// in flight, it evaluates, writes metrics and checkpoints, looks for what is not finite, and asks
/// whether to stop. Training in epochs:
///
///   TRY(Session session, Session::load("train.bin"));
///   TRY(session.set_row_order(RowOrder::shuffled(7)));
///   TRY(const int64_t end_step, steps_of_epochs(session, 30));
///   TRY(const auto resumed, resume_if_there(session, "run.safetensors"));
///   TRY(Evaluation evaluation, Evaluation::load("eval.bin", {}, session));
///   TRY(Training training, Training::create(session, end_step,
///                                           {.evaluation_every = 225,
///                                            .metrics = "metrics.csv",
///                                            .checkpoint = "run.safetensors",
///                                            .is_resumed = resumed.has_value()},
///                                           std::move(evaluation)));
///   TRY(training.run());
///   TRY(training.end_metrics());
///
/// A run in pieces computes the same bits as any other. A call ends with a result or an error,
/// whatever runs out and whoever throws.
class Training {
 public:
  /// Everything that can go wrong before the first step: memory for the outputs of all steps is
  /// taken, and the table of metrics is begun.
  /// `end_step`: the number of the step before which the training ends, as steps_of_epochs() gives
  ///             it for a session that starts at step 0.
  /// `session` must outlive this. Requires: it stands at its first step; its inputs and their order
  ///             are set; `evaluation` was loaded for it.
  /// Errors: a period that is not positive (kUsage); too many steps, as Session::run(); not enough
  ///         memory; a table that cannot be written, or be gone on with.
  static Result<Training> create(Session& session, int64_t end_step, TrainingOptions options = {},
                                 std::optional<Evaluation> evaluation = std::nullopt);

  /// Runs to the end, or until it is stopped; may be called again after that. `observer` may be
  /// null. Without a step left to run, the states are evaluated as they are.
  /// Errors: as Session::run() and Evaluation::run(); a checkpoint that cannot be written; a value
  ///         that is not finite (kMismatch): the session then stands before the step that gave it;
  ///         a loss scale that training gave up on (kMismatch).
  Result<TrainingResult> run(const RunOptions& run_options = {},
                             TrainingObserver* observer = nullptr);

  /// The table of metrics is complete. Errors: lines that could not be written (kMachine); a reader
  /// that has gone is none.
  Result<void> end_metrics();

  /// Whether run() ended because of a value that is not finite.
  bool has_found_non_finite() const { return has_found_non_finite_; }

 private:
  /// Of one run.
  struct Run {
    RunOptions options;
    TrainingObserver& observer;
    int64_t wall_ns = 0;
  };
  /// The end of the run, or a piece of so many steps.
  struct Next {
    std::optional<TrainingEnd> end;
    int64_t num_steps = 0;
  };

  Training(Session& session, int64_t end_step, TrainingOptions options,
           std::optional<Evaluation> evaluation);

  Result<void> prepare();
  Result<TrainingResult> run_all(Run& run);
  std::optional<TrainingEnd> early_end(const Run& run) const;
  int64_t piece_end() const;
  bool is_due(const std::optional<int64_t>& every) const;
  Result<Next> agree_on_next(const Run& run) const;
  Result<void> run_piece(Run& run, int64_t num_steps);
  Result<void> finish_piece(Run& run, StepRange steps);
  Result<std::vector<Mean>> evaluate(const Run& run);
  Result<void> find_non_finite(const Run& run, int64_t first_step);
  Result<void> check_loss_scale(int64_t first_step);
  Result<void> add_metrics_before(int64_t step, int64_t first_step);
  Result<void> save_checkpoint();

  Session& session_;
  int64_t end_step_;
  TrainingOptions options_;
  std::optional<Evaluation> evaluation_;
  std::vector<std::string> scalars_;
  std::vector<std::string> short_stacks_;  // of the scalars: nobody wants them of all steps
  Pace pace_;
  std::optional<Metrics> metrics_;
  std::optional<FiniteWatch> finite_watch_;
  std::optional<LossScaleWatch> loss_scale_watch_;
  std::optional<int64_t> checkpoint_step_;  // of the latest checkpoint of this training
  bool has_found_non_finite_ = false;
};

}  // namespace graphrt

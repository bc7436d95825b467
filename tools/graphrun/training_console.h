#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/step_range.h"
#include "runtime/session/session.h"
#include "runtime/train/training.h"
#include "runtime/train/training_observer.h"
#include "tools/graphrun/progress.h"
#include "tools/graphrun/stop_signal.h"

namespace graphrun {

/// Between a training and who sits before it: shows progress and evaluations, and ends the run
/// where a signal asks for it.
class TrainingConsole final : public graphrt::TrainingObserver {
 public:
  /// Of the steps from the session's next one to `end_step`. `session` must outlive this.
  TrainingConsole(const graphrt::Session& session, int64_t end_step, bool is_quiet);
  /// From now on. Errors: the system gives no thread for the progress (kMachine).
  graphrt::Result<void> start();

  void on_start(graphrt::StepRange steps) override;
  void on_finish(graphrt::StepRange steps, const std::vector<graphrt::Tensor>& values) override;
  void on_evaluation(int64_t num_steps, const std::vector<graphrt::Mean>& means) override;
  bool wants_to_stop() override { return stop_.caught().has_value(); }

  /// The signal that a run ended early because of, if it did.
  std::optional<int> stop_signal(graphrt::TrainingEnd end) const;

 private:
  std::vector<std::string> scalars_;
  bool is_first_;
  std::unique_ptr<Progress> progress_;  // null if nothing is to be shown
  StopSignal stop_;
};

}  // namespace graphrun

#include "tools/graphrun/training_console.h"

#include <fmt/format.h>

#include <csignal>

#include "runtime/base/console.h"
#include "runtime/base/text.h"
#include "runtime/train/scalar_outputs.h"

namespace graphrun {

TrainingConsole::TrainingConsole(const graphrt::Session& session, int64_t end_step, bool is_quiet)
    : scalars_(graphrt::scalar_outputs(session.plan())), is_first_(session.is_first()) {
  if (!is_quiet) progress_ = std::make_unique<Progress>(session, end_step);
}

graphrt::Result<void> TrainingConsole::start() {
  if (progress_ == nullptr) return {};
  return progress_->start();
}

void TrainingConsole::on_start(graphrt::StepRange steps) {
  if (progress_ != nullptr) progress_->start_piece(steps);
}

void TrainingConsole::on_finish(graphrt::StepRange steps,
                                const std::vector<graphrt::Tensor>& values) {
  if (progress_ == nullptr || values.empty()) return;
  const auto last = static_cast<size_t>(steps.count - 1);
  progress_->show_value(scalars_[0], graphrt::element_text(values[0], last));
}

void TrainingConsole::on_evaluation(int64_t num_steps, const std::vector<graphrt::Mean>& means) {
  std::vector<std::string> texts;
  for (const graphrt::Mean& mean : means) texts.push_back(mean.output + " = " + mean.text);
  if (progress_ != nullptr) progress_->hide();
  if (!is_first_) return;
  graphrt::report(fmt::format("eval at step {}: {}\n", num_steps, graphrt::join(texts, ", ")));
}

std::optional<int> TrainingConsole::stop_signal(graphrt::TrainingEnd end) const {
  switch (end) {
    case graphrt::TrainingEnd::kFinished:
      return std::nullopt;
    case graphrt::TrainingEnd::kStopped:
      return stop_.caught().value_or(SIGTERM);  // another host's signal is none here
    case graphrt::TrainingEnd::kReaderGone:
      return SIGPIPE;
  }
  return std::nullopt;
}

}  // namespace graphrun

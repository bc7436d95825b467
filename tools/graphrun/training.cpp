#include "tools/graphrun/training.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "runtime/base/console.h"
#include "runtime/base/text.h"
#include "runtime/engine/checkpoint.h"
#include "tools/graphrun/check_paths.h"
#include "tools/graphrun/scalar_outputs.h"

namespace graphrun {
namespace {

using graphrt::Result;
using graphrt::StepRange;

/// The next multiple of `every` after `step`, and `end` at the latest.
int64_t next_stop(int64_t step, const std::optional<int64_t>& every, int64_t end) {
  if (!every) return end;
  return std::min(end, (step / *every + 1) * *every);
}

bool is_stacked_by_user(const Options& options, const std::string& output) {
  if (options.is_checked) return true;
  return std::any_of(options.stacked_outputs.begin(), options.stacked_outputs.end(),
                     [&](const NamedFile& file) { return file.name == output; });
}

}  // namespace

Training::Training(graphrt::Session& session, const Options& options, int64_t end_step)
    : session_(session),
      options_(options),
      end_step_(end_step),
      scalars_(scalar_outputs(session.plan())),
      pace_(session.plan().predicted_interval_ns) {
  for (const std::string& name : scalars_) {
    if (!is_stacked_by_user(options, name)) short_stacks_.push_back(name);
  }
}

Result<Training> Training::prepare(graphrt::Session& session, const Options& options,
                                   int64_t end_step) {
  Training training(session, options, end_step);
  TRY(session.reserve_outputs(std::max<int64_t>(end_step - session.next_step(), 0)));
  const TrainingOptions& asked = options.training;
  std::vector<std::string> evaluated;
  if (asked.evaluation) {
    TRY(training.evaluation_, Evaluation::load(*asked.evaluation, options.session, session));
    evaluated = training.evaluation_->names();
  }
  TRY(training.check_paths());
  if (asked.detects_nan) {
    TRY(training.finite_watch_, graphrt::FiniteWatch::begin(session, training.scalars_));
  }
  if (asked.metrics) {
    TRY(training.metrics_, Metrics::open(session, asked, training.scalars_, evaluated));
  }
  return training;
}

Result<TrainingResult> Training::run(const graphrt::RunOptions& run_options) {
  run_options_ = run_options;
  const int64_t first_step = session_.next_step();
  std::unique_ptr<Progress> progress;
  if (!options_.is_quiet) {
    progress = std::make_unique<Progress>(session_, end_step_);
    TRY(progress->start());
  }
  const StopSignal stop;
  while (session_.next_step() < end_step_ && !wish_to_stop(stop)) {
    TRY(run_piece(progress.get()));
  }
  const int64_t num_steps = session_.next_step() - first_step;
  // States may be evaluated as they are, with --steps=0.
  if (num_steps == 0 && evaluation_) TRY(evaluate(progress.get()));
  TRY(save_checkpoint());
  const bool is_early = session_.next_step() < end_step_;
  return TrainingResult{num_steps, wall_ns_, is_early ? wish_to_stop(stop) : std::nullopt};
}

/// Feeds are known now, too; nothing is written yet.
Result<void> Training::check_paths() const {
  std::vector<graphrt::FileOfCall> inputs = named_inputs(options_);
  const auto add = [&](const std::vector<graphrt::FileOfCall>& feeds) {
    inputs.insert(inputs.end(), feeds.begin(), feeds.end());
  };
  add(feeds_of(session_.plan(), options_.plan, options_.inputs));
  if (evaluation_) add(feeds_of(evaluation_->plan(), *options_.training.evaluation, {}));
  return graphrt::check_files(inputs, files_written(options_));
}

/// The reader of a table that goes through a pipe may go, too.
std::optional<int> Training::wish_to_stop(const StopSignal& signals) const {
  if (metrics_ && metrics_->has_lost_its_reader()) return SIGPIPE;
  return signals.caught();
}

/// Where the next piece ends: at what is due next, and in a short while at the latest.
int64_t Training::piece_end() const {
  const TrainingOptions& asked = options_.training;
  const int64_t step = session_.next_step();
  const int64_t due = std::min(next_stop(step, asked.evaluation_every, end_step_),
                               next_stop(step, asked.checkpoint_every, end_step_));
  return std::min(due, step + pace_.num_steps());
}

bool Training::is_due(const std::optional<int64_t>& every) const {
  const int64_t step = session_.next_step();
  return step == end_step_ || (every && step % *every == 0);
}

/// What is not part of the run's steps is not part of its measurements.
graphrt::RunOptions Training::unobserved() const {
  graphrt::RunOptions options = run_options_;
  options.observer = nullptr;
  return options;
}

Result<void> Training::run_piece(Progress* progress) {
  using Clock = std::chrono::steady_clock;
  const StepRange steps{session_.next_step(), piece_end() - session_.next_step()};
  for (const std::string& name : short_stacks_) TRY(session_.stack_output(name));
  if (finite_watch_) TRY(finite_watch_->before_piece(session_));
  if (progress != nullptr) progress->start_piece(steps);
  const Clock::time_point start = Clock::now();
  TRY(session_.run(steps.count, run_options_));
  const std::chrono::nanoseconds duration = Clock::now() - start;
  wall_ns_ += duration.count();
  pace_.learn(steps.count, duration);
  if (finite_watch_) TRY(find_non_finite(steps.first));
  return finish_piece(steps, progress);
}

Result<void> Training::finish_piece(StepRange steps, Progress* progress) {
  TRY(const std::vector<graphrt::Tensor> values, values_of(session_, scalars_, steps));
  if (progress != nullptr && !values.empty()) {
    progress->show_value(scalars_[0],
                         element_text(values[0], static_cast<size_t>(steps.count - 1)));
  }
  std::vector<std::string> means;
  if (evaluation_ && is_due(options_.training.evaluation_every)) {
    TRY(means, evaluate(progress));
  }
  const bool ends_run = session_.next_step() == end_step_;
  if (metrics_) metrics_->add({steps, values, means, ends_run});
  if (is_due(options_.training.checkpoint_every)) TRY(save_checkpoint());
  return {};
}

Result<std::vector<std::string>> Training::evaluate(Progress* progress) {
  TRY(std::vector<std::string> means, evaluation_->run(session_, unobserved()));
  std::vector<std::string> texts;
  for (size_t i = 0; i < means.size(); ++i) {
    texts.push_back(evaluation_->names()[i] + " = " + means[i]);
  }
  if (progress != nullptr) progress->hide();
  graphrt::report(
      fmt::format("eval at step {}: {}\n", session_.next_step(), graphrt::join(texts, ", ")));
  return means;
}

Result<void> Training::find_non_finite(int64_t first_step) {
  TRY(const auto found, finite_watch_->after_piece(session_, unobserved()));
  if (!found) return {};
  has_found_non_finite_ = true;
  const StepRange before{first_step, found->step - first_step};
  if (metrics_ && before.count > 0) {
    TRY(const std::vector<graphrt::Tensor> values, values_of(session_, scalars_, before));
    metrics_->add({before, values, {}, false});
  }
  return tl::unexpected(graphrt::Error{graphrt::ErrorKind::kMismatch,
                                       fmt::format("step {}: {} is not finite; it comes from {}",
                                                   found->step, found->seen, found->source)});
}

Result<void> Training::end_metrics() {
  if (!metrics_ || metrics_->has_lost_its_reader()) return {};
  return metrics_->end();
}

/// What the table says of these steps is on the disk before the checkpoint is: a resumed run writes
/// the lines after it again, and no others. A table that cannot be written is no reason to lose the
/// checkpoint as well.
Result<void> Training::save_checkpoint() {
  const TrainingOptions& asked = options_.training;
  if (!asked.checkpoint || checkpoint_step_ == session_.next_step()) return {};
  if (metrics_) metrics_->sync();
  TRY(graphrt::write_checkpoint(session_, *asked.checkpoint));
  checkpoint_step_ = session_.next_step();
  return {};
}

}  // namespace graphrun

#include "runtime/train/training.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "runtime/base/exceptions.h"
#include "runtime/session/checkpoint.h"
#include "runtime/train/scalar_outputs.h"

namespace graphrt {
namespace {

/// The next multiple of `every` after `step`, and `end` at the latest.
int64_t next_stop(int64_t step, const std::optional<int64_t>& every, int64_t end) {
  if (!every) return end;
  return std::min(end, (step / *every + 1) * *every);
}

Result<void> check_periods(const TrainingOptions& options) {
  for (const int64_t period : {options.evaluation_every.value_or(1), options.metrics_every,
                               options.checkpoint_every.value_or(1)}) {
    if (period >= 1 && period <= kMaxRunSteps) continue;
    return usage_error("what happens every so many steps happens every 1 to " +
                       std::to_string(kMaxRunSteps) + " steps, not every " +
                       std::to_string(period));
  }
  return {};
}

/// What is not part of the run's steps is not part of its measurements.
RunOptions unobserved(RunOptions options) {
  options.observer = nullptr;
  return options;
}

}  // namespace

Training::Training(Session& session, int64_t end_step, TrainingOptions options,
                   std::optional<Evaluation> evaluation)
    : session_(session),
      end_step_(end_step),
      options_(std::move(options)),
      evaluation_(std::move(evaluation)),
      scalars_(scalar_outputs(session.plan())),
      pace_(session.plan().predicted_interval_ns) {
  for (const std::string& name : scalars_) {
    const auto& kept = options_.kept_outputs;
    if (std::find(kept.begin(), kept.end(), name) == kept.end()) short_stacks_.push_back(name);
  }
}

Result<Training> Training::create(Session& session, int64_t end_step, TrainingOptions options,
                                  std::optional<Evaluation> evaluation) {
  return without_exceptions([&]() -> Result<Training> {
    TRY(check_periods(options));
    Training training(session, end_step, std::move(options), std::move(evaluation));
    TRY(training.prepare());
    return training;
  });
}

Result<void> Training::prepare() {
  TRY(session_.reserve_outputs(std::max<int64_t>(end_step_ - session_.next_step(), 0)));
  if (options_.detects_nan) {
    TRY(finite_watch_, FiniteWatch::begin(session_, scalars_));
  }
  TRY(loss_scale_watch_, LossScaleWatch::begin(session_));
  if (!options_.metrics || !session_.is_first()) return {};
  const auto evaluated = evaluation_ ? evaluation_->names() : std::vector<std::string>();
  TRY(metrics_, Metrics::open(session_, options_, scalars_, evaluated));
  return {};
}

Result<TrainingResult> Training::run(const RunOptions& run_options, TrainingObserver* observer) {
  TrainingObserver nobody;
  Run run{.options = run_options, .observer = observer == nullptr ? nobody : *observer};
  return without_exceptions([&] { return run_all(run); });
}

Result<TrainingResult> Training::run_all(Run& run) {
  const int64_t first_step = session_.next_step();
  TrainingEnd end = TrainingEnd::kFinished;
  while (session_.next_step() < end_step_) {
    TRY(const Next next, agree_on_next(run));
    if (next.end) {
      end = *next.end;
      break;
    }
    TRY(run_piece(run, next.num_steps));
  }
  const int64_t num_steps = session_.next_step() - first_step;
  if (num_steps == 0 && evaluation_) TRY(evaluate(run));
  TRY(save_checkpoint());
  TrainingResult result{num_steps, run.wall_ns, end};
  if (loss_scale_watch_) {
    TRY(result.loss_scale, loss_scale_watch_->report(session_));
  }
  return result;
}

std::optional<TrainingEnd> Training::early_end(const Run& run) const {
  if (metrics_ && metrics_->has_lost_its_reader()) return TrainingEnd::kReaderGone;
  if (run.observer.wants_to_stop()) return TrainingEnd::kStopped;
  return std::nullopt;
}

/// What all hosts do next. Any may want to stop; how long a piece is, which the clock decides, is
/// the first one's matter.
Result<Training::Next> Training::agree_on_next(const Run& run) const {
  const std::optional<TrainingEnd> early = early_end(run);
  const int64_t num_steps = piece_end() - session_.next_step();
  TRY(const std::vector<int64_t> wishes,
      session_.tell_all(early ? -static_cast<int64_t>(*early) : num_steps));
  for (const int64_t wish : wishes) {
    if (wish < 0) return Next{static_cast<TrainingEnd>(-wish), 0};
  }
  return Next{std::nullopt, wishes[0]};
}

/// Where the next piece ends: at what is due next, and in a short while at the latest.
int64_t Training::piece_end() const {
  const int64_t step = session_.next_step();
  const int64_t due = std::min(next_stop(step, options_.evaluation_every, end_step_),
                               next_stop(step, options_.checkpoint_every, end_step_));
  return std::min(due, step + pace_.num_steps());
}

bool Training::is_due(const std::optional<int64_t>& every) const {
  const int64_t step = session_.next_step();
  return step == end_step_ || (every && step % *every == 0);
}

Result<void> Training::run_piece(Run& run, int64_t num_steps) {
  using Clock = std::chrono::steady_clock;
  const StepRange steps{session_.next_step(), num_steps};
  for (const std::string& name : short_stacks_) TRY(session_.stack_output(name));
  if (finite_watch_) TRY(finite_watch_->before_piece(session_));
  run.observer.on_start(steps);
  const Clock::time_point start = Clock::now();
  TRY(session_.run(steps.count, run.options));
  const std::chrono::nanoseconds duration = Clock::now() - start;
  run.wall_ns += duration.count();
  pace_.learn(steps.count, duration);
  if (finite_watch_) TRY(find_non_finite(run, steps.first));
  if (loss_scale_watch_) TRY(check_loss_scale(steps.first));
  return finish_piece(run, steps);
}

Result<void> Training::finish_piece(Run& run, StepRange steps) {
  TRY(const std::vector<Tensor> values, values_of(session_, scalars_, steps));
  run.observer.on_finish(steps, values);
  std::vector<Mean> means;
  if (evaluation_ && is_due(options_.evaluation_every)) {
    TRY(means, evaluate(run));
  }
  const bool ends_run = session_.next_step() == end_step_;
  if (metrics_) metrics_->add({steps, values, means, ends_run});
  if (is_due(options_.checkpoint_every)) TRY(save_checkpoint());
  return {};
}

Result<std::vector<Mean>> Training::evaluate(const Run& run) {
  TRY(std::vector<Mean> means, evaluation_->run(session_, unobserved(run.options)));
  run.observer.on_evaluation(session_.next_step(), means);
  return means;
}

Result<void> Training::find_non_finite(const Run& run, int64_t first_step) {
  TRY(const auto found, finite_watch_->after_piece(session_, unobserved(run.options)));
  if (!found) return {};
  has_found_non_finite_ = true;
  TRY(add_metrics_before(found->step, first_step));
  return tl::unexpected(
      Error{ErrorKind::kMismatch, fmt::format("step {}: {} is not finite; it comes from {}",
                                              found->step, found->seen, found->source)});
}

/// Of a piece that begins with `first_step` and is not to be finished.
Result<void> Training::add_metrics_before(int64_t step, int64_t first_step) {
  const StepRange before{first_step, step - first_step};
  if (!metrics_ || before.count <= 0) return {};
  TRY(const std::vector<Tensor> values, values_of(session_, scalars_, before));
  metrics_->add({before, values, {}, false});
  return {};
}

Result<void> Training::check_loss_scale(int64_t first_step) {
  TRY(const auto failure, loss_scale_watch_->after_piece(session_));
  if (!failure) return {};
  TRY(add_metrics_before(failure->step, first_step));
  return tl::unexpected(
      Error{ErrorKind::kMismatch,
            fmt::format("step {}: the {}th in a row that is skipped, as its gradients are not "
                        "finite, with a loss scale of {} by now; that comes from {}",
                        failure->step, failure->num_skipped, failure->scale, failure->source)});
}

Result<void> Training::end_metrics() {
  if (!metrics_ || metrics_->has_lost_its_reader()) return {};
  return without_exceptions([&] { return metrics_->end(); });
}

/// What the table says of these steps is on the disk before the checkpoint is: a resumed run writes
/// the lines after it again, and no others. A table that cannot be written is no reason to lose the
/// checkpoint as well.
Result<void> Training::save_checkpoint() {
  if (!options_.checkpoint || checkpoint_step_ == session_.next_step()) return {};
  if (metrics_) metrics_->sync();
  TRY(write_checkpoint(session_, *options_.checkpoint));
  checkpoint_step_ = session_.next_step();
  return {};
}

}  // namespace graphrt

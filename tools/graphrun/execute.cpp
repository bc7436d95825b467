#include "tools/graphrun/execute.h"

#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <memory>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include "runtime/base/console.h"
#include "runtime/observe/busy_meter.h"
#include "runtime/observe/reference_check.h"
#include "runtime/observe/trace_recorder.h"
#include "runtime/session/checkpoint.h"
#include "runtime/session/names.h"
#include "runtime/session/read_feed.h"
#include "runtime/session/session.h"
#include "runtime/train/evaluation.h"
#include "runtime/train/run_length.h"
#include "runtime/train/scalar_outputs.h"
#include "runtime/train/training.h"
#include "tools/common/program.h"
#include "tools/graphrun/bench.h"
#include "tools/graphrun/check_paths.h"
#include "tools/graphrun/results.h"
#include "tools/graphrun/simulate_plan.h"
#include "tools/graphrun/stop_signal.h"
#include "tools/graphrun/training_console.h"

namespace graphrun {
namespace {

using graphrt::Result;
using graphrt::RunMode;
using graphrt::Session;
using graphrt::Training;

size_t num_own_cores() {
  cpu_set_t cores;
  if (::sched_getaffinity(0, sizeof cores, &cores) != 0) return std::thread::hardware_concurrency();
  return static_cast<size_t>(CPU_COUNT(&cores));
}

/// How long a run that was told to end may take for it.
constexpr unsigned kSecondsToEnd = 10;

/// For SIGALRM, which needs no thread, no memory and no cooperation.
void end_process(int) {
  constexpr std::string_view kMessage =
      "graphrun: error: the run does not end, so the process does\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kMessage.data(), kMessage.size());
  ::_exit(graphrt::exit_code(graphrt::ErrorKind::kMachine));
}

/// A stalled run ends on all hosts, and each says why before one of them ends the others.
constexpr std::chrono::milliseconds kTimeToSayWhy{500};

/// Of a run over several hosts.
void end_all(graphrt::Transport& transport) {
  graphrt::deliver_reports();
  if (is_stop_wanted()) ::_exit(graphrt::exit_code(graphrt::ErrorKind::kMachine));
  std::this_thread::sleep_for(kTimeToSayWhy);
  transport.abort(graphrt::exit_code(graphrt::ErrorKind::kMachine));
}

/// Says what every lane waits for. An operator that never returns would keep the run from ending,
/// so the process ends without it.
void report_stall(const std::string& table) {
  tools::print_error("graphrun", "no progress; every lane:\n" + table);
  sigset_t alarms;
  sigemptyset(&alarms);
  sigaddset(&alarms, SIGALRM);
  std::signal(SIGALRM, end_process);
  ::pthread_sigmask(SIG_UNBLOCK, &alarms, nullptr);
  ::alarm(kSecondsToEnd);
}

void report_stall_of_host(graphrt::Transport& transport, const std::string& table) {
  const std::string title = transport.title(transport.rank());
  std::string text = "no progress on host " + title + "; every lane:\n";
  size_t begin = 0;
  for (size_t end = table.find('\n'); end != std::string::npos; end = table.find('\n', begin)) {
    text += "host " + title + ": " + table.substr(begin, end - begin) + "\n";
    begin = end + 1;
  }
  tools::print_error("graphrun", text);
  end_all(transport);
}

graphrt::RunOptions run_options(const Options& options, graphrt::InstructionObserver* observer) {
  graphrt::RunOptions run{
      .mode = options.has_barrier ? RunMode::kBarrier : RunMode::kPipelined,
      .observer = observer,
      .watch = {.timeout = std::chrono::seconds(options.timeout_s), .on_stall = report_stall}};
  const std::shared_ptr<graphrt::Transport>& transport = options.session.transport;
  if (transport == nullptr) return run;
  run.watch.is_urgent = is_stop_wanted;
  run.watch.on_stall = [transport](const std::string& table) {
    report_stall_of_host(*transport, table);
  };
  return run;
}

template <class... Arguments>
void note(const Options& options, fmt::format_string<Arguments...> format,
          Arguments&&... arguments) {
  if (!options.says_more()) return;
  tools::print_error("graphrun", fmt::format(format, std::forward<Arguments>(arguments)...));
}

/// Where the hosts of a plan are, if that is not what it is made for.
void note_hosts(const Session& session, const Options& options) {
  const graphrt::Plan& plan = session.plan();
  const std::shared_ptr<graphrt::Transport>& transport = options.session.transport;
  if (transport == nullptr) {
    if (plan.hosts.size() < 2 || options.emulates) return;
    note(options, "without mpirun, all {} hosts of the plan run in this process",
         plan.hosts.size());
    return;
  }
  size_t num_lanes = 0;
  for (const graphrt::LaneId lane : plan.lanes.ids()) {
    const bool is_here =
        graphrt::host_of(plan, lane).index() == static_cast<size_t>(transport->rank());
    if (is_here && !plan.lanes[lane].instructions.empty()) ++num_lanes;
  }
  const size_t num_cores = num_own_cores();
  if (num_cores >= std::min<size_t>(num_lanes, std::thread::hardware_concurrency())) return;
  note(options,
       "mpirun has bound this process to {} core{}, and the plan has {} lanes on host {}: "
       "start it with --bind-to none",
       num_cores, num_cores == 1 ? "" : "s", num_lanes, transport->title(transport->rank()));
}

void note_casts(const Options& options, size_t num_cast, const std::filesystem::path& path) {
  if (num_cast == 0) return;
  note(options, "{} state{} of {} {} cast to the plan's type", num_cast, num_cast == 1 ? "" : "s",
       path.string(), num_cast == 1 ? "is" : "are");
}

Result<void> load_state(Session& session, const Options& options) {
  if (!options.load_state) return {};
  const auto match =
      options.is_partial ? graphrt::StateMatch::kPartial : graphrt::StateMatch::kExact;
  TRY(const graphrt::LoadedStates loaded,
      session.load_state(*options.load_state, match, options.state_types));
  note_casts(options, loaded.num_cast, *options.load_state);
  const std::vector<std::string>& left_out = loaded.left_out;
  constexpr size_t kMaxLines = 20;
  const size_t num_lines = std::min(left_out.size(), kMaxLines);
  for (size_t i = 0; i < num_lines; ++i) note(options, "not loaded: {}", left_out[i]);
  if (left_out.size() > num_lines) {
    note(options, "and {} more are not loaded", left_out.size() - num_lines);
  }
  return {};
}

Result<void> prepare_inputs(Session& session, const Options& options) {
  for (const NamedFile& file : options.inputs) {
    const graphrt::PlanInput* input = graphrt::find_named(session.plan().inputs, file.name);
    if (input == nullptr) {
      return graphrt::unknown_name("input", file.name, graphrt::names_of(session.plan().inputs));
    }
    TRY(graphrt::Tensor array, graphrt::read_feed(file.path, *input));
    TRY(session.set_input(file.name, std::move(array), file.path.string()));
  }
  if (!options.training.shuffle_seed) return {};
  TRY(session.set_row_order(graphrt::RowOrder::shuffled(*options.training.shuffle_seed)));
  note(options, "the rows are shuffled with seed {}", *options.training.shuffle_seed);
  return {};
}

/// The number of the step that the run ends before.
Result<int64_t> find_end_step(Session& session, const Options& options) {
  if (!options.training.num_epochs) return options.num_steps;
  TRY(const int64_t num_steps, graphrt::steps_of_epochs(session, *options.training.num_epochs));
  TRY(const graphrt::FeedRows rows, session.feed_rows());
  note(options, "{} epochs of {} rows are {} steps of {}", *options.training.num_epochs,
       rows.num_rows, num_steps, *rows.batch);
  return num_steps;
}

Result<void> resume(Session& session, const Options& options) {
  if (!options.training.is_resumed) return {};
  const std::filesystem::path& path = *options.training.checkpoint;
  TRY(const std::optional<size_t> num_cast,
      graphrt::resume_if_there(session, path, options.state_types));
  if (num_cast) {
    note(options, "resuming {} at step {}", path.string(), session.next_step());
    note_casts(options, *num_cast, path);
  } else {
    note(options, "there is no {} yet: starting anew", path.string());
  }
  return {};
}

Result<std::optional<graphrt::Evaluation>> load_evaluation(const Session& session,
                                                           const Options& options) {
  if (!options.training.evaluation) return std::nullopt;
  TRY(graphrt::Evaluation evaluation,
      graphrt::Evaluation::load(*options.training.evaluation, options.session, session));
  return std::optional(std::move(evaluation));
}

/// Feeds are known now, too; nothing is written yet.
Result<void> check_paths(const Session& session, const Options& options,
                         const std::optional<graphrt::Evaluation>& evaluation) {
  std::vector<graphrt::FileOfCall> inputs = named_inputs(options);
  const auto add = [&](const std::vector<graphrt::FileOfCall>& feeds) {
    inputs.insert(inputs.end(), feeds.begin(), feeds.end());
  };
  add(feeds_of(session.plan(), options.plan, options.inputs));
  if (evaluation) add(feeds_of(evaluation->plan(), *options.training.evaluation, {}));
  return graphrt::check_files(
      inputs, options.is_first ? files_written(options) : std::vector<graphrt::FileOfCall>());
}

/// Those that are written after the run, or looked at by --check.
std::vector<std::string> kept_outputs(const Session& session, const Options& options) {
  if (options.is_checked) return graphrt::scalar_outputs(session.plan());
  std::vector<std::string> names;
  for (const NamedFile& file : options.stacked_outputs) names.push_back(file.name);
  return names;
}

Result<Training> prepare_training(Session& session, const Options& options, int64_t end_step) {
  TRY(std::optional<graphrt::Evaluation> evaluation, load_evaluation(session, options));
  TRY(check_paths(session, options, evaluation));
  const TrainingOptions& asked = options.training;
  graphrt::TrainingOptions training{.evaluation_every = asked.evaluation_every,
                                    .metrics = asked.metrics,
                                    .metrics_every = asked.metrics_every,
                                    .checkpoint = asked.checkpoint,
                                    .checkpoint_every = asked.checkpoint_every,
                                    .is_resumed = asked.is_resumed,
                                    .detects_nan = asked.detects_nan,
                                    .kept_outputs = kept_outputs(session, options)};
  return Training::create(session, end_step, std::move(training), std::move(evaluation));
}

Result<Measured> run_observed(Training& training, const Session& session, const Options& options,
                              int64_t end_step, graphrt::InstructionObserver& observer) {
  TrainingConsole console(session, end_step, !options.says_more());
  TRY(console.start());
  TRY(const graphrt::TrainingResult result,
      training.run(run_options(options, &observer), &console));
  return Measured{result, console.stop_signal(result.end), 0, {}};
}

Result<Measured> run_traced(Training& training, const Session& session, const Options& options,
                            int64_t end_step) {
  const int64_t num_steps = std::max<int64_t>(end_step - session.next_step(), 0);
  TRY(const auto recorder, graphrt::TraceRecorder::create(session.plan(), num_steps));
  TRY(Measured measured, run_observed(training, session, options, end_step, *recorder));
  measured.busy_ns = recorder->busy_ns();
  measured.trace_json = recorder->to_json();
  return measured;
}

Result<Measured> run_measured(Training& training, const Session& session, const Options& options,
                              int64_t end_step) {
  graphrt::BusyMeter meter(session.plan());
  TRY(Measured measured, run_observed(training, session, options, end_step, meter));
  measured.busy_ns = meter.busy_ns();
  return measured;
}

/// After a value that is not finite, the states from before it are worth keeping.
tl::unexpected<graphrt::Error> stopped_by_non_finite(const Session& session, const Options& options,
                                                     graphrt::Error error) {
  if (!options.save_state) return tl::unexpected(std::move(error));
  const Result<void> saved = session.save_state(*options.save_state);
  error.message += saved ? "; " + options.save_state->string() + " has the states before that step"
                         : "; " + saved.error().message;
  return tl::unexpected(std::move(error));
}

void print_stop(const Session& session, int signal, int64_t end_step) {
  tools::print_error("graphrun",
                     fmt::format("stopped by {} after step {} of {}; all files are as of that step",
                                 name_of_signal(signal), session.next_step(), end_step));
}

/// Returns the exit code.
Result<int> run_plan(Session& session, const Options& options, int64_t end_step) {
  std::optional<graphrt::ReferenceCheck> check;
  if (options.is_checked) {
    TRY(check, graphrt::ReferenceCheck::begin(session));
  }
  TRY(Training training, prepare_training(session, options, end_step));
  Result<Measured> run = options.trace ? run_traced(training, session, options, end_step)
                                       : run_measured(training, session, options, end_step);
  if (!run && training.has_found_non_finite()) {
    return stopped_by_non_finite(session, options, std::move(run).error());
  }
  TRY(const Measured measured, std::move(run));
  print_speed(options, measured);
  if (check && measured.steps.num_steps > 0) {
    TRY(const graphrt::CheckReport report, check->finish(session));
    if (options.is_first) print_check(report);
  }
  const Result<void> written = write_results(session, options, measured);
  TRY(print_last_values(session, options, measured));
  print_loss_scale(options, measured);
  const Result<void> ended = training.end_metrics();
  if (measured.stop_signal && options.is_first)
    print_stop(session, *measured.stop_signal, end_step);
  TRY(written);
  TRY(ended);
  if (!measured.stop_signal) return 0;
  return exit_code_of_signal(*measured.stop_signal);
}

}  // namespace

Result<int> execute(const Options& options) {
  TRY(graphrt::check_files(named_inputs(options), options.is_first
                                                      ? files_written_first(options)
                                                      : std::vector<graphrt::FileOfCall>()));
  if (options.is_simulated) {
    if (options.is_first) TRY(simulate_plan(options));
    return 0;
  }
  TRY(Session session, Session::load(options.plan, options.session));
  for (const std::string& line : session.notes()) note(options, "{}", line);
  note_hosts(session, options);
  TRY(prepare_inputs(session, options));
  TRY(load_state(session, options));
  if (options.num_repetitions) {
    TRY(const std::string report,
        bench(session, options.num_steps, *options.num_repetitions, run_options(options, nullptr)));
    if (options.is_first) graphrt::report(report);
    return 0;
  }
  TRY(const int64_t end_step, find_end_step(session, options));
  TRY(resume(session, options));
  TRY(prepare_results(session, options));
  return run_plan(session, options, end_step);
}

}  // namespace graphrun

#include "tools/graphrun/execute.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <optional>
#include <thread>

#include "runtime/base/file.h"
#include "runtime/base/npy.h"
#include "runtime/base/text.h"
#include "runtime/engine/busy_meter.h"
#include "runtime/engine/names.h"
#include "runtime/engine/reference_check.h"
#include "runtime/engine/session.h"
#include "runtime/engine/timeline_text.h"
#include "runtime/engine/trace_recorder.h"
#include "runtime/plan/plan_file.h"
#include "runtime/plan/verify_plan.h"
#include "tools/graphrun/bench.h"
#include "tools/graphrun/check_paths.h"
#include "tools/graphrun/progress.h"

namespace graphrun {
namespace {

using graphrt::Result;
using graphrt::RunMode;
using graphrt::Session;

/// How long a run took, how long its lanes worked, and its trace if one was asked for.
struct Measured {
  int64_t wall_ns = 0;
  int64_t busy_ns = 0;
  std::string trace_json;
};

/// A longer timeline is neither read by anybody nor cheap to hold.
constexpr int64_t kMaxSimulatedInstructions = 5'000'000;

/// How long a run that was told to end may take for it.
constexpr std::chrono::seconds kTimeToEnd{10};

/// Says what every lane waits for. An operator that never returns would keep the run from ending,
/// so the process ends without it.
void report_stall(const std::string& table) {
  fmt::print(stderr, "graphrun: no progress; every lane:\n{}", table);
  std::thread([] {
    std::this_thread::sleep_for(kTimeToEnd);
    fmt::print(stderr, "graphrun: error: the run does not end, so the process does\n");
    std::_Exit(graphrt::exit_code(graphrt::ErrorKind::kMachine));
  }).detach();
}

graphrt::RunOptions run_options(const Options& options, graphrt::InstructionObserver* observer) {
  return {.mode = options.has_barrier ? RunMode::kBarrier : RunMode::kPipelined,
          .observer = observer,
          .watch = {.timeout = std::chrono::seconds(options.timeout_s), .on_stall = report_stall}};
}

Result<void> simulate_plan(const Options& options) {
  TRY(const graphrt::Plan plan, graphrt::read_plan(options.plan));
  if (const auto violation = graphrt::verify_plan(plan)) {
    return graphrt::input_error(options.plan.string() +
                                ": the plan is not safe to run: " + violation->message);
  }
  const int64_t max_steps = kMaxSimulatedInstructions /
                            std::max<int64_t>(static_cast<int64_t>(plan.instructions.size()), 1);
  if (options.num_steps > max_steps) {
    return graphrt::usage_error(fmt::format(
        "--simulate prints every instruction of every step; for this plan, up to --steps={}",
        max_steps));
  }
  fmt::print("{}", graphrt::predicted_timeline_text(plan, options.num_steps));
  return {};
}

Result<void> check_output_names(const graphrt::Plan& plan, const std::vector<NamedFile>& files) {
  for (const NamedFile& file : files) {
    if (graphrt::find_named(plan.outputs, file.name) == nullptr) {
      return graphrt::unknown_name("output", file.name, graphrt::names_of(plan.outputs));
    }
  }
  return {};
}

/// Everything about outputs that can go wrong before the run.
Result<void> prepare_outputs(Session& session, const Options& options) {
  TRY(check_output_names(session.plan(), options.stacked_outputs));
  TRY(check_output_names(session.plan(), options.last_outputs));
  for (const NamedFile& file : options.stacked_outputs) {
    TRY(session.stack_output(file.name));
    TRY(check_can_write(file.path));
  }
  for (const NamedFile& file : options.last_outputs) TRY(check_can_write(file.path));
  if (options.save_state) TRY(check_can_write(*options.save_state));
  if (options.trace) TRY(check_can_write(*options.trace));
  return {};
}

Result<void> prepare_inputs(Session& session, const Options& options) {
  for (const NamedFile& file : options.inputs) {
    if (graphrt::find_named(session.plan().inputs, file.name) == nullptr) {
      return graphrt::unknown_name("input", file.name, graphrt::names_of(session.plan().inputs));
    }
    TRY(graphrt::Tensor array, graphrt::read_npy(file.path));
    TRY(session.set_input(file.name, std::move(array), file.path.string()));
  }
  if (!options.load_state) return {};
  const auto match =
      options.is_partial ? graphrt::StateMatch::kPartial : graphrt::StateMatch::kExact;
  TRY(const std::vector<std::string> left_out, session.load_state(*options.load_state, match));
  if (options.is_quiet) return {};
  for (const std::string& line : left_out) fmt::print(stderr, "graphrun: not loaded: {}\n", line);
  return {};
}

Result<Measured> run_steps(Session& session, const Options& options,
                           graphrt::InstructionObserver& observer) {
  std::optional<Progress> progress;
  if (!options.is_quiet) progress.emplace(session, options.num_steps);
  const auto start = std::chrono::steady_clock::now();
  TRY(session.run(options.num_steps, run_options(options, &observer)));
  const auto wall = std::chrono::steady_clock::now() - start;
  return Measured{std::chrono::nanoseconds(wall).count(), 0, {}};
}

Result<Measured> run_traced(Session& session, const Options& options) {
  TRY(const auto recorder, graphrt::TraceRecorder::create(session.plan(), options.num_steps));
  TRY(Measured measured, run_steps(session, options, *recorder));
  measured.busy_ns = recorder->busy_ns();
  measured.trace_json = recorder->to_json();
  return measured;
}

Result<Measured> run_measured(Session& session, const Options& options) {
  graphrt::BusyMeter meter(session.plan());
  TRY(Measured measured, run_steps(session, options, meter));
  measured.busy_ns = meter.busy_ns();
  return measured;
}

Result<void> write_results(const Session& session, const Options& options,
                           const Measured& measured) {
  for (const NamedFile& file : options.stacked_outputs) {
    TRY(const graphrt::Tensor stack, session.stacked(file.name));
    TRY(graphrt::write_npy(file.path, stack));
  }
  for (const NamedFile& file : options.last_outputs) {
    TRY(const graphrt::Tensor value, session.last(file.name));
    TRY(graphrt::write_npy(file.path, value));
  }
  if (options.save_state) TRY(session.save_state(*options.save_state));
  if (!options.trace) return {};
  return graphrt::write_file_atomically(*options.trace, {graphrt::bytes_of(measured.trace_json)});
}

std::string scalar_text(const graphrt::Tensor& value) {
  return value.type.element == graphrt::ElementType::kF32
             ? fmt::format("{}", value.as<float>()[0])
             : fmt::format("{}", value.as<int32_t>()[0]);
}

Result<void> print_summary(const Session& session, const Options& options,
                           const Measured& measured) {
  if (options.is_quiet || options.num_steps == 0) return {};
  for (const graphrt::PlanOutput& output : session.plan().outputs) {
    TRY(const graphrt::Tensor value, session.last(output.name));
    if (value.type.shape.empty()) fmt::print("{} = {}\n", output.name, scalar_text(value));
  }
  const auto wall_ns = static_cast<double>(std::max<int64_t>(measured.wall_ns, 1));
  fmt::print(stderr, "{} step{} in {}, {} a step; lanes busy {:.2f} x the time\n",
             options.num_steps, options.num_steps == 1 ? "" : "s",
             graphrt::format_duration(measured.wall_ns),
             graphrt::format_duration(measured.wall_ns / options.num_steps),
             static_cast<double>(measured.busy_ns) / wall_ns);
  return {};
}

void print_check(const graphrt::CheckReport& report) {
  fmt::print("check: {} tensors of {} steps equal the reference; largest difference {:.2g} of {}\n",
             report.num_tensors, report.num_steps, report.largest_error, graphrt::kCheckTolerance);
}

Result<void> run_plan(Session& session, const Options& options) {
  std::optional<graphrt::ReferenceCheck> check;
  if (options.is_checked) {
    TRY(check, graphrt::ReferenceCheck::begin(session));
  }
  TRY(const Measured measured,
      options.trace ? run_traced(session, options) : run_measured(session, options));
  if (check) {
    TRY(const graphrt::CheckReport report, check->finish(session));
    print_check(report);
  }
  TRY(write_results(session, options, measured));
  return print_summary(session, options, measured);
}

}  // namespace

Result<void> execute(const Options& options) {
  if (options.is_simulated) return simulate_plan(options);
  TRY(Session session, Session::load(options.plan, options.session));
  if (!options.is_quiet) {
    for (const std::string& note : session.notes()) fmt::print(stderr, "graphrun: {}\n", note);
  }
  TRY(prepare_outputs(session, options));
  TRY(prepare_inputs(session, options));
  if (!options.num_repetitions) return run_plan(session, options);
  TRY(const std::string report,
      bench(session, options.num_steps, *options.num_repetitions, run_options(options, nullptr)));
  fmt::print("{}", report);
  return {};
}

}  // namespace graphrun

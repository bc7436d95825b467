#include "tools/graphrun/results.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "runtime/base/console.h"
#include "runtime/base/file.h"
#include "runtime/base/npy.h"
#include "runtime/base/text.h"
#include "runtime/session/names.h"
#include "runtime/train/scalar_outputs.h"
#include "tools/common/program.h"

namespace graphrun {
namespace {

using graphrt::Result;
using graphrt::Session;

Result<void> check_output_names(const graphrt::Plan& plan, const std::vector<NamedFile>& files) {
  for (const NamedFile& file : files) {
    if (graphrt::find_named(plan.outputs, file.name) == nullptr) {
      return graphrt::unknown_name("output", file.name, graphrt::names_of(plan.outputs));
    }
  }
  return {};
}

Result<void> write_array(const Session& session, const NamedFile& file,
                         const graphrt::Tensor& value) {
  return session.is_first() ? graphrt::write_npy(file.path, value) : Result<void>();
}

Result<void> write_stack(const Session& session, const NamedFile& file) {
  TRY(const graphrt::Tensor stack, session.stacked(file.name));
  return write_array(session, file, stack);
}

Result<void> write_last(const Session& session, const NamedFile& file) {
  TRY(const graphrt::Tensor value, session.last(file.name));
  return write_array(session, file, value);
}

/// Several steps of which each is done whatever became of the others.
class AllOf {
 public:
  void add(const Result<void>& done) {
    if (done) return;
    if (error_) {
      error_->message += "\n" + done.error().message;
    } else {
      error_ = done.error();
    }
  }
  Result<void> result() const {
    if (error_) return tl::unexpected(*error_);
    return {};
  }

 private:
  std::optional<graphrt::Error> error_;
};

}  // namespace

Result<void> prepare_results(Session& session, const Options& options) {
  TRY(check_output_names(session.plan(), options.stacked_outputs));
  TRY(check_output_names(session.plan(), options.last_outputs));
  for (const NamedFile& file : options.stacked_outputs) TRY(session.stack_output(file.name));
  return {};
}

Result<void> write_results(const Session& session, const Options& options,
                           const Measured& measured) {
  AllOf results;
  if (options.save_state) results.add(session.save_state(*options.save_state));
  if (measured.steps.num_steps > 0) {
    for (const NamedFile& file : options.stacked_outputs) results.add(write_stack(session, file));
    for (const NamedFile& file : options.last_outputs) results.add(write_last(session, file));
  } else if (!options.stacked_outputs.empty() || !options.last_outputs.empty()) {
    if (options.is_first)
      tools::print_error("graphrun", "no step was left to run, so no output is written");
  }
  if (options.trace && options.is_first) {
    results.add(
        graphrt::write_file_atomically(*options.trace, {graphrt::bytes_of(measured.trace_json)}));
  }
  return results.result();
}

void print_speed(const Options& options, const Measured& measured) {
  if (!options.says_more() || measured.steps.num_steps == 0) return;
  const auto wall_ns = static_cast<double>(std::max<int64_t>(measured.steps.wall_ns, 1));
  graphrt::note(fmt::format(
      "{} step{} in {}, {} a step; lanes busy {:.2f} x the time\n", measured.steps.num_steps,
      measured.steps.num_steps == 1 ? "" : "s", graphrt::format_duration(measured.steps.wall_ns),
      graphrt::format_duration(measured.steps.wall_ns / measured.steps.num_steps),
      static_cast<double>(measured.busy_ns) / wall_ns));
}

Result<void> print_last_values(const Session& session, const Options& options,
                               const Measured& measured) {
  if (options.is_quiet || measured.steps.num_steps == 0) return {};
  for (const graphrt::PlanOutput& output : session.plan().outputs) {
    TRY(const graphrt::Tensor value, session.last(output.name));
    if (!value.type.shape.empty() || !options.is_first) continue;
    graphrt::report(fmt::format("{} = {}\n", output.name, graphrt::element_text(value, 0)));
  }
  return {};
}

void print_loss_scale(const Options& options, const Measured& measured) {
  const std::optional<graphrt::LossScaleReport>& report = measured.steps.loss_scale;
  if (!options.says_more() || measured.steps.num_steps == 0 || !report) return;
  graphrt::report(fmt::format("loss scale = {}; {} of {} steps skipped\n", report->scale,
                              report->num_skipped, measured.steps.num_steps));
}

void print_check(const graphrt::CheckReport& report) {
  graphrt::report(fmt::format(
      "check: {} tensors of {} steps equal the reference; largest difference {:.2g} of {}\n",
      report.num_tensors, report.num_steps, report.largest_error, report.tolerance));
}

}  // namespace graphrun

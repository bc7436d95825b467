#include "tools/graphrun/results.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "runtime/base/console.h"
#include "runtime/base/file.h"
#include "runtime/base/npy.h"
#include "runtime/base/text.h"
#include "runtime/engine/names.h"
#include "tools/common/program.h"
#include "tools/graphrun/check_paths.h"
#include "tools/graphrun/scalar_outputs.h"

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

Result<void> write_outputs(const Session& session, const Options& options) {
  for (const NamedFile& file : options.stacked_outputs) {
    TRY(const graphrt::Tensor stack, session.stacked(file.name));
    TRY(graphrt::write_npy(file.path, stack));
  }
  for (const NamedFile& file : options.last_outputs) {
    TRY(const graphrt::Tensor value, session.last(file.name));
    TRY(graphrt::write_npy(file.path, value));
  }
  return {};
}

}  // namespace

Result<void> prepare_results(Session& session, const Options& options) {
  TRY(check_output_names(session.plan(), options.stacked_outputs));
  TRY(check_output_names(session.plan(), options.last_outputs));
  for (const auto& [option, path] : written_files(options)) TRY(check_can_write(path));
  for (const NamedFile& file : options.stacked_outputs) TRY(session.stack_output(file.name));
  return {};
}

Result<void> write_results(const Session& session, const Options& options,
                           const Measured& measured) {
  if (measured.steps.count > 0) {
    TRY(write_outputs(session, options));
  } else if (!options.stacked_outputs.empty() || !options.last_outputs.empty()) {
    tools::print_error("graphrun", "no step was left to run, so no output is written");
  }
  if (options.save_state) TRY(session.save_state(*options.save_state));
  if (!options.trace) return {};
  return graphrt::write_file_atomically(*options.trace, {graphrt::bytes_of(measured.trace_json)});
}

Result<void> print_summary(const Session& session, const Options& options,
                           const Measured& measured) {
  if (options.is_quiet || measured.steps.count == 0) return {};
  for (const graphrt::PlanOutput& output : session.plan().outputs) {
    TRY(const graphrt::Tensor value, session.last(output.name));
    if (!value.type.shape.empty()) continue;
    graphrt::report(fmt::format("{} = {}\n", output.name, element_text(value, 0)));
  }
  const auto wall_ns = static_cast<double>(std::max<int64_t>(measured.steps.wall_ns, 1));
  graphrt::note(fmt::format("{} step{} in {}, {} a step; lanes busy {:.2f} x the time\n",
                            measured.steps.count, measured.steps.count == 1 ? "" : "s",
                            graphrt::format_duration(measured.steps.wall_ns),
                            graphrt::format_duration(measured.steps.wall_ns / measured.steps.count),
                            static_cast<double>(measured.busy_ns) / wall_ns));
  return {};
}

void print_check(const graphrt::CheckReport& report) {
  graphrt::report(fmt::format(
      "check: {} tensors of {} steps equal the reference; largest difference {:.2g} of {}\n",
      report.num_tensors, report.num_steps, report.largest_error, report.tolerance));
}

}  // namespace graphrun

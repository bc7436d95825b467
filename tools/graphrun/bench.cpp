#include "tools/graphrun/bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <thread>
#include <vector>

#include "runtime/base/text.h"

namespace graphrun {
namespace {

/// The smallest value that at least `fraction` of all do not exceed. Requires: sorted, not empty.
int64_t quantile(const std::vector<int64_t>& sorted, double fraction) {
  const double rank = std::ceil(fraction * static_cast<double>(sorted.size()));
  return sorted[static_cast<size_t>(std::max(rank, 1.0)) - 1];
}

/// Buffers with several versions let a run begin at another one than the run before, with other
/// recordings. After so many runs, those that are timed are left to record, too.
constexpr int kMaxWarmUps = 16;

/// Gives the number of runs.
graphrt::Result<int> warm_up(graphrt::Session& session, int64_t num_steps,
                             const graphrt::RunOptions& options) {
  int num_runs = 0;
  do {
    TRY(session.run(num_steps, options));
    ++num_runs;
  } while (session.launch_cost().num_recordings > 0 && num_runs < kMaxWarmUps);
  return num_runs;
}

/// Of all repetitions: how long the host was kept by launching recorded steps.
std::string launch_report(std::vector<graphrt::LaunchCost> costs, int64_t num_steps) {
  const auto takes_less = [](const graphrt::LaunchCost& a, const graphrt::LaunchCost& b) {
    return a.host_time < b.host_time;
  };
  std::sort(costs.begin(), costs.end(), takes_less);
  const graphrt::LaunchCost& median = costs[(costs.size() - 1) / 2];
  if (median.num_launches == 0) return "";
  return fmt::format(
      "launched as recorded graphs: {} of {} nodes for {} steps, {} of the host (median)\n",
      median.num_launches, median.num_operations, num_steps,
      graphrt::format_duration(median.host_time.count()));
}

std::string report(const graphrt::Session& session, int64_t num_steps, std::vector<int64_t> step_ns,
                   int num_warm_ups, graphrt::RunMode mode) {
  std::sort(step_ns.begin(), step_ns.end());
  const std::string notes = graphrt::join(session.notes(), "; ");
  return fmt::format(
      "{}: {} a step (median), p10 {}, p90 {}; {} runs of {} steps after {} to warm up{}\n"
      "predicted: {} a step; {} lanes on {} cores{}{}\n",
      session.plan().name, graphrt::format_duration(quantile(step_ns, 0.5)),
      graphrt::format_duration(quantile(step_ns, 0.1)),
      graphrt::format_duration(quantile(step_ns, 0.9)), step_ns.size(), num_steps, num_warm_ups,
      mode == graphrt::RunMode::kBarrier ? ", a barrier after each" : "",
      graphrt::format_duration(session.plan().predicted_interval_ns), session.plan().lanes.size(),
      std::thread::hardware_concurrency(), notes.empty() ? "" : "; ", notes);
}

}  // namespace

graphrt::Result<std::string> bench(graphrt::Session& session, int64_t num_steps,
                                   int32_t num_repetitions, const graphrt::RunOptions& options) {
  using Clock = std::chrono::steady_clock;
  TRY(const int num_warm_ups, warm_up(session, num_steps, options));
  std::vector<int64_t> step_ns;
  std::vector<graphrt::LaunchCost> launch_costs;
  for (int32_t i = 0; i < num_repetitions; ++i) {
    const Clock::time_point start = Clock::now();
    TRY(session.run(num_steps, options));
    step_ns.push_back(std::chrono::nanoseconds(Clock::now() - start).count() / num_steps);
    launch_costs.push_back(session.launch_cost());
  }
  return report(session, num_steps, std::move(step_ns), num_warm_ups, options.mode) +
         launch_report(std::move(launch_costs), num_steps);
}

}  // namespace graphrun

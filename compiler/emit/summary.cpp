#include "compiler/emit/summary.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/base/text.h"
#include "runtime/plan/plan_names.h"

namespace graphc {
namespace {

double percent(int64_t part, int64_t whole) {
  return whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

/// `3.1 ms`; `over 3.1 ms` where the bound alone was too long, `not tried, 3.1 ms or more` where
/// the effort was used up.
std::string score_text(const std::optional<Score>& score, const std::string& otherwise) {
  if (!score) return otherwise;
  const std::string time = format_duration(score->interval_ns);
  switch (score->basis) {
    case ScoreBasis::kSchedule:
      return time;
    case ScoreBasis::kBound:
      return "over " + time;
    case ScoreBasis::kNotTried:
      return "not tried, " + time + " or more";
  }
  return time;
}

std::string placement_line(const Placement& placement) {
  std::vector<std::string> others;
  for (const PlacementCandidate& candidate : placement.candidates) {
    if (candidate.name == placement.chosen.name) continue;
    others.push_back(candidate.name + " " + score_text(candidate.score, "has no route"));
  }
  if (others.empty()) return placement.chosen.name;
  return placement.chosen.name + " (" + join(others, ", ") + ")";
}

/// How the step is spread, and what that was compared with; nothing without `parallel`.
std::string parallel_line(const ParallelChoice& choice) {
  if (choice.candidates.empty()) return "";
  std::vector<std::string> others;
  for (const ParallelCandidate& candidate : choice.candidates) {
    if (&candidate == &choice.candidates[choice.chosen]) continue;
    others.push_back(candidate.name + " " + score_text(candidate.score, "cannot be compiled"));
  }
  const std::string text = choice.candidates[choice.chosen].name;
  return "  parallel    " + (others.empty() ? text : text + " (" + join(others, "; ") + ")") + "\n";
}

std::string busy_table(const Compilation& compilation) {
  const Schedule& schedule = compilation.schedule();
  std::string text = fmt::format("  {:<18}{:>7}{:>8}\n", "lane", "tasks", "busy");
  for (const LaneId lane : schedule.solution.lanes.ids()) {
    int64_t busy_ns = 0;
    for (const TaskId task : schedule.solution.lanes[lane]) {
      const TaskCost& cost = schedule.tasks->tasks[task].cost;
      busy_ns += cost_in_launch(cost, schedule.solution.tasks[task]).duration_ns();
    }
    text += fmt::format("  {:<18}{:>7}{:>6.0f} %\n", schedule.tasks->lanes.lanes[lane].name,
                        schedule.solution.lanes[lane].size(),
                        percent(busy_ns, compilation.synchronised().interval_ns));
  }
  return text;
}

std::string memory_table(const Compilation& compilation, const Machine& machine) {
  std::string text = fmt::format("  {:<18}{:>14}{:>14}\n", "memory", "peak bytes", "bound");
  for (const PlannedArena& arena : compilation.memory().arenas) {
    text += fmt::format("  {:<18}{:>14}{:>14}\n",
                        name_of_memory(machine.devices[arena.device].name, arena.kind),
                        arena.size_bytes, arena.bound_bytes);
  }
  return text;
}

}  // namespace

std::string summary(const Compilation& compilation, const Machine& machine) {
  const Synchronised& synchronised = compilation.synchronised();
  const auto& ops = compilation.placed().ops;
  const auto num_copies = std::count_if(
      ops.begin(), ops.end(), [](const PlacedOp& op) { return op.kind == PlacedOpKind::kCopy; });
  const int64_t gap_ns = synchronised.interval_ns - compilation.bound.interval_ns;
  const int32_t num_stages = max_stage(compilation.plan) + 1;
  std::string text =
      fmt::format("{} on {}: {} tasks, {} of them copies, {} stage{}\n", compilation.plan.name,
                  machine.name, ops.size(), num_copies, num_stages, num_stages == 1 ? "" : "s");
  text += fmt::format("  step time   {} predicted; one step alone {}\n",
                      format_duration(synchronised.interval_ns),
                      format_duration(synchronised.latency_ns));
  text += fmt::format("  bound       {}, gap {:.1f} %: {}\n",
                      format_duration(compilation.bound.interval_ns),
                      percent(gap_ns, compilation.bound.interval_ns), compilation.bound.reason);
  text += parallel_line(compilation.parallel);
  text += "  placement   " + placement_line(compilation.placement) + "\n";
  if (compilation.decisions.trades_time_for_memory()) {
    text += "  for memory  " + compilation.given_up + "\n";
  }
  text += fmt::format("  waits       {} left of {}\n", synchronised.num_waits,
                      synchronised.num_waits_before);
  return text + busy_table(compilation) + memory_table(compilation, machine);
}

}  // namespace graphc

#include "compiler/emit/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "compiler/emit/busy_table.h"
#include "compiler/emit/folded_names.h"
#include "compiler/emit/hosts_line.h"
#include "compiler/machine/rates.h"
#include "compiler/solve/schedule/pipeline_search.h"
#include "runtime/base/text.h"
#include "runtime/op/kernel_signature.h"
#include "runtime/op/op_table.h"
#include "runtime/plan/plan_names.h"

namespace graphc {
namespace {

/// Where a budget is at least this part of a small graph's, nothing is said of it.
constexpr double kFullShare = 0.5;

/// `3.1 ms`; `over 3.1 ms` where the bound alone was too long, `not tried, 3.1 ms or more` where
/// the effort was used up.
std::string score_text(const std::optional<Score>& score, const std::string& otherwise) {
  if (!score) return otherwise;
  std::string time = format_duration(score->interval_ns);
  if (score->basis == ScoreBasis::kBound) return "over " + time;
  if (score->basis == ScoreBasis::kSchedule) return time;
  return score->interval_ns == 0 ? "not tried" : "not tried, " + time + " or more";
}

/// Others that were compared, each with its time; of many the shortest few.
class Others {
 public:
  Others(Detail detail, std::string separator)
      : detail_(detail), separator_(std::move(separator)) {}

  void add(const std::string& name, const std::optional<Score>& score,
           const std::string& otherwise) {
    const int64_t key = score ? score->interval_ns : std::numeric_limits<int64_t>::max();
    others_.emplace_back(key, name + " " + score_text(score, otherwise));
  }

  /// ` (b 3 ms, c 4 ms)`; nothing if there are none.
  std::string text() const {
    std::vector<std::pair<int64_t, std::string>> shown = others_;
    const size_t num_more =
        detail_ == Detail::kAll || shown.size() <= kMaxOthers ? 0 : shown.size() - kMaxOthers;
    if (num_more > 0) {
      std::stable_sort(shown.begin(), shown.end(),
                       [](const auto& a, const auto& b) { return a.first < b.first; });
      shown.resize(kMaxOthers);
    }
    std::vector<std::string> texts;
    for (const auto& [key, text] : shown) texts.push_back(text);
    if (num_more > 0) texts.push_back(std::to_string(num_more) + " more");
    return texts.empty() ? "" : " (" + join(texts, separator_) + ")";
  }

 private:
  static constexpr size_t kMaxOthers = 4;

  Detail detail_;
  std::string separator_;
  std::vector<std::pair<int64_t, std::string>> others_;
};

std::string placement_line(const Placement& placement, Detail detail) {
  Others others(detail, ", ");
  for (const PlacementCandidate& candidate : placement.candidates) {
    if (candidate.name == placement.chosen.name) continue;
    others.add(candidate.name, candidate.score, "has no route");
  }
  return "  placement   " + placement.chosen.name + others.text() + "\n";
}

/// How the step is spread, and what that was compared with; nothing without `parallel`.
std::string parallel_line(const ParallelChoice& choice, Detail detail) {
  if (choice.candidates.empty()) return "";
  Others others(detail, "; ");
  for (const ParallelCandidate& candidate : choice.candidates) {
    if (&candidate == &choice.candidates[choice.chosen]) continue;
    others.add(candidate.name, candidate.score, "cannot be compiled");
  }
  return "  parallel    " + choice.candidates[choice.chosen].name + others.text() + "\n";
}

/// Ways to place and to spread the graph that the effort did not reach.
template <class Candidates>
int64_t num_not_tried(const Candidates& candidates) {
  return std::count_if(candidates.begin(), candidates.end(), [](const auto& candidate) {
    return candidate.score && candidate.score->basis == ScoreBasis::kNotTried;
  });
}

/// What was spared because the graph is large; nothing where all was searched.
std::string effort_line(const Compilation& compilation) {
  if (compilation.effort != Effort::kNormal) return "";
  std::vector<std::string> spared;
  const int64_t num_skipped = num_not_tried(compilation.parallel.candidates) +
                              num_not_tried(compilation.placement.candidates);
  if (num_skipped > 0) {
    spared.push_back(std::to_string(num_skipped) + " of the ways above " +
                     (num_skipped == 1 ? "was" : "were") + " not scheduled");
  }
  const double share = budget_share(compilation.tasks().tasks.size(), Effort::kNormal);
  if (share < kFullShare) {
    spared.push_back(
        fmt::format("{} tasks were ordered with {:.2g} % of a small graph's budget for "
                    "each",
                    compilation.tasks().tasks.size(), 100 * share));
  }
  if (spared.empty()) return "";
  return "  effort      normal: " + join(spared, ", ") + "; --effort=high searches more\n";
}

std::string cycle_text(const StepBound& bound, Detail detail) {
  if (bound.cycle.empty()) return "";
  return ": " + (detail == Detail::kAll ? join(bound.cycle, ", ") : folded_names(bound.cycle));
}

/// Operators by how many nodes have them, the most first: where a graph has more nodes than a
/// reader knows by name.
std::string operators_line(const Graph& graph) {
  constexpr size_t kKnownNodes = 100;
  constexpr size_t kMaxKinds = 8;
  if (graph.nodes.size() <= kKnownNodes) return "";
  std::map<std::string, int64_t> counts;
  for (const Node& node : graph.nodes) ++counts[std::string(node.op->name)];
  std::vector<std::pair<int64_t, std::string>> kinds;
  for (const auto& [name, count] : counts) kinds.emplace_back(-count, name);
  std::sort(kinds.begin(), kinds.end());
  std::vector<std::string> texts;
  for (size_t i = 0; i < kinds.size() && i < kMaxKinds; ++i) {
    texts.push_back(std::to_string(-kinds[i].first) + " " + kinds[i].second);
  }
  if (kinds.size() > kMaxKinds) {
    texts.push_back(std::to_string(kinds.size() - kMaxKinds) + " more kinds");
  }
  return "  operators   " + join(texts, ", ") + "\n";
}

std::vector<TensorType> operand_types(const Plan& plan, const std::vector<Operand>& operands) {
  std::vector<TensorType> types;
  for (const Operand& operand : operands) types.push_back(operand_type(plan, operand));
  return types;
}

/// How many kernels are predicted from rates alone, where the machine file has times of kernels;
/// nothing if it has that of each.
std::string times_line(const Plan& plan, const Machine& machine) {
  int64_t num_kernels = 0;
  int64_t num_measured = 0;
  for (const PlanLane& lane : plan.lanes) {
    const std::string& kind = machine.devices[lane.device].kind;
    if (lane.kind != LaneKind::kCompute || !machine.times.contains(kind)) continue;
    for (const InstructionId id : lane.instructions) {
      const Instruction& kernel = plan.instructions[id];
      if (graphrt::find_op(kernel.op)->in_place == graphrt::InPlace::kView) continue;
      const std::string signature =
          kernel_signature(kernel.op, operand_types(plan, kernel.reads), kernel.attributes);
      ++num_kernels;
      num_measured += machine.time_for(kind, signature) ? 1 : 0;
    }
  }
  if (num_measured == num_kernels) return "";
  return fmt::format(
      "  times       {} of {} kernels have no measured one; graphprobe --kernels-for gives them\n",
      num_kernels - num_measured, num_kernels);
}

/// Which rates of a device stand for others that the machine file lacks: what is predicted by them
/// can be far off. A line for each that a kernel without a measured time needs.
std::string rates_lines(const Plan& plan, const Machine& machine) {
  std::map<std::string, int64_t> counts;
  for (const PlanLane& lane : plan.lanes) {
    const Device& device = machine.devices[lane.device];
    // A CPU computes in f32 whatever a product's precision may be.
    if (lane.kind != LaneKind::kCompute || device.kind == "cpu") continue;
    for (const InstructionId id : lane.instructions) {
      const Instruction& kernel = plan.instructions[id];
      const std::vector<TensorType> inputs = operand_types(plan, kernel.reads);
      std::vector<TensorType> results;
      for (const BufferId buffer : kernel.writes) results.push_back(plan.buffers[buffer].type);
      const graphrt::OpInfo& op = *graphrt::find_op(kernel.op);
      const std::string_view rate = op.work_rule(inputs, results, kernel.attributes).rate;
      if (rate.empty() || rate_in_place_of(device, rate) == rate ||
          machine.time_for(device.kind, kernel_signature(kernel.op, inputs, kernel.attributes))) {
        continue;
      }
      ++counts[fmt::format("of {} by its {}, for want of {}", device.name,
                           rate_in_place_of(device, rate), rate)];
    }
  }
  std::string text;
  for (const auto& [what, count] : counts) {
    text += fmt::format("  rates       {} kernel{} {}\n", count, count == 1 ? "" : "s", what);
  }
  return text;
}

std::string memory_table(const Compilation& compilation, const Machine& machine, Detail detail) {
  constexpr size_t kMaxArenas = 10;
  std::string text = fmt::format("  {:<18}{:>14}{:>14}\n", "memory", "peak bytes", "bound");
  const auto& arenas = compilation.memory().arenas;
  size_t num_shown = 0;
  for (const PlannedArena& arena : arenas) {
    if (detail == Detail::kShort && arenas.size() > kMaxArenas && num_shown == kMaxArenas - 1) {
      text += fmt::format("  {} more arenas\n", arenas.size() - num_shown);
      break;
    }
    ++num_shown;
    text += fmt::format("  {:<18}{:>14}{:>14}\n",
                        name_of_memory(machine.devices[arena.device].name, arena.kind),
                        arena.size_bytes, arena.bound_bytes);
  }
  return text;
}

}  // namespace

std::string summary(const Compilation& compilation, const Machine& machine, Detail detail) {
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
  text += fmt::format("  bound       {}, gap {:.1f} %: {}{}\n",
                      format_duration(compilation.bound.interval_ns),
                      percent_of(gap_ns, compilation.bound.interval_ns), compilation.bound.reason,
                      cycle_text(compilation.bound, detail));
  text += operators_line(*compilation.passes.graph);
  text += parallel_line(compilation.parallel, detail);
  text += placement_line(compilation.placement, detail);
  text += hosts_line(compilation, machine);
  text += effort_line(compilation);
  text += times_line(compilation.plan, machine);
  text += rates_lines(compilation.plan, machine);
  if (compilation.decisions.trades_time_for_memory()) {
    text += "  for memory  " + compilation.memory_trades + "\n";
  }
  text += fmt::format("  waits       {} left of {}\n", synchronised.num_waits,
                      synchronised.num_waits_before);
  return text + busy_table(compilation, detail) + memory_table(compilation, machine, detail);
}

}  // namespace graphc

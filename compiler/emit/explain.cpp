#include "compiler/emit/explain.h"

#include <algorithm>
#include <map>
#include <utility>

#include "compiler/emit/folded_names.h"
#include "runtime/base/text.h"

namespace graphc {
namespace {

std::string reason_text(Reason reason) {
  switch (reason) {
    case Reason::kOnlyReady:
      return "nothing else could start there as early";
    case Reason::kStartsCopy:
      return "a copy waits for it, and copies open overlap";
    case Reason::kLongerPath:
      return "more work depends on it than on what else was ready";
    case Reason::kLeastSlack:
      return "what depends on it leaves it the least time to wait";
    case Reason::kNameOrder:
      return "equal to what else was ready, first by name";
    case Reason::kAsWritten:
      return "the given schedule says so";
    case Reason::kWaitsForMemory:
      return "it had to wait until there was memory for it";
    case Reason::kFitsMemory:
      return "there was memory for it, and not yet for what would have gone first";
    case Reason::kMinPeakOrder:
      return "next in an order that uses little memory";
    case Reason::kBalance:
      return "moved there from a fuller core";
  }
  return "";
}

/// Whether a pin stands where `parallel` names its devices.
bool is_of_parallel(const SourceRange& pin, const Compilation& compilation) {
  const auto is_same = [&](const SourceRange& where) {
    return pin.file != nullptr && pin.file == where.file && pin.line == where.line &&
           pin.column == where.column;
  };
  const std::vector<SourceRange>& layers = compilation.layer_places;
  if (std::any_of(layers.begin(), layers.end(), is_same)) return true;
  const std::optional<Parallel>& parallel = compilation.parallel.parallel;
  if (!parallel) return false;
  return is_same(parallel->update_where) ||
         std::any_of(parallel->batch.begin(), parallel->batch.end(),
                     [&](const BatchPart& part) { return is_same(part.where); });
}

/// What a placement that was not chosen would do to the step.
std::string more_text(const Score& score, const Score& chosen) {
  if (score.basis == ScoreBasis::kNotTried) return "was not tried";
  return std::string("take ") + (score.basis == ScoreBasis::kBound ? "at least " : "") +
         format_duration(score.interval_ns - chosen.interval_ns) + " more";
}

std::string device_text(const Compilation& compilation, const Machine& machine,
                        const PlacedOp& op) {
  const std::string name = "'" + machine.devices[op.destination].name + "'";
  if (op.kind == PlacedOpKind::kCopy && op.reads[0].rows && !op.rows) {
    return "on " + name + ": these rows alone are sent there, nobody cuts them out";
  }
  if (!op.node) return "on '" + machine.devices[op.device].name + "'";
  if (compilation.placement.pins[*op.node]) {
    const SourceRange& pin = compilation.passes.graph->nodes[*op.node].device_where;
    const bool is_derived = is_of_parallel(pin, compilation);
    return "on " + name + ": pinned by " + (is_derived ? "`parallel`" : "the graph");
  }
  std::string text = "on " + name + ": placement '" + compilation.placement.chosen.name + "'";
  const auto& chosen = compilation.placement.chosen.score;
  if (!chosen) return text;
  text += " takes " + format_duration(chosen->interval_ns) + " a step";
  for (const PlacementCandidate& other : compilation.placement.candidates) {
    if (other.name == compilation.placement.chosen.name || !other.score) continue;
    text += "; '" + other.name + "' would put it on '" +
            machine.devices[other.decisions.assignment[*op.node]].name + "' and " +
            more_text(*other.score, *chosen);
  }
  return text;
}

/// What stands before every task on its lane.
using TasksBefore = IdVector<TaskId, std::optional<TaskId>>;

TasksBefore tasks_before(const SchedulingSolution& solution) {
  TasksBefore before(solution.tasks.size());
  for (const std::vector<TaskId>& lane : solution.lanes) {
    for (size_t i = 1; i < lane.size(); ++i) before[lane[i]] = lane[i - 1];
  }
  return before;
}

/// What has to be over first: the task before it on its lane, and what it waits for elsewhere.
std::string after_text(const Compilation& compilation, const TasksBefore& before, TaskId task) {
  const Schedule& schedule = compilation.schedule();
  std::vector<std::string> after;
  if (before[task]) {
    const bool is_joined = schedule.solution.tasks[task].is_joined;
    after.push_back("'" + schedule.tasks->tasks[*before[task]].name + "' on its lane" +
                    (is_joined ? ", in the same launch" : ""));
  }
  for (const Wait& wait : compilation.plan.instructions[InstructionId(task.value())].waits) {
    const MessageLanes& lanes = compilation.synchronised().lanes;
    const TaskId other = lanes.tasks()[wait.lane][static_cast<size_t>(wait.count - 1)];
    std::string text =
        "'" + schedule.tasks->tasks[other].name + "' on " + lanes.lanes()[wait.lane].name;
    if (wait.distance > 0) {
      text += ", " + std::to_string(wait.distance) +
              (wait.distance == 1 ? " interval earlier" : " intervals earlier");
    }
    after.push_back(text);
  }
  return after.empty() ? "nothing" : join(after, "; ");
}

/// What a copy shares with others on its way, and for how long it takes it.
std::string shared_text(const LaneTable& lanes, const Task& task) {
  std::vector<std::string> shared;
  for (const SharedResourceId id : lanes.groups[task.group].resources) {
    if (!is_of_links(lanes, id)) continue;
    shared.push_back("'" + lanes.resource_names[id] + "' for " +
                     format_duration(taken_ns(lanes, task, id)));
  }
  return shared.empty() ? "" : "  takes  " + join(shared, "; ") + "\n";
}

std::string explain_task(const Compilation& compilation, const Machine& machine,
                         const TasksBefore& before, TaskId id) {
  const Schedule& schedule = compilation.schedule();
  const ScheduledTask& at = schedule.solution.tasks[id];
  const Instruction& instruction = compilation.plan.instructions[InstructionId(id.value())];
  std::string text = schedule.tasks->tasks[id].name + "\n";
  text +=
      "  where  " +
      device_text(compilation, machine, compilation.placed().ops[schedule.tasks->tasks[id].op]) +
      "\n";
  text += "  when   " + format_duration(instruction.predicted_start_ns) + " to " +
          format_duration(instruction.predicted_end_ns) + " of step 0, on " +
          schedule.tasks->lanes.lanes[at.lane].name + ", stage " + std::to_string(at.stage) + ": " +
          reason_text(at.reason) + "\n";
  text += shared_text(schedule.tasks->lanes, schedule.tasks->tasks[id]);
  return text + "  after  " + after_text(compilation, before, id) + "\n";
}

constexpr size_t kLinesPerTask = 4;
constexpr size_t kMaxLines = 40;
/// Of places and of reasons; there are fewer reasons.
constexpr size_t kMaxReasons = 15;

/// Names of tasks by what is true of all of them, the most first.
class TasksByReason {
 public:
  void add(const std::string& reason, const std::string& name) { names_[reason].push_back(name); }

  std::string text() const {
    std::vector<std::pair<std::string, std::vector<std::string>>> reasons(names_.begin(),
                                                                          names_.end());
    std::stable_sort(reasons.begin(), reasons.end(), [](const auto& a, const auto& b) {
      return a.second.size() > b.second.size();
    });
    std::string text;
    for (size_t i = 0; i < reasons.size(); ++i) {
      if (i == kMaxReasons) {
        return text + "  and " + std::to_string(reasons.size() - i) + " more\n";
      }
      const auto& [reason, names] = reasons[i];
      text +=
          "  " + std::to_string(names.size()) + " " + reason + ": " + folded_names(names) + "\n";
    }
    return text;
  }

 private:
  std::map<std::string, std::vector<std::string>> names_;
};

std::string explain_in_short(const Compilation& compilation, const Machine& machine) {
  const Schedule& schedule = compilation.schedule();
  TasksByReason where;
  TasksByReason when;
  for (const TaskId id : schedule.tasks->tasks.ids()) {
    const std::string& name = schedule.tasks->tasks[id].name;
    const PlacedOp& op = compilation.placed().ops[schedule.tasks->tasks[id].op];
    where.add(device_text(compilation, machine, op), name);
    when.add(reason_text(schedule.solution.tasks[id].reason), name);
  }
  return std::to_string(schedule.tasks->tasks.size()) +
         " tasks; --explain=NODE explains one, --verbose all\nwhere\n" + where.text() +
         "when each got its place on the lane\n" + when.text();
}

}  // namespace

Result<std::string> explain(const Compilation& compilation, const Machine& machine,
                            const std::optional<std::string>& node, Detail detail) {
  const auto& tasks = compilation.tasks().tasks;
  if (!node && detail == Detail::kShort && tasks.size() * kLinesPerTask > kMaxLines) {
    return explain_in_short(compilation, machine);
  }
  const TasksBefore before = tasks_before(compilation.schedule().solution);
  std::string text;
  std::vector<std::string> names;
  for (const TaskId id : tasks.ids()) {
    names.push_back(tasks[id].name);
    if (!node || tasks[id].name == *node) text += explain_task(compilation, machine, before, id);
  }
  if (!text.empty() || !node) return text;
  const auto nearest = nearest_name(*node, names);
  return usage_error("--explain: no task is named '" + *node + "'" +
                     (nearest ? "; did you mean '" + *nearest + "'?" : "") +
                     " (it may have been merged, folded or removed: see --emit=graph; a slice, a "
                     "reshape or a concat may be part of another value: see --emit=placed)");
}

}  // namespace graphc

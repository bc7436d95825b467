#include "compiler/fit/divide_copies.h"

#include "compiler/fit/limits.h"
#include "compiler/placement/split_copies.h"
#include "compiler/schedule/joined_problem.h"
#include "compiler/schedule/pipeline_search.h"

namespace graphc {
namespace {

/// More copies, and perhaps more memory, have to bring as much.
constexpr double kLeastGain = 0.01;
constexpr double kLeastGainAlone = 0.002;

using Blocks = IdVector<TaskId, std::vector<TaskId>>;

Blocks blocks_of(const SplitCopies& split, size_t num_tasks) {
  Blocks blocks(num_tasks);
  for (const PlacedOpId op : split.placed.ops.ids()) {
    blocks[TaskId(split.origin[op].value())].push_back(TaskId(op.value()));
  }
  return blocks;
}

/// Blocks in the place of what they are blocks of; times and versions are still to be found.
SchedulingSolution in_place_of(const SchedulingSolution& whole, const Blocks& blocks,
                               size_t num_tasks) {
  SchedulingSolution solution = whole;
  solution.tasks = IdVector<TaskId, ScheduledTask>(num_tasks);
  for (const TaskId task : whole.tasks.ids()) {
    for (const TaskId block : blocks[task]) solution.tasks[block] = whole.tasks[task];
  }
  for (std::vector<TaskId>& lane : solution.lanes) {
    std::vector<TaskId> tasks;
    for (const TaskId task : lane) {
      tasks.insert(tasks.end(), blocks[task].begin(), blocks[task].end());
    }
    lane = tasks;
  }
  return solution;
}

Schedule in_the_same_order(const Schedule& whole, const SplitCopies& split,
                           const TaskGraph& tasks) {
  const SchedulingProblem problem = scheduling_problem(tasks);
  SchedulingSolution solution =
      in_place_of(whole.solution, blocks_of(split, whole.tasks.tasks.size()), tasks.tasks.size());
  IntervalBound bound = JoinedProblem(problem, launches_in(solution)).bound();
  Schedule divided{tasks, timed_as_written(problem, std::move(solution)), {}, std::move(bound)};
  divided.versions = versions_by_value(tasks, divided.solution);
  return divided;
}

bool takes_more_versions(const Schedule& divided, const Schedule& other) {
  for (const PlacedValueId value : other.versions.ids()) {
    if (divided.versions[value] > other.versions[value]) return true;
  }
  return false;
}

bool is_shorter(int64_t time_ns, int64_t other_ns, double least_gain) {
  return static_cast<double>(time_ns) <= static_cast<double>(other_ns) * (1 - least_gain);
}

bool is_worth_it(const Schedule& divided, const Schedule& other) {
  const SchedulingSolution& solution = divided.solution;
  if (is_shorter(solution.interval_ns, other.solution.interval_ns, kLeastGain)) return true;
  return solution.interval_ns <= other.solution.interval_ns &&
         is_shorter(solution.latency_ns, other.solution.latency_ns, kLeastGainAlone) &&
         !takes_more_versions(divided, other);
}

}  // namespace

Schedule with_divided_copies(const Schedule& whole, const Machine& machine, const CostModel& costs,
                             const MemoryLimits& limits) {
  const SplitCopies split = split_copies(whole.tasks.placed, costs.block_sizes());
  if (split.placed.ops.size() == whole.tasks.placed.ops.size()) return whole;
  const TaskGraph tasks = find_dependencies(split.placed, machine, costs);
  Schedule best = whole;
  for (const Schedule& divided : {in_the_same_order(whole, split, tasks), schedule_tasks(tasks)}) {
    if (has_room_for_all(divided, limits) && is_worth_it(divided, best)) best = divided;
  }
  return best;
}

TaskGraph tasks_of_text(std::string_view schedule_text, const TaskGraph& whole,
                        const Machine& machine, const CostModel& costs) {
  const SplitCopies split = split_copies(whole.placed, costs.block_sizes());
  const auto names = task_names_in(schedule_text);
  for (const PlacedOpId op : split.placed.ops.ids()) {
    const std::string& name = split.placed.ops[op].name;
    const bool is_block = name != whole.placed.ops[split.origin[op]].name;
    if (is_block && names.contains(name)) return find_dependencies(split.placed, machine, costs);
  }
  return whole;
}

}  // namespace graphc

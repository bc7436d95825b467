#include "compiler/search/choose_copies.h"

#include "compiler/placement/split_copies.h"
#include "compiler/search/fit_memory.h"

namespace graphc {
namespace {

/// More copies, and perhaps more memory, have to bring as much.
constexpr double kMinGain = 0.01;
constexpr double kMinGainAlone = 0.002;

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

bool takes_more_versions(const Schedule& divided, const Schedule& other) {
  for (const PlacedValueId value : other.versions.ids()) {
    if (divided.versions[value] > other.versions[value]) return true;
  }
  return false;
}

bool is_shorter(int64_t time_ns, int64_t other_ns, double min_gain) {
  return static_cast<double>(time_ns) <= static_cast<double>(other_ns) * (1 - min_gain);
}

bool is_worth_it(const Schedule& divided, const Schedule& other) {
  const SchedulingSolution& solution = divided.solution;
  if (is_shorter(solution.interval_ns, other.solution.interval_ns, kMinGain)) return true;
  return solution.interval_ns <= other.solution.interval_ns &&
         is_shorter(solution.latency_ns, other.solution.latency_ns, kMinGainAlone) &&
         !takes_more_versions(divided, other);
}

}  // namespace

Decisions with_copy_blocks(Evaluator& evaluator, const Decisions& whole,
                           const MemoryLimits& limits) {
  if (whole.trades_time_for_memory()) return whole;
  const Shared<Schedule> schedule = *evaluator.schedule(whole);
  const SplitCopies split = split_copies(schedule->tasks->placed, evaluator.costs().block_sizes());
  const size_t num_tasks = schedule->tasks->tasks.size();
  if (split.placed.ops.size() == num_tasks) return whole;

  Decisions anew = whole;
  anew.copies = CopyBlocks::kBlocks;
  Decisions in_same_order = anew;
  in_same_order.order = LaneOrder{
      in_place_of(schedule->solution, blocks_of(split, num_tasks), split.placed.ops.size())};
  Decisions best = whole;
  Shared<Schedule> best_schedule = schedule;
  for (const Decisions& decisions : {in_same_order, anew}) {
    const Shared<Schedule> divided = *evaluator.schedule(decisions);
    if (!has_room_for_all(divided, limits) || !is_worth_it(divided, best_schedule)) continue;
    best = decisions;
    best_schedule = divided;
  }
  return best;
}

}  // namespace graphc

#include "compiler/solve/schedule/partial_schedule.h"

#include <algorithm>

namespace graphc {
namespace {

struct CandidateChoice {
  bool takes_first;
  Reason reason;
};

/// The one place where a heuristic decides, and says why.
constexpr CandidateChoice choose(const Candidate& a, const Candidate& b) {
  if (a.start_ns != b.start_ns) return {a.start_ns < b.start_ns, Reason::kOnlyReady};
  if (a.opens_overlap != b.opens_overlap) return {a.opens_overlap, Reason::kStartsCopy};
  if (a.path_ns != b.path_ns) return {a.path_ns > b.path_ns, Reason::kLongerPath};
  return {a.name_rank < b.name_rank, Reason::kNameOrder};
}

}  // namespace

Pick pick_first(const SchedulingProblem& problem, const std::vector<Candidate>& candidates) {
  Pick best{candidates.front()};
  for (size_t i = 1; i < candidates.size(); ++i) {
    const Candidate& rival = candidates[i];
    const CandidateChoice choice = choose(rival, best.candidate);
    if (choice.takes_first) best.candidate = rival;
    // The decision that mattered is the one against a rival for the same lane.
    const bool is_rivalry =
        problem.tasks[rival.task].group == problem.tasks[best.candidate.task].group;
    if (choice.reason != Reason::kOnlyReady && is_rivalry) best.reason = choice.reason;
  }
  return best;
}

PartialSchedule::PartialSchedule(const SchedulingProblem& problem, const Stages& stages,
                                 const SchedulingSolution* previous_interval)
    : problem_(problem),
      stages_(stages),
      path_ns_(longest_paths_ns(problem)),
      out_(problem.tasks.size()),
      num_waiting_(problem.tasks.size(), 0),
      ready_ns_(problem.tasks.size(), 0),
      lane_free_(problem.num_lanes, 0),
      resource_free_(problem.num_resources, 0),
      is_placed_(problem.tasks.size(), false),
      ready_(problem.groups.size()) {
  solution_.tasks = IdVector<TaskId, ScheduledTask>(problem.tasks.size());
  solution_.lanes = IdVector<LaneId, std::vector<TaskId>>(problem.num_lanes);
  for (const SchedulingEdge& edge : problem.edges) add_edge(edge, previous_interval);
  for (const TaskId task : problem_.tasks.ids()) {
    if (num_waiting_[task] == 0) ready_.add(entry_of(task));
  }
}

void PartialSchedule::add_edge(const SchedulingEdge& edge, const SchedulingSolution* previous) {
  const int32_t distance = interval_distance(edge, stages_);
  CHECK(distance >= 0, "stages must be legal");
  if (distance == 0) {
    out_[edge.from].push_back(edge.to);
    ++num_waiting_[edge.to];
  } else if (previous != nullptr) {
    const int64_t arrival_ns = previous->tasks[edge.from].end_ns - distance * previous->interval_ns;
    ready_ns_[edge.to] = std::max(ready_ns_[edge.to], arrival_ns);
  }
}

ReadyTasks::Entry PartialSchedule::entry_of(TaskId task) const {
  const SchedulingTask& spec = problem_.tasks[task];
  return {task,           spec.group,    ready_ns_[task], spec.is_copy || spec.feeds_copy,
          path_ns_[task], spec.name_rank};
}

Candidate PartialSchedule::candidate_for(TaskId task) const {
  const SchedulingTask& spec = problem_.tasks[task];
  Candidate candidate{task, {}, 0, path_ns_[task], spec.is_copy || spec.feeds_copy, spec.name_rank};
  bool is_first = true;
  for (const LaneId lane : problem_.groups[spec.group].lanes) {
    const int64_t start_ns = std::max(ready_ns_[task], lane_free_[lane]);
    if (!is_first && start_ns >= candidate.start_ns) continue;
    candidate.lane = lane;
    candidate.start_ns = start_ns;
    is_first = false;
  }
  keep_queued(candidate);
  return candidate;
}

/// Lanes of one accelerator share it, so a task that finds it busy gains on another lane no more
/// than its launch. Where that is nothing against its work, it goes behind the task that is being
/// waited for: independent tasks then end one after the other, as predicted, instead of together.
void PartialSchedule::keep_queued(Candidate& candidate) const {
  const SchedulingTask& spec = problem_.tasks[candidate.task];
  const LaneGroup& group = problem_.groups[spec.group];
  if (group.resources.empty() || !saturates_for_long(spec.cost)) return;
  int64_t busy_until_ns = 0;
  for (size_t i = 0; i < group.resources.size(); ++i) {
    if (spec.cost.shared_ns[i] < spec.cost.work_ns) continue;
    busy_until_ns = std::max(busy_until_ns, resource_free_[group.resources[i]]);
  }
  if (busy_until_ns <= ready_ns_[candidate.task]) return;
  for (const LaneId lane : group.lanes) {
    if (lane_free_[lane] != busy_until_ns) continue;
    candidate.lane = lane;
    candidate.start_ns = busy_until_ns;
    return;
  }
}

int64_t PartialSchedule::start(const Candidate& chosen, Reason reason) {
  ready_.remove(entry_of(chosen.task));
  is_placed_[chosen.task] = true;
  const SchedulingTask& spec = problem_.tasks[chosen.task];
  int64_t work_start_ns = chosen.start_ns + spec.cost.latency_ns;
  const std::vector<SharedResourceId>& resources = problem_.groups[spec.group].resources;
  for (size_t i = 0; i < resources.size(); ++i) {
    if (spec.cost.shared_ns[i] == 0) continue;
    work_start_ns = std::max(work_start_ns, resource_free_[resources[i]]);
  }
  for (size_t i = 0; i < resources.size(); ++i) {
    if (spec.cost.shared_ns[i] == 0) continue;
    resource_free_[resources[i]] = work_start_ns + spec.cost.shared_ns[i];
  }
  const int64_t end_ns = work_start_ns + spec.cost.work_ns;
  lane_free_[chosen.lane] = end_ns;
  solution_.tasks[chosen.task] = {chosen.lane, stages_[chosen.task], chosen.start_ns, end_ns,
                                  reason};
  solution_.lanes[chosen.lane].push_back(chosen.task);
  for (const TaskId next : out_[chosen.task]) {
    ready_ns_[next] = std::max(ready_ns_[next], end_ns);
    if (--num_waiting_[next] == 0) ready_.add(entry_of(next));
  }
  return end_ns;
}

}  // namespace graphc

#include "compiler/solve/schedule/joined_problem.h"

#include <algorithm>
#include <utility>

namespace graphc {

std::vector<Launch> launches_in(const SchedulingSolution& solution) {
  std::vector<Launch> launches;
  for (const std::vector<TaskId>& lane : solution.lanes) {
    for (size_t i = 1; i < lane.size(); ++i) {
      if (!solution.tasks[lane[i]].is_joined) continue;
      if (!solution.tasks[lane[i - 1]].is_joined) launches.push_back({lane[i - 1]});
      launches.back().push_back(lane[i]);
    }
  }
  return launches;
}

JoinedProblem::JoinedProblem(const SchedulingProblem& apart, const std::vector<Launch>& launches)
    : joined_of_(apart.tasks.size()) {
  joined_.groups = apart.groups;
  joined_.num_lanes = apart.num_lanes;
  joined_.num_resources = apart.num_resources;
  for (const SchedulingTask& task : apart.tasks) costs_.push_back(task.cost);
  add_tasks(apart, launches);
  add_edges(apart);
}

void JoinedProblem::add_tasks(const SchedulingProblem& apart, const std::vector<Launch>& launches) {
  IdVector<TaskId, const Launch*> launch_of(apart.tasks.size(), nullptr);
  for (const Launch& launch : launches) {
    for (const TaskId task : launch) launch_of[task] = &launch;
  }
  for (const TaskId task : apart.tasks.ids()) {
    const Launch* launch = launch_of[task];
    if (launch != nullptr && launch->front() != task) continue;
    const TaskId joined = joined_.tasks.push_back(apart.tasks[task]);
    members_.push_back(launch != nullptr ? *launch : Launch{task});
    for (const TaskId member : members_[joined]) {
      joined_of_[member] = joined;
      if (member == task) continue;
      const SchedulingTask& more = apart.tasks[member];
      SchedulingTask& all = joined_.tasks[joined];
      all.cost.work_ns += more.cost.work_ns;
      for (size_t i = 0; i < kMaxLaneResources; ++i) {
        all.cost.shared_ns[i] += more.cost.shared_ns[i];
      }
      all.feeds_copy = all.feeds_copy || more.feeds_copy;
    }
  }
}

void JoinedProblem::add_edges(const SchedulingProblem& apart) {
  for (SchedulingEdge edge : apart.edges) {
    edge.from = joined_of_[edge.from];
    edge.to = joined_of_[edge.to];
    joined_.edges.push_back(edge);
  }
  for (const VersionedValue& value : apart.values) {
    VersionedValue joined;
    for (const VersionedRead& read : value.reads) {
      joined.reads.push_back({joined_of_[read.task], joined_of_[read.writer], read.distance});
    }
    joined_.values.push_back(std::move(joined));
  }
}

IntervalBound JoinedProblem::bound() const {
  IntervalBound bound = interval_bound(joined_);
  for (TaskId& task : bound.recurrence) task = members_[task].front();
  return bound;
}

SchedulingSolution JoinedProblem::apart(const SchedulingSolution& joined) const {
  SchedulingSolution solution;
  solution.versions = joined.versions;
  solution.interval_ns = joined.interval_ns;
  solution.latency_ns = joined.latency_ns;
  solution.tasks = IdVector<TaskId, ScheduledTask>(joined_of_.size());
  solution.lanes = IdVector<LaneId, std::vector<TaskId>>(joined.lanes.size());
  for (const LaneId lane : joined.lanes.ids()) {
    for (const TaskId task : joined.lanes[lane]) {
      ScheduledTask at = joined.tasks[task];
      for (const TaskId member : members_[task]) {
        at.is_joined = member != members_[task].front();
        if (at.is_joined) at.start_ns = at.end_ns;
        at.end_ns = at.start_ns + cost_in_launch(costs_[member], at).duration_ns();
        if (member == members_[task].back()) at.end_ns = joined.tasks[task].end_ns;
        solution.tasks[member] = at;
        solution.lanes[lane].push_back(member);
      }
    }
  }
  return solution;
}

}  // namespace graphc

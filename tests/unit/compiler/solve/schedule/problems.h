#pragma once

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "compiler/solve/schedule/scheduling_problem.h"

namespace graphc {

/// Writes scheduling problems down in the words of their pictures. Tasks get their rank by name
/// when they are added in the order of their names.
class ProblemBuilder {
 public:
  /// A group of `num_lanes` lanes that can stand in for each other.
  GroupId group(int num_lanes, std::vector<SharedResourceId> resources = {}) {
    LaneGroup lanes;
    for (int i = 0; i < num_lanes; ++i) lanes.lanes.push_back(LaneId(problem_.num_lanes++));
    lanes.resources = std::move(resources);
    return problem_.groups.push_back(lanes);
  }

  /// A group whose lanes work each by itself.
  GroupId group_of_cores(int num_lanes) {
    const GroupId cores = group(num_lanes);
    problem_.groups[cores].is_of_cores = true;
    return cores;
  }

  SharedResourceId resource() { return SharedResourceId(problem_.num_resources++); }

  TaskId task(GroupId group, int64_t duration_ns) { return task(group, TaskCost{0, duration_ns}); }

  TaskId task(GroupId group, TaskCost cost) {
    SchedulingTask spec{group, cost};
    spec.name_rank = static_cast<int32_t>(problem_.tasks.size());
    return problem_.tasks.push_back(spec);
  }

  /// Marks `copy` as a copy of what `from` writes, with the edge between them.
  void copies(TaskId from, TaskId copy) {
    problem_.tasks[copy].is_copy = true;
    problem_.tasks[from].feeds_copy = true;
    edge(from, copy);
  }

  void edge(TaskId from, TaskId to, int32_t distance = 0) {
    problem_.edges.push_back({from, to, distance, false});
  }
  void storage_edge(TaskId from, TaskId to, int32_t distance) {
    problem_.edges.push_back({from, to, distance, true});
  }

  /// What `writer` writes, read by `readers` in the same step, with the edges.
  VersionedId value(TaskId writer, const std::vector<TaskId>& readers) {
    VersionedValue value;
    for (const TaskId reader : readers) {
      value.reads.push_back({reader, writer, 0});
      edge(writer, reader);
    }
    return problem_.values.push_back(value);
  }

  const SchedulingProblem& get() const { return problem_; }

 private:
  SchedulingProblem problem_;
};

/// Random layered work over a few lanes, links and a shared unit, with state and versions.
inline SchedulingProblem random_problem(unsigned seed) {
  std::mt19937 random(seed);
  const auto below = [&](size_t limit) { return static_cast<size_t>(random()) % limit; };
  ProblemBuilder build;
  const SharedResourceId unit = build.resource();
  const std::vector<GroupId> groups = {build.group(1), build.group_of_cores(2),
                                       build.group(2, {unit}), build.group(1), build.group(1)};
  std::vector<TaskId> tasks;
  std::map<TaskId, std::vector<TaskId>> readers;
  const size_t num_tasks = 3 + below(12);
  for (size_t i = 0; i < num_tasks; ++i) {
    const GroupId group = groups[below(groups.size())];
    TaskCost cost{static_cast<int64_t>(below(3) * 5), static_cast<int64_t>(1 + below(40)), {}};
    if (group == groups[2]) cost.shared_ns = {cost.work_ns};
    const TaskId task = build.task(group, cost);
    for (size_t j = 0; j < std::min<size_t>(tasks.size(), 2); ++j) {
      if (below(2) == 0) readers[tasks[below(tasks.size())]].push_back(task);
    }
    tasks.push_back(task);
  }
  for (const TaskId task : tasks) build.value(task, readers[task]);
  for (size_t i = below(3); i > 0; --i) {
    build.edge(tasks[below(tasks.size())], tasks[below(tasks.size())],
               static_cast<int32_t>(1 + below(2)));
  }
  return build.get();
}

/// The same with nothing that lanes share.
inline SchedulingProblem without_sharing(SchedulingProblem problem) {
  for (SchedulingTask& task : problem.tasks) task.cost.shared_ns = {};
  return problem;
}

/// The same where lanes share several things: both links a switch, one of them and the streams a
/// bus, which each task takes for as long as it works at most.
inline SchedulingProblem random_problem_of_resources(unsigned seed) {
  SchedulingProblem problem = random_problem(seed);
  std::mt19937 random(seed);
  const SharedResourceId unit(0);
  const SharedResourceId at_switch(1);
  const SharedResourceId bus(2);
  problem.num_resources = 3;
  problem.groups[GroupId(2)].resources = {unit, bus};
  problem.groups[GroupId(3)].resources = {at_switch};
  problem.groups[GroupId(4)].resources = {bus, at_switch};
  for (SchedulingTask& task : problem.tasks) {
    const size_t num_resources = problem.groups[task.group].resources.size();
    for (size_t i = 0; i < num_resources; ++i) {
      if (task.group == GroupId(2) && i == 0) continue;
      task.cost.shared_ns[i] =
          static_cast<int64_t>(random() % static_cast<uint64_t>(task.cost.work_ns + 1));
    }
  }
  return problem;
}

/// Names each resource that two tasks of an interval take at once, nanosecond by nanosecond.
inline std::string overbooked_resources(const SchedulingProblem& problem,
                                        const SchedulingSolution& solution) {
  std::string found;
  for (const SharedResourceId resource :
       IdVector<SharedResourceId, int>(problem.num_resources, 0).ids()) {
    std::set<int64_t> taken;
    bool is_overbooked = false;
    for (const TaskId task : problem.tasks.ids()) {
      const SchedulingTask& spec = problem.tasks[task];
      const auto& ids = problem.groups[spec.group].resources;
      const auto at = std::find(ids.begin(), ids.end(), resource);
      if (at == ids.end()) continue;
      const int64_t work_start_ns = solution.tasks[task].end_ns - spec.cost.work_ns;
      for (int64_t i = 0; i < spec.cost.shared_ns[static_cast<size_t>(at - ids.begin())]; ++i) {
        is_overbooked = !taken.insert(work_start_ns + i).second || is_overbooked;
      }
    }
    if (is_overbooked) found += "resource " + std::to_string(resource.value()) + "\n";
  }
  return found;
}

/// What is wrong with an interval, looked at task by task: lanes that take two at once, tasks that
/// start before what they need. Empty if nothing is.
inline std::string defects_of(const SchedulingProblem& problem,
                              const SchedulingSolution& solution) {
  std::string defects;
  IdVector<TaskId, int> times(problem.tasks.size(), 0);
  for (const LaneId lane : solution.lanes.ids()) {
    int64_t free_ns = 0;
    for (const TaskId task : solution.lanes[lane]) {
      ++times[task];
      const ScheduledTask& at = solution.tasks[task];
      const auto& allowed = problem.groups[problem.tasks[task].group].lanes;
      if (std::find(allowed.begin(), allowed.end(), lane) == allowed.end() || at.lane != lane) {
        defects += "task " + std::to_string(task.value()) + " is on a wrong lane\n";
      }
      if (at.start_ns < free_ns) {
        defects += "task " + std::to_string(task.value()) + " starts on a busy lane\n";
      }
      if (at.end_ns - at.start_ns < problem.tasks[task].cost.duration_ns()) {
        defects += "task " + std::to_string(task.value()) + " is too short\n";
      }
      free_ns = at.end_ns;
    }
  }
  for (const TaskId task : problem.tasks.ids()) {
    if (times[task] != 1)
      defects += "task " + std::to_string(task.value()) + " is not there once\n";
  }
  for (const SchedulingEdge& edge : problem.edges) {
    const ScheduledTask& from = solution.tasks[edge.from];
    const ScheduledTask& to = solution.tasks[edge.to];
    const int32_t distance = edge.distance + to.stage - from.stage;
    if (distance < 0 || (distance == 0 && to.start_ns < from.end_ns)) {
      defects += "task " + std::to_string(edge.to.value()) + " starts before " +
                 std::to_string(edge.from.value()) + " ends\n";
    }
  }
  return defects;
}

}  // namespace graphc

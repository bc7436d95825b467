#include "compiler/schedule/schedule.h"

#include <algorithm>
#include <utility>

#include "compiler/schedule/joint_launches.h"
#include "compiler/solve/schedule/bounded_scheduler.h"
#include "compiler/solve/schedule/joined_problem.h"
#include "compiler/solve/schedule/lane_order.h"
#include "compiler/solve/schedule/pipeline_search.h"
#include "runtime/base/text.h"
#include "runtime/proof/happens_before.h"

namespace graphc {
namespace {

Violation check_positions(const Schedule& schedule) {
  const TaskGraph& graph = schedule.tasks;
  IdVector<TaskId, int> times(graph.tasks.size(), 0);
  for (const LaneId lane : schedule.solution.lanes.ids()) {
    for (const TaskId task : schedule.solution.lanes[lane]) {
      ++times[task];
      const auto& allowed = graph.lanes.groups[graph.tasks[task].group].lanes;
      if (std::find(allowed.begin(), allowed.end(), lane) == allowed.end()) {
        return "lane " + graph.lanes.lanes[lane].name + " cannot run '" + graph.tasks[task].name +
               "'";
      }
      if (schedule.solution.tasks[task].lane != lane) {
        return "'" + graph.tasks[task].name + "' stands on another lane than it says";
      }
    }
  }
  for (const TaskId task : graph.tasks.ids()) {
    if (times[task] == 1) continue;
    return "'" + graph.tasks[task].name + "' stands " + std::to_string(times[task]) + " times";
  }
  return std::nullopt;
}

Violation check_edges(const Schedule& schedule) {
  for (const SchedulingEdge& edge : enforced_edges(schedule)) {
    const int32_t from_stage = schedule.solution.tasks[edge.from].stage;
    const int32_t to_stage = schedule.solution.tasks[edge.to].stage;
    if (edge.distance + to_stage - from_stage >= 0) continue;
    return "'" + schedule.tasks->tasks[edge.to].name + "' (stage " + std::to_string(to_stage) +
           ") would run before '" + schedule.tasks->tasks[edge.from].name + "' (stage " +
           std::to_string(from_stage) + "), on which it depends";
  }
  return std::nullopt;
}

/// Lane order and waits together must let every interval finish, and lane order alone must do what
/// no wait does.
Violation check_order(const Schedule& schedule) {
  const auto problem = scheduling_problem(schedule.tasks);
  const auto edges = enforced_edges(schedule);
  const LaneProgram program = with_all_waits(problem, schedule.solution, edges);
  const auto positions = positions_of(schedule.solution);
  for (const SchedulingEdge& edge : edges) {
    const Position from = positions[edge.from];
    const Position to = positions[edge.to];
    const int32_t distance = edge.distance + schedule.solution.tasks[edge.to].stage -
                             schedule.solution.tasks[edge.from].stage;
    if (from.lane != to.lane || distance > 0 || from.index < to.index) continue;
    return "'" + schedule.tasks->tasks[edge.to].name + "' stands before '" +
           schedule.tasks->tasks[edge.from].name + "', on which it depends";
  }
  const auto cycle = find_deadlock(program);
  if (cycle.empty()) return std::nullopt;
  std::vector<std::string> names;
  for (const Position at : cycle) {
    names.push_back(
        schedule.tasks->tasks[schedule.solution.lanes[at.lane][static_cast<size_t>(at.index)]]
            .name);
  }
  return "deadlock: " + join(names, " waits for ") + " waits for " + names.front();
}

Violation check_launch(const Schedule& schedule, const Launch& launch) {
  const TaskGraph& graph = schedule.tasks;
  const auto is_in = [&](TaskId task) {
    return std::find(launch.begin(), launch.end(), task) != launch.end();
  };
  for (const TaskId task : launch) {
    const std::string& first = graph.tasks[launch.front()].name;
    const std::string& name = graph.tasks[task].name;
    if (!may_share_launch(graph, task)) return "'" + name + "' cannot share a launch";
    if (schedule.solution.tasks[task].stage != schedule.solution.tasks[launch.front()].stage) {
      return "'" + name + "' is joined to '" + first + "', which is in another stage";
    }
  }
  if (launch.size() > kMaxOpsInLaunch) {
    return "'" + graph.tasks[launch.front()].name + "' starts a launch of " +
           std::to_string(launch.size()) + " tasks; " + std::to_string(kMaxOpsInLaunch) +
           " are possible";
  }
  for (const TaskEdge& edge : graph.edges) {
    if (edge.from == edge.to || !is_in(edge.from) || !is_in(edge.to)) continue;
    return "'" + graph.tasks[edge.to].name + "' cannot share a launch with '" +
           graph.tasks[edge.from].name + "', on which it depends";
  }
  return std::nullopt;
}

/// What shares a launch is of one stage, and none of it depends on another one in any step.
Violation check_launches(const Schedule& schedule) {
  for (const std::vector<TaskId>& lane : schedule.solution.lanes) {
    if (lane.empty() || !schedule.solution.tasks[lane.front()].is_joined) continue;
    return "'" + schedule.tasks->tasks[lane.front()].name +
           "' is joined to nothing: its lane begins there";
  }
  for (const Launch& launch : launches_in(schedule.solution)) {
    if (auto violation = check_launch(schedule, launch)) return violation;
  }
  return std::nullopt;
}

/// How much longer a step may be predicted with joint launches. Apart, the streams of a GPU launch
/// side by side as if that cost the GPU nothing; what it does cost was measured to be more
/// (docs/decisions/0012-joint-launches.md).
constexpr double kMaxSlowdown = 0.02;

struct Scheduled {
  SchedulingSolution solution;
  IntervalBound bound;
};

/// With joint launches where there are some and that is about as fast, else with launches of their
/// own for all tasks; those are not searched for where no search could find a step that is shorter
/// by enough.
Scheduled schedule_launches(const TaskGraph& tasks, const SchedulingProblem& problem,
                            Launches launches, const SearchOptions& options) {
  const auto is_about_as_fast = [](const Scheduled& joint, int64_t interval_ns) {
    return static_cast<double>(joint.solution.interval_ns) <=
           static_cast<double>(interval_ns) * (1 + kMaxSlowdown);
  };
  const IntervalBound bound = interval_bound(problem);
  std::vector<Launch> joint;
  if (launches == Launches::kJoint) joint = joint_launches(tasks);
  if (joint.empty()) return {schedule_pipelined(problem, options), bound};
  const JoinedProblem joined(problem, joint);
  SchedulingSolution solution = joined.apart(schedule_pipelined(joined.problem(), options));
  Scheduled together{with_interval(problem, std::move(solution)), joined.bound()};
  if (is_about_as_fast(together, bound.interval_ns)) return together;
  Scheduled apart{schedule_pipelined(problem, options), bound};
  return is_about_as_fast(together, apart.solution.interval_ns) ? together : apart;
}

}  // namespace

Schedule schedule_tasks(const Shared<TaskGraph>& tasks, Launches launches, Effort effort) {
  Scheduled best =
      schedule_launches(tasks, scheduling_problem(tasks), launches, search_options(effort));
  Schedule schedule{tasks, std::move(best.solution), {}, std::move(best.bound)};
  schedule.versions = versions_by_value(tasks, schedule.solution);
  return schedule;
}

Schedule schedule_tasks_within(const Shared<TaskGraph>& tasks, const MemoryLimits& budget_bytes) {
  const SchedulingProblem problem = scheduling_problem(tasks);
  IdVector<MemoryId, int64_t> budgets;
  for (const int64_t bytes : budget_bytes) budgets.push_back(bytes);
  const MemoryDemand demand = memory_demand(tasks, budget_bytes.size());
  Schedule schedule{tasks, schedule_within(problem, demand, budgets), {}, interval_bound(problem)};
  schedule.versions = versions_by_value(tasks, schedule.solution);
  return schedule;
}

Schedule schedule_as_written(const Shared<TaskGraph>& tasks, SchedulingSolution order,
                             Times times) {
  const SchedulingProblem problem = scheduling_problem(tasks);
  SchedulingSolution solution = times == Times::kKeep ? with_interval(problem, std::move(order))
                                                      : timed_as_written(problem, std::move(order));
  IntervalBound bound = JoinedProblem(problem, launches_in(solution)).bound();
  Schedule schedule{tasks, std::move(solution), {}, std::move(bound)};
  schedule.versions = versions_by_value(tasks, schedule.solution);
  return schedule;
}

IdVector<PlacedValueId, int32_t> versions_by_value(const TaskGraph& tasks,
                                                   const SchedulingSolution& solution) {
  IdVector<PlacedValueId, int32_t> versions(tasks.placed->values.size(), 1);
  for (const PlacedValueId value : tasks.placed->values.ids()) {
    versions[value] = tasks.fixed_versions[value].value_or(1);
  }
  const auto chosen = versioned_values(tasks);
  for (size_t i = 0; i < chosen.size(); ++i) {
    versions[chosen[i]] = solution.versions[VersionedId(i)];
  }
  return versions;
}

std::vector<SchedulingEdge> enforced_edges(const Schedule& schedule) {
  return enforced_edges(scheduling_problem(schedule.tasks), schedule.solution.versions);
}

Violation verify_schedule(const Schedule& schedule) {
  if (auto violation = check_positions(schedule)) return violation;
  if (auto violation = check_launches(schedule)) return violation;
  if (auto violation = check_edges(schedule)) return violation;
  return check_order(schedule);
}

}  // namespace graphc

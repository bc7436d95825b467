#include "compiler/solve/schedule/lane_order.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace graphc {
namespace {

/// How much longer than predicted a step's kernels may take before copies wait for them.
constexpr int64_t kSafetyFactor = 4;

}  // namespace

std::vector<SchedulingEdge> enforced_edges(const SchedulingProblem& problem,
                                           const IdVector<VersionedId, int32_t>& versions) {
  std::vector<SchedulingEdge> edges = problem.edges;
  for (const VersionedId id : problem.values.ids()) {
    const VersionedValue& value = problem.values[id];
    for (const VersionedRead& read : value.reads) {
      if (read.task == read.writer) continue;
      edges.push_back({read.task, read.writer, versions[id] - read.distance, true});
    }
  }
  return edges;
}

IdVector<VersionedId, int32_t> fewest_versions(const SchedulingProblem& problem,
                                               const SchedulingSolution& solution,
                                               int64_t interval_ns) {
  IdVector<VersionedId, int32_t> versions(problem.values.size(), 1);
  for (const VersionedId id : problem.values.ids()) {
    for (const VersionedRead& read : problem.values[id].reads) {
      const ScheduledTask& writer = solution.tasks[read.writer];
      const ScheduledTask& reader = solution.tasks[read.task];
      // The writer that takes this version again runs `gap` intervals after the reader.
      const int64_t lateness_ns = reader.end_ns - writer.start_ns;
      const int64_t gap = lateness_ns <= 0 ? 0 : (lateness_ns + interval_ns - 1) / interval_ns;
      const int64_t needed = gap + read.distance + reader.stage - writer.stage;
      // A copy that may not start before its last result has been used is hidden by nothing. So it
      // is given two places also where one would do, unless that stays so if kernels take several
      // times as long as predicted.
      const bool is_close = lateness_ns > interval_ns / kSafetyFactor;
      const int64_t least = problem.tasks[read.writer].is_copy && is_close ? 2 : 1;
      versions[id] = std::max(versions[id], static_cast<int32_t>(std::max(needed, least)));
    }
  }
  return versions;
}

IdVector<TaskId, Position> positions_of(const SchedulingSolution& solution) {
  IdVector<TaskId, Position> positions(solution.tasks.size());
  for (const LaneId lane : solution.lanes.ids()) {
    int32_t index = 0;
    for (const TaskId task : solution.lanes[lane]) positions[task] = {lane, index++};
  }
  return positions;
}

LaunchEnds launch_ends(const SchedulingSolution& solution) {
  LaunchEnds ends;
  for (const TaskId task : solution.tasks.ids()) ends.first.push_back(task);
  ends.last = ends.first;
  for (const std::vector<TaskId>& lane : solution.lanes) {
    for (size_t i = 1; i < lane.size(); ++i) {
      if (solution.tasks[lane[i]].is_joined) ends.first[lane[i]] = ends.first[lane[i - 1]];
    }
    for (size_t i = lane.size(); i-- > 1;) {
      if (solution.tasks[lane[i]].is_joined) ends.last[lane[i - 1]] = ends.last[lane[i]];
    }
  }
  return ends;
}

LaneProgram with_all_waits(const SchedulingProblem& problem, const SchedulingSolution& solution,
                           const std::vector<SchedulingEdge>& edges) {
  LaneProgram program;
  program.lanes.resize(problem.num_lanes);
  program.resources.resize(problem.num_lanes);
  for (const LaneGroup& group : problem.groups) {
    for (const LaneId lane : group.lanes) program.resources[lane] = group.resources;
  }
  for (const LaneId lane : solution.lanes.ids()) {
    for (const TaskId task : solution.lanes[lane]) {
      const ScheduledTask& at = solution.tasks[task];
      program.lanes[lane].push_back({at.stage, {}, cost_in_launch(problem.tasks[task].cost, at)});
    }
  }
  const LaunchEnds ends = launch_ends(solution);
  const auto positions = positions_of(solution);
  std::vector<PlacedWait> waits;
  for (const SchedulingEdge& edge : edges) {
    const Position before = positions[ends.last[edge.from]];
    const Position waiting = positions[ends.first[edge.to]];
    if (before.lane == waiting.lane) continue;
    const int32_t distance =
        edge.distance + solution.tasks[edge.to].stage - solution.tasks[edge.from].stage;
    waits.push_back({waiting, {before.lane, before.index + 1, distance}});
  }
  add_waits(program, std::move(waits));
  return program;
}

void add_waits(LaneProgram& program, std::vector<PlacedWait> waits) {
  const auto key = [](const PlacedWait& wait) {
    return std::tuple(wait.at, wait.wait.lane, wait.wait.distance, -wait.wait.count);
  };
  std::sort(waits.begin(), waits.end(),
            [&](const PlacedWait& a, const PlacedWait& b) { return key(a) < key(b); });
  for (const auto& [at, wait] : waits) {
    auto& kept = program.lanes[at.lane][static_cast<size_t>(at.index)].waits;
    const bool is_implied =
        !kept.empty() && kept.back().lane == wait.lane && kept.back().distance == wait.distance;
    if (!is_implied) kept.push_back(wait);
  }
}

}  // namespace graphc

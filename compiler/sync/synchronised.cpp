#include "compiler/sync/synchronised.h"

#include <algorithm>

#include "compiler/solve/schedule/lane_order.h"
#include "runtime/proof/happens_before.h"

namespace graphc {
namespace {

int32_t horizon_of(const LaneProgram& program) {
  int32_t horizon = 1;
  for (const auto& lane : program.lanes) {
    for (const LaneInstruction& instruction : lane) {
      for (const Wait& wait : instruction.waits) horizon = std::max(horizon, wait.distance);
    }
  }
  return horizon + 1;
}

int64_t count_waits(const LaneProgram& program) {
  int64_t count = 0;
  for (const auto& lane : program.lanes) {
    for (const LaneInstruction& instruction : lane) {
      count += static_cast<int64_t>(instruction.waits.size());
    }
  }
  return count;
}

/// Whether `before` in interval t - wait.distance is over before the end of `via` in interval
/// t - via_distance.
bool reaches(const HappensBefore& order, Position before, int32_t distance, Position via,
             int32_t via_distance) {
  if (via_distance > distance) return false;
  if (before.lane == via.lane && before.index <= via.index) return true;
  return order.is_ordered(before, via, distance - via_distance);
}

/// Whether the lane's previous instruction or another wait implies `wait` of the instruction at
/// `at`.
bool is_implied(const LaneProgram& program, const HappensBefore& order, Position at,
                const Wait& wait) {
  const Position before{wait.lane, wait.count - 1};
  const auto& lane = program.lanes[at.lane];
  const bool is_first = at.index == 0;
  const Position previous{at.lane, is_first ? static_cast<int32_t>(lane.size()) - 1 : at.index - 1};
  if (reaches(order, before, wait.distance, previous, is_first ? 1 : 0)) return true;
  const auto& waits = lane[static_cast<size_t>(at.index)].waits;
  return std::any_of(waits.begin(), waits.end(), [&](const Wait& other) {
    if (other == wait) return false;
    return reaches(order, before, wait.distance, {other.lane, other.count - 1}, other.distance);
  });
}

LaneProgram without_implied_waits(const LaneProgram& program) {
  const HappensBefore order(program, horizon_of(program));
  LaneProgram result = program;
  for (const LaneId lane : program.lanes.ids()) {
    for (size_t i = 0; i < program.lanes[lane].size(); ++i) {
      const Position at{lane, static_cast<int32_t>(i)};
      std::erase_if(result.lanes[lane][i].waits,
                    [&](const Wait& wait) { return is_implied(program, order, at, wait); });
    }
  }
  return result;
}

const std::string& name_at(const Synchronised& synchronised, LaneId lane, int32_t index) {
  const Schedule& schedule = synchronised.memory->schedule;
  return schedule.tasks->tasks[schedule.solution.lanes[lane][static_cast<size_t>(index)]].name;
}

bool is_joined_at(const Schedule& schedule, LaneId lane, size_t index) {
  return schedule.solution.tasks[schedule.solution.lanes[lane][index]].is_joined;
}

}  // namespace

Synchronised remove_redundant_waits(const Shared<MemoryPlan>& memory) {
  const SchedulingProblem problem = scheduling_problem(memory->schedule->tasks);
  const LaneProgram all =
      with_all_waits(problem, memory->schedule->solution, enforced_edges(memory));
  Synchronised synchronised{memory, without_implied_waits(all), count_waits(all)};
  synchronised.num_waits = count_waits(synchronised.program);
  synchronised.interval_ns = steady_interval_ns(synchronised.program);
  synchronised.latency_ns = latency_ns(synchronised.program);
  return synchronised;
}

Violation verify_synchronised(const Synchronised& synchronised) {
  const Schedule& schedule = synchronised.memory->schedule;
  const LaneProgram& program = synchronised.program;
  if (!find_deadlock(program).empty()) return "the waits form a cycle";
  int32_t horizon = horizon_of(program);
  const auto edges = enforced_edges(synchronised.memory);
  const auto positions = positions_of(schedule.solution);
  const auto distance_of = [&](const SchedulingEdge& edge) {
    return edge.distance + schedule.solution.tasks[edge.to].stage -
           schedule.solution.tasks[edge.from].stage;
  };
  for (const SchedulingEdge& edge : edges) horizon = std::max(horizon, distance_of(edge));
  const HappensBefore order(program, horizon);
  for (const SchedulingEdge& edge : edges) {
    if (order.is_ordered(positions[edge.from], positions[edge.to], distance_of(edge))) continue;
    return "'" + schedule.tasks->tasks[edge.to].name + "' does not wait for '" +
           schedule.tasks->tasks[edge.from].name + "'";
  }
  for (const LaneId lane : program.lanes.ids()) {
    for (size_t i = 0; i < program.lanes[lane].size(); ++i) {
      const Position at{lane, static_cast<int32_t>(i)};
      for (const Wait& wait : program.lanes[lane][i].waits) {
        if (!is_implied(program, order, at, wait)) continue;
        return "'" + name_at(synchronised, lane, at.index) + "' has a wait that it does not need";
      }
    }
  }
  return std::nullopt;
}

std::string print_synchronised(const Synchronised& synchronised) {
  const Schedule& schedule = synchronised.memory->schedule;
  const LaneTable& lanes = schedule.tasks->lanes;
  std::string text = "sync " + schedule.tasks->placed->graph->name + "  " +
                     std::to_string(synchronised.num_waits) + " waits of " +
                     std::to_string(synchronised.num_waits_before) + "\n";
  for (const LaneId lane : synchronised.program.lanes.ids()) {
    for (size_t i = 0; i < synchronised.program.lanes[lane].size(); ++i) {
      const LaneInstruction& instruction = synchronised.program.lanes[lane][i];
      text += lanes.lanes[lane].name + "  " + name_at(synchronised, lane, static_cast<int32_t>(i)) +
              "  stage=" + std::to_string(instruction.stage);
      if (is_joined_at(schedule, lane, i)) text += "  joined";
      for (const Wait& wait : instruction.waits) {
        text += "  wait(" + lanes.lanes[wait.lane].name + ", " + std::to_string(wait.count) + ", " +
                std::to_string(wait.distance) + ": " +
                name_at(synchronised, wait.lane, wait.count - 1) + ")";
      }
      text += "\n";
    }
  }
  return text;
}

}  // namespace graphc

#include "compiler/sync/synchronised.h"

#include <algorithm>
#include <string_view>
#include <utility>

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
  // Ends are in order.
  const bool is_earlier = before.index <= via.index || via_distance < distance;
  if (before.lane == via.lane && is_earlier) return true;
  return order.is_ordered(before, via, distance - via_distance);
}

/// Whether `before` is over when the instruction at `at` starts because its lane comes to it: behind
/// the end of the one before. A message only starts behind the one before, its own of the interval
/// before is over, and a receive starts behind its send.
bool is_implied_by_lane(const LaneProgram& program, const LaneEnds& ends,
                        const HappensBefore& order, Position before, int32_t distance,
                        Position at) {
  const bool is_first = at.index == 0;
  const auto length = static_cast<int32_t>(program.lanes[at.lane].size());
  const Position previous{at.lane, is_first ? length - 1 : at.index - 1};
  const int32_t intervals = is_first ? 1 : 0;
  if (!ends.has_messages(at.lane)) return reaches(order, before, distance, previous, intervals);
  const auto starts_after = [&](Position other, int32_t other_distance) {
    return other_distance <= distance && order.is_ordered(before, other, distance - other_distance);
  };
  if (reaches(order, before, distance, at, 1) || starts_after(previous, intervals)) return true;
  return ends.is_receive(at.lane) && starts_after({ends.peer(at.lane), at.index}, 0);
}

/// Whether the lane's order or another wait implies `wait` of the instruction at `at`.
bool is_implied(const LaneProgram& program, const LaneEnds& ends, const HappensBefore& order,
                Position at, const Wait& wait) {
  const Position before{wait.lane, wait.count - 1};
  if (is_implied_by_lane(program, ends, order, before, wait.distance, at)) return true;
  const auto& waits = program.lanes[at.lane][static_cast<size_t>(at.index)].waits;
  return std::any_of(waits.begin(), waits.end(), [&](const Wait& other) {
    if (other == wait) return false;
    return reaches(order, before, wait.distance, {other.lane, other.count - 1}, other.distance);
  });
}

LaneProgram without_implied_waits(const LaneProgram& program) {
  const HappensBefore order(program, horizon_of(program));
  const LaneEnds ends(program);
  LaneProgram result = program;
  for (const LaneId lane : program.lanes.ids()) {
    for (size_t i = 0; i < program.lanes[lane].size(); ++i) {
      const Position at{lane, static_cast<int32_t>(i)};
      std::erase_if(result.lanes[lane][i].waits,
                    [&](const Wait& wait) { return is_implied(program, ends, order, at, wait); });
    }
  }
  return result;
}

const std::string& name_at(const Synchronised& synchronised, LaneId lane, int32_t index) {
  const TaskId task = synchronised.lanes.tasks()[lane][static_cast<size_t>(index)];
  return synchronised.memory->schedule->tasks->tasks[task].name;
}

/// What is said of an instruction besides its lane, name and stage.
std::string_view word_for(LaneKind kind) {
  if (kind == LaneKind::kSend) return "send  ";
  return kind == LaneKind::kReceive ? "receive  " : "";
}

}  // namespace

Synchronised remove_redundant_waits(const Shared<MemoryPlan>& memory) {
  MessageLanes lanes(memory->schedule);
  const LaneProgram all = lanes.program(memory->schedule, enforced_edges(memory));
  Synchronised synchronised{memory, std::move(lanes), without_implied_waits(all), count_waits(all)};
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
  const MessageLanes& lanes = synchronised.lanes;
  const auto distance_of = [&](const SchedulingEdge& edge) {
    return edge.distance + schedule.solution.tasks[edge.to].stage -
           schedule.solution.tasks[edge.from].stage;
  };
  for (const SchedulingEdge& edge : edges) horizon = std::max(horizon, distance_of(edge));
  const HappensBefore order(program, horizon);
  const LaneEnds ends(program);
  for (const SchedulingEdge& edge : edges) {
    if (order.is_ordered(lanes.before(edge), lanes.after(edge), distance_of(edge))) continue;
    return "'" + schedule.tasks->tasks[edge.to].name + "' does not wait for '" +
           schedule.tasks->tasks[edge.from].name + "'";
  }
  for (const LaneId lane : program.lanes.ids()) {
    for (size_t i = 0; i < program.lanes[lane].size(); ++i) {
      const Position at{lane, static_cast<int32_t>(i)};
      for (const Wait& wait : program.lanes[lane][i].waits) {
        if (!is_implied(program, ends, order, at, wait)) continue;
        return "'" + name_at(synchronised, lane, at.index) + "' has a wait that it does not need";
      }
    }
  }
  return std::nullopt;
}

std::string print_synchronised(const Synchronised& synchronised) {
  const Schedule& schedule = synchronised.memory->schedule;
  const IdVector<LaneId, MachineLane>& lanes = synchronised.lanes.lanes();
  std::string text = "sync " + schedule.tasks->placed->graph->name + "  " +
                     std::to_string(synchronised.num_waits) + " waits of " +
                     std::to_string(synchronised.num_waits_before) + "\n";
  for (const LaneId lane : synchronised.program.lanes.ids()) {
    for (size_t i = 0; i < synchronised.program.lanes[lane].size(); ++i) {
      const LaneInstruction& instruction = synchronised.program.lanes[lane][i];
      text += lanes[lane].name + "  " + std::string(word_for(lanes[lane].kind)) +
              name_at(synchronised, lane, static_cast<int32_t>(i)) +
              "  stage=" + std::to_string(instruction.stage);
      if (schedule.solution.tasks[synchronised.lanes.tasks()[lane][i]].is_joined)
        text += "  joined";
      for (const Wait& wait : instruction.waits) {
        text += "  wait(" + lanes[wait.lane].name + ", " + std::to_string(wait.count) + ", " +
                std::to_string(wait.distance) + ": " +
                name_at(synchronised, wait.lane, wait.count - 1) + ")";
      }
      text += "\n";
    }
  }
  return text;
}

}  // namespace graphc

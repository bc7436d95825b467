#include "compiler/schedule/message_lanes.h"

#include <string>
#include <utility>

#include "compiler/solve/schedule/lane_order.h"

namespace graphc {
namespace {

/// `h0->h1.2` sends what `h1 from h0.2` receives.
std::string name_of_receive(const std::string& send) {
  const size_t arrow = send.find("->");
  const std::string from = send.substr(0, arrow);
  return send.substr(arrow + 2) + " from " + from;
}

}  // namespace

MessageLanes::MessageLanes(const Schedule& schedule)
    : lanes_(schedule.tasks->lanes.lanes),
      tasks_(schedule.solution.lanes),
      positions_(positions_of(schedule.solution)),
      message_ns_(schedule.tasks->lanes.message_ns) {
  const size_t num_lanes = lanes_.size();
  for (size_t i = 0; i < num_lanes; ++i) {
    const LaneId send(i);
    receives_.push_back(send);
    if (!lanes_[send].is_network()) continue;
    MachineLane receive = lanes_[send];
    lanes_[send].kind = LaneKind::kSend;
    lanes_[send].destination = lanes_[send].device;
    receive.name = name_of_receive(receive.name);
    receive.kind = LaneKind::kReceive;
    receive.device = receive.destination;
    receives_[send] = lanes_.push_back(receive);
    tasks_.push_back(std::vector(tasks_[send]));
    pairs_.push_back({send, receives_[send]});
  }
}

Position MessageLanes::writing(TaskId task) const {
  return {receives_[positions_[task].lane], positions_[task].index};
}

Position MessageLanes::before(const SchedulingEdge& edge) const {
  return on_host(edge.from, host_of(edge));
}

Position MessageLanes::after(const SchedulingEdge& edge) const {
  return on_host(edge.to, host_of(edge));
}

HostId MessageLanes::host_of(const SchedulingEdge& edge) const {
  const MachineLane& from = lane_of(edge.from);
  const MachineLane& to = lane_of(edge.to);
  if (!from.is_network()) return from.host;
  if (!to.is_network()) return to.host;
  // Of two copies the second overwrites what the first has read, or reads what that has written.
  return edge.is_storage ? to.to_host : to.host;
}

Position MessageLanes::on_host(TaskId task, HostId host) const {
  const MachineLane& lane = lane_of(task);
  CHECK(host == lane.host || host == lane.to_host, "only messages cross hosts");
  return host == lane.host ? reading(task) : writing(task);
}

LaneProgram MessageLanes::program(const Schedule& schedule,
                                  const std::vector<SchedulingEdge>& edges) const {
  const SchedulingSolution& solution = schedule.solution;
  LaneProgram program = with_all_waits(scheduling_problem(schedule.tasks), solution, {});
  for (const LanePair& pair : pairs_) {
    program.lanes.push_back({});
    program.resources.push_back({});
    // The schedule has what receiving takes in the latency of the copy.
    for (LaneInstruction& send : program.lanes[pair.send]) {
      send.cost.latency_ns -= message_ns_;
      program.lanes[pair.receive].push_back({send.stage, {}, {0, message_ns_, {}}});
    }
  }
  program.pairs = pairs_;
  const LaunchEnds ends = launch_ends(solution);
  std::vector<PlacedWait> waits;
  for (SchedulingEdge edge : edges) {
    const int32_t distance =
        edge.distance + solution.tasks[edge.to].stage - solution.tasks[edge.from].stage;
    edge.from = ends.last[edge.from];
    edge.to = ends.first[edge.to];
    const Position first = before(edge);
    const Position second = after(edge);
    // Lanes are in order.
    if (first.lane == second.lane) continue;
    waits.push_back({second, {first.lane, first.index + 1, distance}});
  }
  add_waits(program, std::move(waits));
  return program;
}

}  // namespace graphc

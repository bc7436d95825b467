#include "runtime/engine/relays.h"

#include <cstdint>
#include <map>
#include <utility>

namespace graphrt {
namespace {

/// Where the first instructions of a lane, so many of them, are passed on.
using PassedOn = std::map<std::pair<LaneId, int32_t>, Wait>;

/// Every wait of one queue for another, by what it waits for; nothing says yet where that is passed
/// on.
PassedOn find_crossings(const Plan& plan, const QueueOfDevice& queue_of) {
  PassedOn crossings;
  for (const PlanLane& lane : plan.lanes) {
    const std::optional<QueueId> own = queue_of_lane(lane, queue_of);
    if (!own) continue;
    for (const InstructionId id : lane.instructions) {
      for (const Wait& wait : plan.instructions[id].waits) {
        const std::optional<QueueId> other = queue_of_lane(plan.lanes[wait.lane], queue_of);
        if (other && *other != *own) crossings[{wait.lane, wait.count}] = {};
      }
    }
  }
  return crossings;
}

/// Under the name of what it passes on.
Instruction make_relay(const Instruction& producer, LaneId lane, int32_t count) {
  Instruction relay;
  relay.name = producer.name;
  relay.stage = producer.stage;
  relay.waits = {{lane, count, 0}};
  relay.predicted_start_ns = producer.predicted_end_ns;
  relay.predicted_end_ns = producer.predicted_end_ns;
  return relay;
}

/// One lane for each that is waited for: the counts of one stand together, in ascending order.
void add_relays(Plan& plan, PassedOn& crossings) {
  std::optional<LaneId> latest;
  LaneId relays;
  for (auto& [awaited, passed_on] : crossings) {
    const auto [lane, count] = awaited;
    if (latest != lane) {
      const DeviceId host = host_device_of(plan, host_of(plan, lane));
      relays = plan.lanes.push_back(
          {plan.lanes[lane].name + " (passed on)", LaneKind::kCompute, host, host, {}, {}});
      latest = lane;
    }
    const InstructionId producer = plan.lanes[lane].instructions[static_cast<size_t>(count) - 1];
    const InstructionId id =
        plan.instructions.push_back(make_relay(plan.instructions[producer], lane, count));
    plan.lanes[relays].instructions.push_back(id);
    const size_t num_relays = plan.lanes[relays].instructions.size();
    passed_on = {relays, static_cast<int32_t>(num_relays), 0};
  }
}

}  // namespace

std::optional<Plan> plan_with_relays(const Plan& plan, const QueueOfDevice& queue_of) {
  PassedOn crossings = find_crossings(plan, queue_of);
  if (crossings.empty()) return std::nullopt;
  Plan relayed = plan;
  add_relays(relayed, crossings);
  for (const PlanLane& lane : plan.lanes) {
    const std::optional<QueueId> own = queue_of_lane(lane, queue_of);
    for (const InstructionId id : lane.instructions) {
      for (Wait& wait : relayed.instructions[id].waits) {
        const std::optional<QueueId> other = queue_of_lane(plan.lanes[wait.lane], queue_of);
        if (!own || !other || *own == *other) continue;
        const Wait& passed_on = crossings.at({wait.lane, wait.count});
        wait = {passed_on.lane, passed_on.count, wait.distance};
      }
    }
  }
  return relayed;
}

}  // namespace graphrt

#include "runtime/proof/verify_hosts.h"

#include <fmt/format.h>

#include <set>

#include "runtime/plan/plan_names.h"
#include "runtime/proof/structure_violation.h"

namespace graphrt {
namespace {

using Violation = std::optional<PlanViolation>;

const std::string& name_of_device(const Plan& plan, DeviceId device) {
  return plan.devices[device].name;
}

Violation check_host_names(const Plan& plan) {
  std::set<std::string_view> names;
  for (const std::string& name : plan.hosts) {
    if (names.insert(name).second) continue;
    return structure_violation(fmt::format("there are two hosts of name '{}'", name));
  }
  return std::nullopt;
}

PlanViolation no_cpu_first() {
  return structure_violation("the first device must be of kind 'cpu', the host");
}

Violation check_devices(const Plan& plan) {
  std::optional<DeviceId> cpu;  // of the host that the devices so far end with
  for (const DeviceId id : plan.devices.ids()) {
    const PlanDevice& device = plan.devices[id];
    const bool is_first = !cpu || plan.devices[*cpu].host != device.host;
    if (!is_first && is_host_device(plan, id)) {
      return structure_violation(
          fmt::format("device '{}' is of kind 'cpu', and '{}' is the host already", device.name,
                      name_of_device(plan, *cpu)));
    }
    if (!is_first) continue;
    const HostId next(cpu ? plan.devices[*cpu].host.value() + 1 : 0);
    if (device.host != next) {
      return structure_violation(fmt::format("device '{}' is of host {}, where host {} is next",
                                             device.name, device.host.value(), next.value()));
    }
    if (!is_host_device(plan, id)) return no_cpu_first();
    cpu = id;
  }
  if (!cpu) return no_cpu_first();
  if (plan.devices[*cpu].host.index() + 1 == num_hosts(plan)) return std::nullopt;
  return structure_violation(fmt::format("host '{}' has no device",
                                         plan.hosts[HostId(plan.devices[*cpu].host.index() + 1)]));
}

/// What a lane of the host's own work is there for, and which host may have it.
Violation check_place(const Plan& plan, const PlanLane& lane) {
  const DeviceId cpu = host_device_of(
      plan, lane.kind == LaneKind::kOutput ? HostId(0) : plan.devices[lane.device].host);
  const auto can_not = [&](std::string_view does) {
    return structure_violation(fmt::format("lane '{}' {} on '{}'; only '{}' can", lane.name, does,
                                           name_of_device(plan, lane.device),
                                           name_of_device(plan, cpu)));
  };
  switch (lane.kind) {
    case LaneKind::kCompute:
    case LaneKind::kLink:
      return std::nullopt;
    case LaneKind::kFeed:
    case LaneKind::kOutput:
      if (lane.device == cpu) return std::nullopt;
      return can_not("feeds or hands out");
    case LaneKind::kSend:
    case LaneKind::kReceive:
      if (lane.device == cpu) return std::nullopt;
      return can_not(lane.kind == LaneKind::kSend ? "sends" : "receives");
  }
  return std::nullopt;
}

Violation check_ends(const Plan& plan, const PlanLane& lane) {
  if (lane.kind != LaneKind::kLink && lane.destination != lane.device) {
    return structure_violation(fmt::format("lane '{}' is no link, but leads from '{}' to '{}'",
                                           lane.name, name_of_device(plan, lane.device),
                                           name_of_device(plan, lane.destination)));
  }
  if (plan.devices[lane.device].host == plan.devices[lane.destination].host) return std::nullopt;
  return structure_violation(
      fmt::format("lane '{}' is a link from '{}' to '{}'; only messages cross hosts", lane.name,
                  name_of_device(plan, lane.device), name_of_device(plan, lane.destination)));
}

/// That the lane at the other end is one, and thinks so too.
Violation check_peer(const Plan& plan, LaneId id) {
  const PlanLane& lane = plan.lanes[id];
  if (is_message_lane(lane.kind) != lane.peer.has_value()) {
    return structure_violation(
        fmt::format("lane '{}' is of kind '{}' and names {}", lane.name, name_of(lane.kind),
                    lane.peer ? fmt::format("'{}' as its other end", plan.lanes[*lane.peer].name)
                              : "no other end"));
  }
  if (!lane.peer) return std::nullopt;
  const PlanLane& peer = plan.lanes[*lane.peer];
  if (peer.peer != id || !is_message_lane(peer.kind) || peer.kind == lane.kind) {
    return structure_violation(
        fmt::format("lane '{}' of kind '{}' names '{}' of kind '{}' as its other end; a lane that "
                    "sends and one that receives must name each other",
                    lane.name, name_of(lane.kind), peer.name, name_of(peer.kind)));
  }
  if (host_of(plan, id) == host_of(plan, *lane.peer)) {
    return structure_violation(
        fmt::format("lane '{}' and its other end '{}' are on the same host", lane.name, peer.name));
  }
  if (lane.instructions.size() == peer.instructions.size()) return std::nullopt;
  const bool is_send = lane.kind == LaneKind::kSend;
  const PlanLane& send = is_send ? lane : peer;
  const PlanLane& receive = is_send ? peer : lane;
  return structure_violation(
      fmt::format("lane '{}' sends {} times, and its other end '{}' receives {} times", send.name,
                  send.instructions.size(), receive.name, receive.instructions.size()));
}

const std::string& name_of_host(const Plan& plan, HostId host) { return plan.hosts[host]; }

Violation check_pair(const Plan& plan, const IdVector<InstructionId, LanePosition>& positions,
                     InstructionId send, InstructionId receive) {
  const Instruction& sent = plan.instructions[send];
  const Instruction& received = plan.instructions[receive];
  const auto fault = [&](const std::string& message) {
    PlanViolation violation = structure_violation(plan, positions, send, message);
    violation.second = receive;
    return violation;
  };
  const TensorType from = operand_type(plan, sent.reads.front());
  const TensorType to = result_types(plan, received).front();
  const std::string receiver = name_with_lane(plan, positions, receive);
  if (from != to) {
    return fault(
        fmt::format("is sent as {}, and {} receives {}", to_string(from), receiver, to_string(to)));
  }
  if (sent.stage == received.stage) return std::nullopt;
  return fault(fmt::format("is sent in stage {}, and {} receives it in stage {}", sent.stage,
                           receiver, received.stage));
}

}  // namespace

std::optional<PlanViolation> find_host_violation(const Plan& plan) {
  if (Violation violation = check_host_names(plan)) return violation;
  if (Violation violation = check_devices(plan)) return violation;
  for (const LaneId id : plan.lanes.ids()) {
    if (Violation violation = check_ends(plan, plan.lanes[id])) return violation;
    if (Violation violation = check_place(plan, plan.lanes[id])) return violation;
    if (Violation violation = check_peer(plan, id)) return violation;
  }
  return std::nullopt;
}

std::optional<PlanViolation> find_crossing(const Plan& plan,
                                           const IdVector<InstructionId, LanePosition>& positions,
                                           InstructionId id) {
  if (num_hosts(plan) == 1) return std::nullopt;
  const HostId own = host_of(plan, positions[id].lane);
  const auto crossing = [&](std::string_view what, HostId other) {
    return structure_violation(
        plan, positions, id,
        fmt::format("of host '{}' {} of host '{}'; only messages cross hosts",
                    name_of_host(plan, own), what, name_of_host(plan, other)));
  };
  const Instruction& instruction = plan.instructions[id];
  for (const Wait& wait : instruction.waits) {
    const HostId other = host_of(plan, wait.lane);
    if (other == own) continue;
    return crossing(fmt::format("waits for lane '{}'", plan.lanes[wait.lane].name), other);
  }
  const auto buffer_crossing = [&](std::string_view verb, BufferId buffer) {
    return crossing(fmt::format("{} buffer '{}'", verb, plan.buffers[buffer].name),
                    host_of(plan, buffer));
  };
  for (const Operand& operand : instruction.reads) {
    if (host_of(plan, operand.buffer) != own) return buffer_crossing("reads", operand.buffer);
  }
  for (const BufferId buffer : written_buffers(instruction)) {
    if (host_of(plan, buffer) != own) return buffer_crossing("writes", buffer);
  }
  return std::nullopt;
}

std::optional<PlanViolation> find_pair_violation(
    const Plan& plan, const IdVector<InstructionId, LanePosition>& positions) {
  for (const PlanLane& lane : plan.lanes) {
    if (lane.kind != LaneKind::kSend) continue;
    const PlanLane& receives = plan.lanes[*lane.peer];
    for (size_t i = 0; i < lane.instructions.size(); ++i) {
      if (Violation violation =
              check_pair(plan, positions, lane.instructions[i], receives.instructions[i])) {
        return violation;
      }
    }
  }
  return std::nullopt;
}

}  // namespace graphrt

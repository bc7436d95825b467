#include "runtime/plan/check_references.h"

#include <fmt/format.h>

#include <algorithm>

namespace graphrt {
namespace {

using Broken = std::optional<std::string>;

Broken outside(std::string_view what, std::string_view name, int64_t value, size_t size) {
  return fmt::format("{} of '{}' is {}, outside 0..{}", what, name, value,
                     static_cast<int64_t>(size) - 1);
}

Broken check_devices(const Plan& plan) {
  for (const PlanDevice& device : plan.devices) {
    if (device.host.value() < 0 || device.host.index() >= num_hosts(plan)) {
      return outside("the host", device.name, device.host.value(), num_hosts(plan));
    }
    if (device.index < 0) return fmt::format("the index of '{}' is {}", device.name, device.index);
    if (device.memory_bytes >= 0) continue;
    return fmt::format("the memory of '{}' is {} bytes", device.name, device.memory_bytes);
  }
  return std::nullopt;
}

Broken check_buffers(const Plan& plan) {
  for (const ArenaId id : plan.arenas.ids()) {
    const PlanArena& arena = plan.arenas[id];
    const std::string name = fmt::format("arena {}", id.value());
    if (!plan.devices.contains(arena.device)) {
      return outside("the device", name, arena.device.value(), plan.devices.size());
    }
    if (arena.size_bytes < 0) return fmt::format("the size of {} is {}", name, arena.size_bytes);
  }
  for (const PlanBuffer& buffer : plan.buffers) {
    if (!plan.arenas.contains(buffer.arena)) {
      return outside("the arena", buffer.name, buffer.arena.value(), plan.arenas.size());
    }
    if (!is_valid(buffer.type)) {
      return fmt::format("the type of '{}' is {}, which is not a type of a tensor", buffer.name,
                         to_string(buffer.type));
    }
    if (buffer.versions < 1 || buffer.versions > kMaxStepsInFlight) {
      return fmt::format("'{}' has {} versions; 1 to {} are possible", buffer.name, buffer.versions,
                         kMaxStepsInFlight);
    }
  }
  return std::nullopt;
}

Broken check_resources(const Plan& plan, const PlanLane& lane) {
  if (lane.resources.size() > kMaxLaneResources) {
    return fmt::format("'{}' shares {} resources; {} are possible", lane.name,
                       lane.resources.size(), kMaxLaneResources);
  }
  for (auto id = lane.resources.begin(); id != lane.resources.end(); ++id) {
    if (!plan.resources.contains(*id)) {
      return outside("a resource", lane.name, id->value(), plan.resources.size());
    }
    if (std::find(lane.resources.begin(), id, *id) == id) continue;
    return fmt::format("'{}' shares resource {} twice", lane.name, id->value());
  }
  return std::nullopt;
}

Broken check_lanes(const Plan& plan) {
  for (const PlanLane& lane : plan.lanes) {
    for (const DeviceId device : {lane.device, lane.destination}) {
      if (plan.devices.contains(device)) continue;
      return outside("a device", lane.name, device.value(), plan.devices.size());
    }
    if (lane.peer && !plan.lanes.contains(*lane.peer)) {
      return outside("the other end", lane.name, lane.peer->value(), plan.lanes.size());
    }
    if (Broken broken = check_resources(plan, lane)) return broken;
    for (const InstructionId id : lane.instructions) {
      if (plan.instructions.contains(id)) continue;
      return outside("an instruction", lane.name, id.value(), plan.instructions.size());
    }
  }
  return std::nullopt;
}

Broken check_rows(const Plan& plan, std::string_view name, BufferId buffer,
                  const std::optional<RowRange>& rows) {
  if (!rows) return std::nullopt;
  const TensorType& type = plan.buffers[buffer].type;
  if (!type.shape.empty() && rows->begin >= 0 && rows->begin < rows->end &&
      rows->end <= type.shape[0]) {
    return std::nullopt;
  }
  return fmt::format("'{}' uses rows {} to {} of '{}', which is {}", name, rows->begin, rows->end,
                     plan.buffers[buffer].name, to_string(type));
}

/// As many elements, of the same type, as there are in the rows that are read.
Broken check_shape(const Plan& plan, std::string_view name, const Operand& operand) {
  if (!operand.shape) return std::nullopt;
  const TensorType rows = type_of_rows(plan.buffers[operand.buffer].type, operand.rows);
  const TensorType wanted{rows.element, *operand.shape};
  if (is_valid(wanted) && wanted.num_elements() == rows.num_elements()) return std::nullopt;
  return fmt::format("'{}' reads {} as {}", name, to_string(rows), to_string(wanted));
}

Broken check_operand(const Plan& plan, std::string_view name, const Operand& operand) {
  if (!plan.buffers.contains(operand.buffer)) {
    return outside("a buffer", name, operand.buffer.value(), plan.buffers.size());
  }
  if (Broken broken = check_rows(plan, name, operand.buffer, operand.rows)) return broken;
  if (Broken broken = check_shape(plan, name, operand)) return broken;
  for (const InstructionId producer : operand.producers) {
    if (plan.instructions.contains(producer)) continue;
    return outside("a producer", name, producer.value(), plan.instructions.size());
  }
  if (operand.distance < 0 || operand.distance > kMaxStepsInFlight) {
    return outside("the distance of an operand", name, operand.distance, kMaxStepsInFlight + 1);
  }
  return std::nullopt;
}

Broken check_waits(const Plan& plan, const Instruction& instruction) {
  for (const Wait& wait : instruction.waits) {
    if (!plan.lanes.contains(wait.lane)) {
      return outside("the lane of a wait", instruction.name, wait.lane.value(), plan.lanes.size());
    }
    const PlanLane& lane = plan.lanes[wait.lane];
    if (wait.count < 1 || static_cast<size_t>(wait.count) > lane.instructions.size()) {
      return fmt::format("'{}' waits for {} instructions of '{}', which has {}", instruction.name,
                         wait.count, lane.name, lane.instructions.size());
    }
    if (wait.distance < 0 || wait.distance > kMaxStepsInFlight) {
      return outside("the distance of a wait", instruction.name, wait.distance,
                     kMaxStepsInFlight + 1);
    }
  }
  return std::nullopt;
}

Broken check_times(const Instruction& instruction) {
  const auto check = [&](int64_t time_ns) -> Broken {
    if (time_ns >= 0 && time_ns <= kMaxPredictedNs) return std::nullopt;
    return fmt::format("a predicted time of '{}' is {} ns", instruction.name, time_ns);
  };
  const TaskCost& cost = instruction.cost;
  for (const int64_t time_ns : {cost.latency_ns, cost.work_ns, instruction.predicted_start_ns,
                                instruction.predicted_end_ns}) {
    if (Broken broken = check(time_ns)) return broken;
  }
  for (const int64_t time_ns : cost.shared_ns) {
    if (Broken broken = check(time_ns)) return broken;
  }
  return std::nullopt;
}

Broken check_instruction(const Plan& plan, const Instruction& instruction) {
  for (const Operand& operand : instruction.reads) {
    if (Broken broken = check_operand(plan, instruction.name, operand)) return broken;
  }
  for (const BufferId buffer : written_buffers(instruction)) {
    if (plan.buffers.contains(buffer)) continue;
    return outside("the result's buffer", instruction.name, buffer.value(), plan.buffers.size());
  }
  if (instruction.rows && instruction.writes.empty()) {
    return fmt::format("'{}' writes rows of no buffer", instruction.name);
  }
  for (const BufferId buffer : instruction.writes) {
    if (Broken broken = check_rows(plan, instruction.name, buffer, instruction.rows)) return broken;
  }
  if (instruction.input && !plan.inputs.contains(*instruction.input)) {
    return outside("the input", instruction.name, instruction.input->value(), plan.inputs.size());
  }
  if (instruction.stage < 0 || instruction.stage > kMaxStepsInFlight) {
    return outside("the stage", instruction.name, instruction.stage, kMaxStepsInFlight + 1);
  }
  if (Broken broken = check_times(instruction)) return broken;
  return check_waits(plan, instruction);
}

Broken check_buffer_list(const Plan& plan, std::string_view name,
                         const std::vector<BufferId>& buffers) {
  for (const BufferId buffer : buffers) {
    if (plan.buffers.contains(buffer)) continue;
    return outside("a buffer", name, buffer.value(), plan.buffers.size());
  }
  return std::nullopt;
}

Broken check_interface(const Plan& plan) {
  for (const PlanInput& input : plan.inputs) {
    if (is_valid(input.type)) continue;
    return fmt::format("the type of input '{}' is {}, which is not a type of a tensor", input.name,
                       to_string(input.type));
  }
  for (const PlanOutput& output : plan.outputs) {
    if (Broken broken = check_operand(plan, output.name, output.value)) return broken;
    if (!output.instruction || plan.instructions.contains(*output.instruction)) continue;
    return outside("the instruction", output.name, output.instruction->value(),
                   plan.instructions.size());
  }
  for (const PlanState& state : plan.states) {
    if (!is_valid(state.type)) {
      return fmt::format("the type of state '{}' is {}, which is not a type of a tensor",
                         state.name, to_string(state.type));
    }
    if (Broken broken = check_buffer_list(plan, state.name, state.buffers)) return broken;
  }
  for (const PlanConstant& constant : plan.constants) {
    if (Broken broken = check_buffer_list(plan, constant.name, constant.buffers)) return broken;
  }
  if (plan.predicted_interval_ns < 0 || plan.predicted_interval_ns > kMaxPredictedNs) {
    return fmt::format("the predicted interval is {} ns", plan.predicted_interval_ns);
  }
  return std::nullopt;
}

Broken check_source(const SourceGraph& source) {
  for (const SourceValue& value : source.values) {
    if (is_valid(value.type)) continue;
    return fmt::format("the type of '{}' is {}, which is not a type of a tensor", value.name,
                       to_string(value.type));
  }
  const auto check_value = [&](std::string_view what, SourceValueId value) -> Broken {
    if (source.values.contains(value)) return std::nullopt;
    return outside(what, source.name, value.value(), source.values.size());
  };
  for (const SourceNode& node : source.nodes) {
    for (const SourceValueId input : node.inputs) {
      if (Broken broken = check_value("a node's input in the source", input)) return broken;
    }
    for (const SourceValueId result : node.results) {
      if (Broken broken = check_value("a node's result in the source", result)) return broken;
    }
    for (const SourceValueId state : node.updated_states()) {
      if (Broken broken = check_value("an updated state in the source", state)) return broken;
    }
  }
  for (const SourceValueId output : source.outputs) {
    if (Broken broken = check_value("an output in the source", output)) return broken;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> find_broken_reference(const Plan& plan) {
  if (Broken broken = check_devices(plan)) return broken;
  if (Broken broken = check_buffers(plan)) return broken;
  if (Broken broken = check_lanes(plan)) return broken;
  for (const Instruction& instruction : plan.instructions) {
    if (Broken broken = check_instruction(plan, instruction)) return broken;
  }
  if (Broken broken = check_interface(plan)) return broken;
  return check_source(plan.source);
}

}  // namespace graphrt

#include "runtime/plan/plan.h"

#include <algorithm>
#include <utility>

#include "runtime/base/check.h"

namespace graphrt {

int32_t max_stage(const Plan& plan) {
  int32_t stage = 0;
  for (const Instruction& instruction : plan.instructions) {
    stage = std::max(stage, instruction.stage);
  }
  return stage;
}

size_t num_hosts(const Plan& plan) { return std::max<size_t>(1, plan.hosts.size()); }

bool is_host_device(const Plan& plan, DeviceId device) {
  return plan.devices[device].kind == "cpu";
}

DeviceId host_device_of(const Plan& plan, HostId host) {
  for (const DeviceId device : plan.devices.ids()) {
    if (plan.devices[device].host == host && is_host_device(plan, device)) return device;
  }
  CHECK(false, "every host has a CPU");
}

HostId host_of(const Plan& plan, LaneId lane) { return plan.devices[plan.lanes[lane].device].host; }

HostId host_of(const Plan& plan, BufferId buffer) {
  return plan.devices[plan.arenas[plan.buffers[buffer].arena].device].host;
}

bool is_message_lane(LaneKind kind) {
  return kind == LaneKind::kSend || kind == LaneKind::kReceive;
}

namespace {

bool has_operand_shapes(const Plan& plan) {
  return std::any_of(
      plan.instructions.begin(), plan.instructions.end(), [](const Instruction& instruction) {
        return std::any_of(instruction.reads.begin(), instruction.reads.end(),
                           [](const Operand& operand) { return operand.shape.has_value(); });
      });
}

}  // namespace

std::vector<std::string> features_of(const Plan& plan) {
  const bool has_versions =
      std::any_of(plan.buffers.begin(), plan.buffers.end(),
                  [](const PlanBuffer& buffer) { return buffer.versions > 1; });
  const bool has_rows = std::any_of(
      plan.instructions.begin(), plan.instructions.end(), [](const Instruction& instruction) {
        return instruction.rows ||
               std::any_of(instruction.reads.begin(), instruction.reads.end(),
                           [](const Operand& operand) { return operand.rows.has_value(); });
      });
  const bool has_algorithms =
      std::any_of(plan.instructions.begin(), plan.instructions.end(),
                  [](const Instruction& instruction) { return !instruction.algorithm.empty(); });
  const bool has_joined =
      std::any_of(plan.instructions.begin(), plan.instructions.end(),
                  [](const Instruction& instruction) { return instruction.is_joined; });
  std::vector<std::string> features;
  if (has_algorithms) features.emplace_back("algorithms");
  if (num_hosts(plan) > 1) features.emplace_back("hosts");
  if (has_joined) features.emplace_back("joined");
  if (has_rows) features.emplace_back("rows");
  if (has_operand_shapes(plan)) features.emplace_back("shapes");
  if (max_stage(plan) > 0) features.emplace_back("stages");
  if (!plan.states.empty()) features.emplace_back("state");
  if (has_versions) features.emplace_back("versions");
  return features;
}

IdVector<InstructionId, size_t> num_lane_resources(const Plan& plan) {
  IdVector<InstructionId, size_t> numbers(plan.instructions.size(), 0);
  for (const PlanLane& lane : plan.lanes) {
    for (const InstructionId id : lane.instructions) {
      if (plan.instructions.contains(id)) numbers[id] = lane.resources.size();
    }
  }
  return numbers;
}

TensorType operand_type(const Plan& plan, const Operand& operand) {
  TensorType type = type_of_rows(plan.buffers[operand.buffer].type, operand.rows);
  if (operand.shape) type.shape = *operand.shape;
  return type;
}

std::vector<TensorType> result_types(const Plan& plan, const Instruction& instruction) {
  std::vector<TensorType> types;
  for (const BufferId buffer : instruction.writes) {
    types.push_back(type_of_rows(plan.buffers[buffer].type, instruction.rows));
  }
  return types;
}

std::vector<BufferId> written_buffers(const Instruction& instruction) {
  std::vector<BufferId> buffers = instruction.writes;
  if (instruction.scratch) buffers.push_back(*instruction.scratch);
  return buffers;
}

std::optional<RowRange> written_rows(const Instruction& instruction, BufferId buffer) {
  return instruction.scratch == buffer ? std::nullopt : instruction.rows;
}

IdVector<BufferId, std::vector<InstructionId>> writers_of_buffers(const Plan& plan) {
  IdVector<BufferId, std::vector<InstructionId>> writers(plan.buffers.size());
  for (const InstructionId id : plan.instructions.ids()) {
    const Instruction& instruction = plan.instructions[id];
    for (const BufferId buffer : written_buffers(instruction)) writers[buffer].push_back(id);
  }
  for (const BufferId buffer : plan.buffers.ids()) {
    std::vector<InstructionId>& of_buffer = writers[buffer];
    std::sort(of_buffer.begin(), of_buffer.end(), [&](InstructionId a, InstructionId b) {
      const auto begin = [&](InstructionId id) {
        return written_rows(plan.instructions[id], buffer).value_or(RowRange()).begin;
      };
      return std::pair(begin(a), a) < std::pair(begin(b), b);
    });
  }
  return writers;
}

std::vector<InstructionId> producers_of_rows(const Plan& plan, BufferId buffer,
                                             const std::optional<RowRange>& rows,
                                             const std::vector<InstructionId>& writers) {
  const TensorType& type = plan.buffers[buffer].type;
  const RowRange wanted = rows_or_all(type, rows);
  const auto rows_of = [&](InstructionId writer) {
    return rows_or_all(type, written_rows(plan.instructions[writer], buffer));
  };
  auto writer = std::partition_point(writers.begin(), writers.end(), [&](InstructionId id) {
    return rows_of(id).end <= wanted.begin;
  });
  std::vector<InstructionId> producers;
  for (; writer != writers.end() && rows_of(*writer).begin < wanted.end; ++writer) {
    producers.push_back(*writer);
  }
  std::sort(producers.begin(), producers.end());
  return producers;
}

IdVector<InstructionId, LanePosition> lane_positions(const Plan& plan) {
  IdVector<InstructionId, LanePosition> positions(plan.instructions.size());
  for (const LaneId lane : plan.lanes.ids()) {
    int32_t position = 0;
    for (const InstructionId instruction : plan.lanes[lane].instructions) {
      positions[instruction] = {.lane = lane, .position = position++};
    }
  }
  return positions;
}

}  // namespace graphrt

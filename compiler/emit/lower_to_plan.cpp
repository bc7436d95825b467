#include "compiler/emit/lower_to_plan.h"

#include <algorithm>
#include <map>
#include <system_error>

#include "runtime/op/kernel_signature.h"

namespace graphc {
namespace {

/// How far ahead of the first step instructions are timed: enough for step 0 to leave every stage.
constexpr int64_t kTimedSteps = 1;

/// In a working folder that was removed a relative path stays what it is: nothing can be read from
/// or written to it anyway.
std::filesystem::path full_path(const std::filesystem::path& path) {
  std::error_code code;
  const std::filesystem::path full = std::filesystem::absolute(path, code);
  return (code ? path : full).lexically_normal();
}

class PlanLowering {
 public:
  PlanLowering(const Synchronised& synchronised, const Machine& machine, const PlanContext& context)
      : synchronised_(synchronised),
        schedule_(synchronised.memory->schedule),
        placed_(schedule_.tasks->placed),
        machine_(machine),
        context_(context) {}

  Plan run() {
    plan_.name = placed_.graph->name;
    plan_.fingerprints = context_.fingerprints;
    plan_.source = context_.source;
    plan_.predicted_interval_ns = synchronised_.interval_ns;
    for (const MachineHost& host : machine_.hosts) plan_.hosts.push_back(host.name);
    add_devices_and_arenas();
    add_buffers();
    add_inputs();
    add_instructions();
    for (const std::string& name : schedule_.tasks->lanes.resource_names) {
      plan_.resources.push_back({name});
    }
    add_lanes();
    add_outputs();
    add_states_and_constants();
    plan_.required_features = features_of(plan_);
    return std::move(plan_);
  }

 private:
  // Tasks and placed values keep their numbers: TaskId i becomes InstructionId i, PlacedValueId i
  // becomes BufferId i. What receives the message of a task stands behind all tasks.
  static InstructionId instruction_of(TaskId task) { return InstructionId(task.value()); }
  InstructionId instruction_on(LaneId lane, TaskId task) const {
    const bool is_receive = lanes()[lane].kind == LaneKind::kReceive;
    return is_receive ? received_by_.at(task) : instruction_of(task);
  }
  /// What makes the results of an operation.
  InstructionId writer_of(PlacedOpId op) const {
    const auto received = received_by_.find(TaskId(op.value()));
    return received == received_by_.end() ? InstructionId(op.value()) : received->second;
  }
  static BufferId buffer_of(PlacedValueId value) { return BufferId(value.value()); }

  const IdVector<LaneId, MachineLane>& lanes() const { return synchronised_.lanes.lanes(); }

  void add_devices_and_arenas() {
    for (const Device& device : machine_.devices) {
      plan_.devices.push_back(
          {device.name, device.kind, device.memory_bytes, device.index, device.host});
    }
    for (const PlannedArena& arena : synchronised_.memory->arenas) {
      plan_.arenas.push_back({arena.device, arena.kind, arena.size_bytes});
    }
  }

  void add_buffers() {
    for (const PlannedBuffer& planned : synchronised_.memory->buffers) {
      PlanBuffer buffer;
      buffer.name = placed_.values[planned.value].name;
      buffer.type = placed_.type_of(planned.value);
      buffer.arena = planned.arena;
      buffer.offset_bytes = planned.offset_bytes;
      buffer.stride_bytes = planned.stride_bytes;
      buffer.versions = planned.versions;
      plan_.buffers.push_back(buffer);
    }
  }

  void add_inputs() {
    for (const ValueId id : placed_.graph->values.ids()) {
      const Value& value = placed_.graph->values[id];
      if (value.kind != ValueKind::kInput) continue;
      PlanInput input{value.name, value.type, std::nullopt};
      if (value.feed_path) input.feed_path = relative_to_plan(*value.feed_path);
      input_ids_[id] = plan_.inputs.push_back(input);
    }
  }

  std::string relative_to_plan(const std::filesystem::path& path) const {
    return full_path(path).lexically_relative(full_path(context_.plan_folder)).string();
  }

  Operand operand(const PlacedOperand& read) const {
    Operand operand{buffer_of(read.value), {}, read.distance, read.rows, read.shape};
    for (const PlacedOpId producer : placed_.producers_of(read)) {
      operand.producers.push_back(writer_of(producer));
    }
    // Parts of a concat need not be made in the order of their rows.
    std::sort(operand.producers.begin(), operand.producers.end());
    return operand;
  }

  Instruction instruction_for(TaskId id) const {
    const Task& task = schedule_.tasks->tasks[id];
    const PlacedOp& op = placed_.ops[task.op];
    Instruction instruction;
    instruction.name = task.name;
    const ScheduledTask& at = schedule_.solution.tasks[id];
    instruction.stage = at.stage;
    instruction.is_joined = at.is_joined;
    for (const PlacedOperand& read : op.reads) instruction.reads.push_back(operand(read));
    for (const PlacedValueId value : op.writes) instruction.writes.push_back(buffer_of(value));
    if (op.scratch) instruction.scratch = buffer_of(*op.scratch);
    instruction.rows = op.rows;
    switch (op.kind) {
      case PlacedOpKind::kNode:
        instruction.kind = InstructionKind::kKernel;
        instruction.op = placed_.graph->nodes[*op.node].op->name;
        instruction.attributes = placed_.graph->nodes[*op.node].attributes;
        instruction.algorithm = algorithm_for(instruction, machine_.devices[op.device].kind);
        break;
      case PlacedOpKind::kCopy:
        instruction.kind = InstructionKind::kCopy;
        break;
      case PlacedOpKind::kFeed:
        instruction.kind = InstructionKind::kFeed;
        instruction.input = input_ids_.at(*op.input);
        break;
      case PlacedOpKind::kOutput:
        instruction.kind = InstructionKind::kOutput;
        break;
    }
    return instruction;
  }

  std::string algorithm_for(const Instruction& instruction, const std::string& kind) const {
    std::vector<TensorType> types;
    for (const Operand& read : instruction.reads) types.push_back(operand_type(plan_, read));
    return machine_.algorithm_for(kind,
                                  kernel_signature(instruction.op, types, instruction.attributes));
  }

  void add_instructions() {
    size_t num_instructions = schedule_.tasks->tasks.size();
    for (const LanePair& pair : synchronised_.lanes.pairs()) {
      for (const TaskId task : synchronised_.lanes.tasks()[pair.receive]) {
        received_by_[task] = InstructionId(num_instructions++);
      }
    }
    for (const TaskId task : schedule_.tasks->tasks.ids()) {
      plan_.instructions.push_back(instruction_for(task));
    }
    for (const LanePair& pair : synchronised_.lanes.pairs()) {
      for (const TaskId task : synchronised_.lanes.tasks()[pair.receive]) divide_message(task);
    }
  }

  /// What a task copies to another host is sent by its instruction and received by one of its own.
  void divide_message(TaskId task) {
    Instruction& send = plan_.instructions[instruction_of(task)];
    Instruction receive = send;
    send.kind = InstructionKind::kSend;
    send.writes.clear();
    send.rows.reset();
    receive.kind = InstructionKind::kReceive;
    receive.reads.clear();
    plan_.instructions.push_back(std::move(receive));
  }

  void add_lanes() {
    const Timeline timeline = simulate(synchronised_.program, kTimedSteps);
    for (const LaneId id : synchronised_.program.lanes.ids()) {
      const MachineLane& machine_lane = lanes()[id];
      PlanLane lane{machine_lane.name,
                    machine_lane.kind,
                    machine_lane.device,
                    machine_lane.destination,
                    synchronised_.program.resources[id],
                    {}};
      const auto& tasks = synchronised_.lanes.tasks()[id];
      for (size_t i = 0; i < tasks.size(); ++i) {
        lane.instructions.push_back(instruction_on(id, tasks[i]));
        Instruction& instruction = plan_.instructions[lane.instructions.back()];
        instruction.cost = synchronised_.program.lanes[id][i].cost;
        instruction.waits = synchronised_.program.lanes[id][i].waits;
        const auto& spans = timeline.intervals[static_cast<size_t>(instruction.stage)][id];
        instruction.predicted_start_ns = spans[i].start_ns;
        instruction.predicted_end_ns = spans[i].end_ns;
      }
      plan_.lanes.push_back(lane);
    }
    for (const LanePair& pair : synchronised_.lanes.pairs()) {
      plan_.lanes[pair.send].peer = pair.receive;
      plan_.lanes[pair.receive].peer = pair.send;
    }
  }

  void add_outputs() {
    std::map<size_t, TaskId> delivered;
    for (const TaskId task : schedule_.tasks->tasks.ids()) {
      const PlacedOp& op = placed_.ops[schedule_.tasks->tasks[task].op];
      if (op.output) delivered[*op.output] = task;
    }
    for (size_t i = 0; i < placed_.graph->outputs.size(); ++i) {
      const std::string& name = placed_.graph->values[placed_.graph->outputs[i].value].name;
      if (placed_.resident_outputs[i]) {
        plan_.outputs.push_back({name, operand(*placed_.resident_outputs[i]), std::nullopt});
        continue;
      }
      const InstructionId id = instruction_of(delivered.at(i));
      plan_.outputs.push_back({name, plan_.instructions[id].reads[0], id});
    }
  }

  /// The updating device's buffer first: it has the newest value, so it is the one that is saved.
  /// Where the first host has one, that comes before those of others.
  IdVector<ValueId, std::vector<BufferId>> buffers_by_origin() const {
    IdVector<ValueId, std::vector<BufferId>> buffers_of(placed_.graph->values.size());
    for (const PlacedValueId value : placed_.values.ids()) {
      if (placed_.values[value].scratch) continue;
      std::vector<BufferId>& buffers = buffers_of[placed_.values[value].origin];
      const std::vector<PlacedOpId>& producers = placed_.values[value].producers;
      const bool is_home =
          !producers.empty() && placed_.ops[producers.front()].kind == PlacedOpKind::kNode;
      const bool is_on_first = machine_.devices[placed_.values[value].device].host == HostId(0);
      const auto others = std::find_if(buffers.begin(), buffers.end(), [&](BufferId buffer) {
        const DeviceId device = placed_.values[PlacedValueId(buffer.value())].device;
        return machine_.devices[device].host != HostId(0);
      });
      const auto first = is_on_first ? buffers.begin() : others;
      const auto last = is_on_first ? others : buffers.end();
      buffers.insert(is_home ? first : last, buffer_of(value));
    }
    return buffers_of;
  }

  void add_states_and_constants() {
    const auto buffers_of = buffers_by_origin();
    for (const ValueId id : placed_.graph->values.ids()) {
      const Value& value = placed_.graph->values[id];
      if (value.kind == ValueKind::kState) {
        plan_.states.push_back({value.name, value.type, value.initializer, buffers_of[id]});
      } else if (value.kind == ValueKind::kConstant) {
        plan_.constants.push_back({value.name, value.initializer.data, buffers_of[id]});
      }
    }
  }

  const Synchronised& synchronised_;
  const Schedule& schedule_;
  const PlacedGraph& placed_;
  const Machine& machine_;
  const PlanContext& context_;
  Plan plan_;
  std::map<TaskId, InstructionId> received_by_;  ///< of copies from one host to another
  std::map<ValueId, InputId> input_ids_;
};

}  // namespace

Plan lower_to_plan(const Synchronised& synchronised, const Machine& machine,
                   const PlanContext& context) {
  return PlanLowering(synchronised, machine, context).run();
}

}  // namespace graphc

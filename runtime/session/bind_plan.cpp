#include "runtime/session/bind_plan.h"

#include <utility>

#include "runtime/base/check.h"

namespace graphrt {
namespace {

class Binder {
 public:
  Binder(const PlanMemory& memory, const FeedTable& feeds, const RowOrder& order,
         const IdVector<InstructionId, OutputSink*>& sinks)
      : memory_(memory), feeds_(feeds), order_(order), sinks_(sinks) {}

  Result<std::unique_ptr<Action>> bind(InstructionId id, const Instruction& instruction) const {
    switch (instruction.kind) {
      case InstructionKind::kKernel:
        return bind_kernel(instruction);
      case InstructionKind::kCopy:
        return bind_copy(instruction);
      case InstructionKind::kFeed:
        return bind_feed(instruction);
      case InstructionKind::kOutput:
        return bind_output(id, instruction);
      case InstructionKind::kSend:
      case InstructionKind::kReceive:
        break;
    }
    return nullptr;
  }

 private:
  OperandSlots slots(const Operand& operand) const {
    OperandSlots slots = memory_.slots(operand.buffer, operand.distance, operand.rows);
    if (operand.shape) slots.type.shape = *operand.shape;
    return slots;
  }
  OperandSlots result_slots(const Instruction& instruction, BufferId buffer) const {
    return memory_.slots(buffer, 0, instruction.rows);
  }

  Result<std::unique_ptr<Action>> bind_kernel(const Instruction& instruction) const {
    KernelBinding binding{.op = instruction.op,
                          .attributes = &instruction.attributes,
                          .inputs = {},
                          .results = {},
                          .algorithm = instruction.algorithm};
    for (const Operand& operand : instruction.reads) binding.inputs.push_back(slots(operand));
    for (const BufferId buffer : instruction.writes) {
      binding.results.push_back(result_slots(instruction, buffer));
    }
    if (instruction.scratch) binding.scratch = memory_.slots(*instruction.scratch, 0, {});
    return memory_.device_of(instruction.writes.front()).bind_kernel(binding);
  }

  Result<std::unique_ptr<Action>> bind_copy(const Instruction& instruction) const {
    Device& source = memory_.device_of(instruction.reads[0].buffer);
    Device& destination = memory_.device_of(instruction.writes.front());
    Device& accelerator = destination.is_host() ? source : destination;
    return accelerator.bind_copy({.source = &source,
                                  .from = slots(instruction.reads[0]),
                                  .destination = &destination,
                                  .to = result_slots(instruction, instruction.writes.front())});
  }

  Result<std::unique_ptr<Action>> bind_feed(const Instruction& instruction) const {
    const BufferId buffer = instruction.writes.front();
    if (!memory_.device_of(buffer).is_host()) {
      return input_error("a feed must write to the host's memory");
    }
    const std::optional<RowRange>& rows = instruction.rows;
    return make_feed_action(feeds_[*instruction.input], order_, rows ? rows->begin : 0,
                            result_slots(instruction, buffer));
  }

  Result<std::unique_ptr<Action>> bind_output(InstructionId id,
                                              const Instruction& instruction) const {
    if (!memory_.device_of(instruction.reads[0].buffer).is_host()) {
      return input_error("an output must be read from the host's memory");
    }
    if (sinks_[id] == nullptr) return input_error("no output of the plan names this instruction");
    return make_output_action(*sinks_[id], slots(instruction.reads[0]));
  }

  const PlanMemory& memory_;
  const FeedTable& feeds_;
  const RowOrder& order_;
  const IdVector<InstructionId, OutputSink*>& sinks_;
};

/// One of those that it reads or writes, which are all of one host.
BufferId touched_buffer(const Instruction& instruction) {
  return instruction.reads.empty() ? instruction.writes.front() : instruction.reads[0].buffer;
}

}  // namespace

Result<IdVector<InstructionId, std::unique_ptr<Action>>> bind_plan(const Plan& plan,
                                                                   const PlanMemory& memory,
                                                                   const FeedTable& feeds,
                                                                   const RowOrder& order,
                                                                   const SinkTable& sinks) {
  CHECK(feeds.size() == plan.inputs.size() && sinks.size() == plan.outputs.size(), plan.name);
  IdVector<InstructionId, OutputSink*> sink_of(plan.instructions.size(), nullptr);
  for (size_t i = 0; i < sinks.size(); ++i) {
    if (plan.outputs[i].instruction) sink_of[*plan.outputs[i].instruction] = sinks[i].get();
  }
  const Binder binder(memory, feeds, order, sink_of);
  IdVector<InstructionId, std::unique_ptr<Action>> actions;
  for (const InstructionId id : plan.instructions.ids()) {
    if (!memory.has(touched_buffer(plan.instructions[id]))) {
      actions.push_back(nullptr);
      continue;
    }
    Result<std::unique_ptr<Action>> action = binder.bind(id, plan.instructions[id]);
    if (!action) {
      Error error = std::move(action).error();
      error.message = "'" + plan.instructions[id].name + "': " + error.message;
      return tl::unexpected(std::move(error));
    }
    actions.push_back(*std::move(action));
  }
  return actions;
}

PlanMessages messages_of(const Plan& plan, const PlanMemory& memory) {
  PlanMessages messages;
  const auto add = [&](InstructionId id, bool is_send, HostId peer, const OperandSlots& slots) {
    messages.ends.push_back({.is_send = is_send,
                             .peer_rank = static_cast<int32_t>(peer.index()),
                             .pair = messages.num_pairs,
                             .slots = slots});
    messages.instructions.push_back(id);
  };
  for (const LaneId id : plan.lanes.ids()) {
    const PlanLane& lane = plan.lanes[id];
    if (lane.kind != LaneKind::kSend) continue;
    const PlanLane& other = plan.lanes[*lane.peer];
    for (size_t k = 0; k < lane.instructions.size(); ++k, ++messages.num_pairs) {
      const Operand& sent = plan.instructions[lane.instructions[k]].reads[0];
      const Instruction& receive = plan.instructions[other.instructions[k]];
      if (memory.has(sent.buffer)) {
        add(lane.instructions[k], true, host_of(plan, *lane.peer),
            memory.slots(sent.buffer, sent.distance, sent.rows));
      }
      if (memory.has(receive.writes[0])) {
        add(other.instructions[k], false, host_of(plan, id),
            memory.slots(receive.writes[0], 0, receive.rows));
      }
    }
  }
  return messages;
}

}  // namespace graphrt

#pragma once

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/op/op_table.h"
#include "runtime/plan/plan.h"
#include "runtime/proof/lane_program.h"

namespace graphrt {

/// The CPU of the first host.
inline constexpr DeviceId kHostDevice{0};

/// A value that an instruction reads, by its buffer and the distance in steps.
struct ReadOf {
  BufferId buffer;
  int32_t distance = 0;
  std::optional<RowRange> rows = std::nullopt;
  std::optional<Shape> shape = std::nullopt;
};

/// Builds a small plan by hand: finds producers, features and arena sizes by itself.
///
/// Every buffer is an f32[64] (256 bytes) unless said otherwise, placed behind the one before it in
/// the first arena of its device; that of the host is pinned.
class PlanBuilder {
 public:
  PlanBuilder() {
    plan_.name = "small";
    device("cpu", "cpu");
  }

  static TensorType vector_type(int64_t size) { return {ElementType::kF32, {size}}; }

  /// On the host that was added last.
  DeviceId device(std::string name, std::string kind) {
    const bool is_cpu = kind == "cpu";
    const DeviceId id = plan_.devices.push_back({std::move(name), std::move(kind), 1 << 20});
    plan_.devices[id].host = HostId(static_cast<int32_t>(num_hosts(plan_)) - 1);
    first_arena_.push_back(arena(id, is_cpu ? MemoryKind::kPinned : MemoryKind::kDevice));
    return id;
  }

  /// One more host, and its CPU. The first one gets its name here, too.
  DeviceId host() {
    if (plan_.hosts.empty()) {
      plan_.hosts.push_back("h0");
      plan_.devices[kHostDevice].name = "h0/cpu";
    }
    const std::string name = "h" + std::to_string(plan_.hosts.size());
    plan_.hosts.push_back(name);
    return device(name + "/cpu", "cpu");
  }

  /// One more arena.
  ArenaId arena(DeviceId device, MemoryKind kind) {
    return plan_.arenas.push_back({device, kind, 0});
  }

  BufferId buffer(std::string name, DeviceId device = kHostDevice, int32_t versions = 1,
                  int64_t size = 64) {
    return buffer_at(std::move(name), plan_.arenas[first_arena_[device]].size_bytes, device,
                     versions, size);
  }

  BufferId buffer_at(std::string name, int64_t offset_bytes, DeviceId device = kHostDevice,
                     int32_t versions = 1, int64_t size = 64) {
    return buffer_at(std::move(name), offset_bytes, first_arena_[device], versions, size);
  }

  BufferId buffer_at(std::string name, int64_t offset_bytes, ArenaId in, int32_t versions = 1,
                     int64_t size = 64) {
    PlanArena& arena = plan_.arenas[in];
    const int64_t stride_bytes = (size * 4 + 255) / 256 * 256;
    arena.size_bytes = std::max(arena.size_bytes, offset_bytes + versions * stride_bytes);
    return plan_.buffers.push_back(
        {std::move(name), vector_type(size), in, offset_bytes, stride_bytes, versions});
  }

  LaneId lane(std::string name, LaneKind kind = LaneKind::kCompute, DeviceId device = DeviceId(0)) {
    return plan_.lanes.push_back({std::move(name), kind, device, device, {}, {}});
  }
  LaneId link(std::string name, DeviceId from, DeviceId to) {
    return plan_.lanes.push_back({std::move(name), LaneKind::kLink, from, to, {}, {}});
  }
  /// Both ends of messages from the CPU of one host to that of another.
  LanePair message_lanes(DeviceId from, DeviceId to, const std::string& suffix = "") {
    const std::string sender = plan_.hosts[plan_.devices[from].host];
    const std::string receiver = plan_.hosts[plan_.devices[to].host];
    const LaneId send = lane(sender + "->" + receiver + suffix, LaneKind::kSend, from);
    const LaneId receive = lane(receiver + " from " + sender + suffix, LaneKind::kReceive, to);
    plan_.lanes[send].peer = receive;
    plan_.lanes[receive].peer = send;
    return {send, receive};
  }

  /// The buffer's elements in another shape.
  void shape(BufferId buffer, Shape shape) { plan_.buffers[buffer].type.shape = std::move(shape); }

  InstructionId kernel(LaneId lane, std::string name, std::string op,
                       std::initializer_list<ReadOf> reads, BufferId writes, int32_t stage = 0,
                       Attributes attributes = {}) {
    return kernel(lane, std::move(name), std::move(op), reads, std::vector{writes}, stage,
                  std::move(attributes));
  }

  /// Of an operator with several results.
  InstructionId kernel(LaneId lane, std::string name, std::string op,
                       std::initializer_list<ReadOf> reads, std::vector<BufferId> writes,
                       int32_t stage = 0, Attributes attributes = {}) {
    Instruction instruction = make(InstructionKind::kKernel, std::move(name), stage);
    instruction.attributes = std::move(attributes);
    instruction.op = std::move(op);
    add_reads(instruction, reads);
    instruction.writes = std::move(writes);
    return add(lane, std::move(instruction));
  }

  /// Only these rows of its result are what the instruction writes.
  void writes_rows(InstructionId instruction, RowRange rows) {
    plan_.instructions[instruction].rows = rows;
  }

  InstructionId copy(LaneId lane, std::string name, ReadOf from, BufferId to, int32_t stage = 0) {
    Instruction instruction = make(InstructionKind::kCopy, std::move(name), stage);
    add_reads(instruction, {from});
    instruction.writes = {to};
    return add(lane, std::move(instruction));
  }

  /// A pair, behind those that its lanes have already.
  struct Message {
    InstructionId send;
    InstructionId receive;
  };
  Message message(const LanePair& lanes, const std::string& name, ReadOf from, BufferId to,
                  int32_t stage = 0) {
    Instruction send = make(InstructionKind::kSend, name, stage);
    add_reads(send, {from});
    Instruction receive = make(InstructionKind::kReceive, name, stage);
    receive.writes = {to};
    return {add(lanes.send, std::move(send)), add(lanes.receive, std::move(receive))};
  }

  /// Also makes the input of that name.
  InstructionId feed(LaneId lane, std::string name, BufferId to, int32_t stage = 0) {
    Instruction instruction = make(InstructionKind::kFeed, name, stage);
    instruction.input =
        plan_.inputs.push_back({std::move(name), plan_.buffers[to].type, "data/x.npy"});
    instruction.writes = {to};
    return add(lane, std::move(instruction));
  }

  /// Also makes the output of that name.
  InstructionId output(LaneId lane, std::string name, ReadOf from, int32_t stage = 0) {
    Instruction instruction = make(InstructionKind::kOutput, name, stage);
    add_reads(instruction, {from});
    const InstructionId id = add(lane, std::move(instruction));
    plan_.outputs.push_back({std::move(name), operand(from), id});
    return id;
  }

  void resident_output(std::string name, ReadOf from) {
    plan_.outputs.push_back({std::move(name), operand(from), {}});
  }

  void state(std::string name, std::vector<BufferId> buffers) {
    const TensorType type = plan_.buffers[buffers.front()].type;
    plan_.states.push_back({std::move(name), type, Initializer(), std::move(buffers)});
  }

  void constant(std::string name, BufferId buffer) {
    const auto size_bytes = static_cast<size_t>(plan_.buffers[buffer].type.size_bytes());
    plan_.constants.push_back(
        {std::move(name), std::vector<std::byte>(size_bytes, std::byte{7}), {buffer}});
  }

  void wait(InstructionId instruction, LaneId lane, int32_t count, int32_t distance = 0) {
    plan_.instructions[instruction].waits.push_back({lane, count, distance});
  }

  Plan build() const {
    Plan plan = plan_;
    const auto writers = writers_of_buffers(plan);
    const auto name_producers = [&](Operand& operand) {
      operand.producers =
          producers_of_rows(plan, operand.buffer, operand.rows, writers[operand.buffer]);
    };
    for (Instruction& instruction : plan.instructions) {
      for (Operand& operand : instruction.reads) name_producers(operand);
      if (!instruction.scratch) add_scratch(plan, instruction);
    }
    for (PlanOutput& output : plan.outputs) name_producers(output.value);
    plan.required_features = features_of(plan);
    return plan;
  }

 private:
  static Instruction make(InstructionKind kind, std::string name, int32_t stage) {
    Instruction instruction;
    instruction.kind = kind;
    instruction.name = std::move(name);
    instruction.stage = stage;
    instruction.cost = {.latency_ns = 1, .work_ns = 10, .shared_ns = {}};
    return instruction;
  }

  static Operand operand(const ReadOf& read) {
    return {read.buffer, {}, read.distance, read.rows, read.shape};
  }

  static void add_reads(Instruction& instruction, std::initializer_list<ReadOf> reads) {
    for (const ReadOf& read : reads) instruction.reads.push_back(operand(read));
  }

  /// Behind all else in the arena of the result, where the operator needs some.
  static void add_scratch(Plan& plan, Instruction& instruction) {
    const OpInfo* op = find_op(instruction.op);
    if (instruction.kind != InstructionKind::kKernel || op == nullptr) return;
    std::vector<TensorType> inputs;
    for (const Operand& read : instruction.reads) inputs.push_back(operand_type(plan, read));
    const std::vector<TensorType> results = result_types(plan, instruction);
    if (!check_types(*op, inputs, results, instruction.attributes)) return;
    const ArenaId in = plan.buffers[instruction.writes.front()].arena;
    PlanArena& arena = plan.arenas[in];
    const int64_t num_bytes = scratch_bytes(*op, is_host_device(plan, arena.device), inputs,
                                            results, instruction.attributes);
    if (num_bytes == 0) return;
    const int64_t stride_bytes = (num_bytes + 255) / 256 * 256;
    instruction.scratch = plan.buffers.push_back({instruction.name + " (scratch)",
                                                  {ElementType::kU8, {num_bytes}},
                                                  in,
                                                  arena.size_bytes,
                                                  stride_bytes,
                                                  1});
    arena.size_bytes += stride_bytes;
  }

  InstructionId add(LaneId lane, Instruction instruction) {
    const InstructionId id = plan_.instructions.push_back(std::move(instruction));
    plan_.lanes[lane].instructions.push_back(id);
    return id;
  }

  Plan plan_;
  IdVector<DeviceId, ArenaId> first_arena_;
};

}  // namespace graphrt

#include "tests/fuzz/plan_mutations.h"

#include <algorithm>
#include <array>
#include <random>
#include <utility>

#include "runtime/op/op_table.h"
#include "runtime/plan/check_references.h"

namespace graphrt::fuzz {
namespace {

/// Each method changes one kind of thing, or nothing where the plan has none of it.
class PlanMutator {
 public:
  PlanMutator(Plan plan, uint32_t seed) : plan_(std::move(plan)), random_(seed) {}

  Plan run() {
    using Mutation = void (PlanMutator::*)();
    static constexpr std::array<Mutation, 20> kMutations = {
        &PlanMutator::add_wait,         &PlanMutator::remove_wait,
        &PlanMutator::change_wait,      &PlanMutator::exchange_places,
        &PlanMutator::change_lane,      &PlanMutator::change_stage,
        &PlanMutator::move_buffer,      &PlanMutator::resize_arena,
        &PlanMutator::change_versions,  &PlanMutator::change_type,
        &PlanMutator::change_read,      &PlanMutator::change_result,
        &PlanMutator::change_op,        &PlanMutator::repeat,
        &PlanMutator::change_state,     &PlanMutator::change_output,
        &PlanMutator::change_lane_kind, &PlanMutator::change_source,
        &PlanMutator::change_hosts,     &PlanMutator::change_messages};
    for (size_t i = 1 + below(4); i > 0; --i) (this->*kMutations[below(kMutations.size())])();
    if (below(8) == 0 || find_broken_reference(plan_)) return std::move(plan_);
    name_producers();
    plan_.required_features = features_of(plan_);
    return std::move(plan_);
  }

 private:
  size_t below(size_t bound) { return bound == 0 ? 0 : random_() % bound; }

  template <class Items>
  auto* any(Items& items) {
    using Item = std::remove_reference_t<decltype(*items.begin())>;
    if (items.begin() == items.end()) return static_cast<Item*>(nullptr);
    return &*(items.begin() + static_cast<std::ptrdiff_t>(below(items.size())));
  }
  template <class IdType, class T>
  IdType any_id(const IdVector<IdType, T>& items) {
    // One in 32 is no id at all.
    const size_t size = items.size();
    return below(32) == 0 ? IdType(static_cast<int32_t>(size)) : IdType(below(size));
  }

  template <class T>
  T nudged(T value) {
    switch (below(6)) {
      case 0:
        return static_cast<T>(static_cast<uint64_t>(value) + 1);
      case 1:
        return static_cast<T>(static_cast<uint64_t>(value) - 1);
      case 2:
        return static_cast<T>(static_cast<uint64_t>(value) * 2);
      case 3:
        return static_cast<T>(below(4));
      case 4:
        return static_cast<T>(below(300));
      default:
        return static_cast<T>(uint64_t{1} << below(8 * sizeof(T)));
    }
  }

  Wait any_wait() {
    const LaneId lane = any_id(plan_.lanes);
    const size_t length = plan_.lanes.contains(lane) ? plan_.lanes[lane].instructions.size() : 1;
    return {lane, static_cast<int32_t>(1 + below(length)), static_cast<int32_t>(below(4))};
  }
  void add_wait() {
    Instruction* instruction = any(plan_.instructions);
    if (instruction != nullptr) instruction->waits.push_back(any_wait());
  }
  void remove_wait() {
    Instruction* instruction = any(plan_.instructions);
    if (instruction == nullptr || instruction->waits.empty()) return;
    instruction->waits.erase(instruction->waits.begin() +
                             static_cast<std::ptrdiff_t>(below(instruction->waits.size())));
  }
  void change_wait() {
    Instruction* instruction = any(plan_.instructions);
    Wait* wait = instruction == nullptr ? nullptr : any(instruction->waits);
    if (wait == nullptr) return;
    if (below(2) == 0) {
      wait->distance = nudged(wait->distance);
    } else {
      wait->count = nudged(wait->count);
    }
  }

  void exchange_places() {
    PlanLane* a = any(plan_.lanes);
    PlanLane* b = below(2) == 0 ? a : any(plan_.lanes);
    if (a == nullptr || a->instructions.empty() || b->instructions.empty()) return;
    std::swap(*any(a->instructions), *any(b->instructions));
  }
  void change_lane() {
    PlanLane* from = any(plan_.lanes);
    PlanLane* to = any(plan_.lanes);
    if (from == nullptr || from->instructions.empty()) return;
    const auto at =
        from->instructions.begin() + static_cast<std::ptrdiff_t>(below(from->instructions.size()));
    const InstructionId moved = *at;
    from->instructions.erase(at);
    to->instructions.insert(
        to->instructions.begin() + static_cast<std::ptrdiff_t>(below(to->instructions.size() + 1)),
        moved);
  }
  void change_stage() {
    Instruction* instruction = any(plan_.instructions);
    if (instruction != nullptr) instruction->stage = nudged(instruction->stage);
  }

  /// Wraps around where the file could not hold it.
  static int64_t aligned(uint64_t unit) {
    return static_cast<int64_t>(unit * uint64_t{kBufferAlignmentBytes});
  }
  void move_buffer() {
    PlanBuffer* buffer = any(plan_.buffers);
    if (buffer == nullptr) return;
    const PlanBuffer& other = *any(plan_.buffers);
    if (below(4) == 0) buffer->arena = other.arena;
    buffer->offset_bytes =
        below(2) == 0
            ? other.offset_bytes
            : aligned(static_cast<uint64_t>(nudged(buffer->offset_bytes / kBufferAlignmentBytes)));
  }
  void resize_arena() {
    PlanArena* arena = any(plan_.arenas);
    if (arena == nullptr) return;
    if (below(4) == 0) arena->device = any_id(plan_.devices);
    arena->size_bytes =
        below(2) == 0 ? arena->size_bytes + kBufferAlignmentBytes : nudged(arena->size_bytes);
  }
  void change_versions() {
    PlanBuffer* buffer = any(plan_.buffers);
    if (buffer == nullptr) return;
    buffer->versions = nudged(buffer->versions);
    if (below(3) == 0) buffer->stride_bytes = nudged(buffer->stride_bytes);
  }
  void change_shape(TensorType& type) {
    if (below(8) == 0) type.shape.push_back(1);
    if (int64_t* dimension = any(type.shape)) *dimension = nudged(*dimension);
    if (below(8) != 0) return;
    type.element = type.element == ElementType::kF32 ? ElementType::kI32 : ElementType::kF32;
  }
  /// Of a buffer, and mostly of all with its type, so that the operators may still fit.
  void change_type() {
    PlanBuffer* buffer = any(plan_.buffers);
    if (buffer == nullptr) return;
    const TensorType before = buffer->type;
    if (below(4) == 0) return change_shape(buffer->type);
    TensorType after = before;
    change_shape(after);
    for (PlanBuffer& each : plan_.buffers) {
      if (each.type == before) each.type = after;
    }
    for (PlanInput& each : plan_.inputs) {
      if (each.type == before) each.type = after;
    }
    for (PlanState& each : plan_.states) {
      if (each.type == before) each.type = after;
    }
  }

  std::optional<RowRange> any_rows() {
    if (below(2) == 0) return std::nullopt;
    const auto begin = static_cast<int64_t>(below(5));
    return RowRange{begin, begin + 1 + static_cast<int64_t>(below(4))};
  }
  void change_read() {
    Instruction* instruction = any(plan_.instructions);
    if (instruction == nullptr) return;
    if (below(8) == 0) instruction->reads.push_back({any_id(plan_.buffers), {}, 0, {}});
    Operand* read = any(instruction->reads);
    if (read == nullptr) return;
    switch (below(5)) {
      case 0:
        read->distance = nudged(read->distance);
        break;
      case 1:
        read->rows = any_rows();
        break;
      case 4:
        read->shape = Shape{static_cast<int64_t>(below(9)), static_cast<int64_t>(below(9))};
        break;
      case 2:
        read->producers.emplace_back(below(plan_.instructions.size() + 1));
        break;
      default:
        read->buffer = any_id(plan_.buffers);
    }
  }
  void change_result() {
    Instruction* instruction = any(plan_.instructions);
    if (instruction == nullptr) return;
    std::vector<BufferId>& writes = instruction->writes;
    switch (below(8)) {
      case 0:
      case 1:
        instruction->rows = any_rows();
        break;
      case 2:
        writes.push_back(any_id(plan_.buffers));
        break;
      case 3:
        if (!writes.empty()) writes.pop_back();
        break;
      case 4:
        instruction->scratch = any_id(plan_.buffers);
        break;
      case 5:
        instruction->scratch.reset();
        break;
      default:
        if (BufferId* result = any(writes)) *result = any_id(plan_.buffers);
    }
  }

  void change_attributes(Attributes& attributes) {
    const OpInfo& op = ops()[below(ops().size())];
    if (op.attributes.empty()) return;
    const AttributeSpec& spec = op.attributes[below(op.attributes.size())];
    const auto number = static_cast<int64_t>(below(5)) - 2;
    AttributeValue value = number > 0;
    if (spec.kind == AttributeKind::kInt) value = nudged(number);
    if (spec.kind == AttributeKind::kFloat) value = static_cast<double>(number) / 4;
    if (spec.kind == AttributeKind::kIntList) {
      value = std::vector<int64_t>{number, nudged(number), static_cast<int64_t>(below(3))};
    }
    if (spec.kind == AttributeKind::kText) {
      static constexpr std::array<std::string_view, 5> kTexts = {
          "tf32", "?", "relu(x0)", "mul(tanh(x0), x1)", "sub(x1, scale(add(x0, x2), 0.5))"};
      value = std::string(kTexts[below(kTexts.size())]);
    }
    attributes.set(std::string(spec.name), std::move(value));
  }
  static std::span<const OpInfo> ops() { return all_ops(); }
  template <class Node>
  void change_op_of(Node& node) {
    if (below(2) == 0) {
      node.op = ops()[below(ops().size())].name;
    } else {
      change_attributes(node.attributes);
    }
  }
  void change_op() {
    Instruction* instruction = any(plan_.instructions);
    if (instruction == nullptr) return;
    change_op_of(*instruction);
    if (below(8) == 0) instruction->kind = static_cast<InstructionKind>(below(6));
  }

  /// A buffer like that one, on the same bytes.
  BufferId twin_of(BufferId buffer) {
    if (!plan_.buffers.contains(buffer)) return buffer;
    PlanBuffer twin = plan_.buffers[buffer];
    return plan_.buffers.push_back(std::move(twin));
  }

  /// With buffers of its own.
  InstructionId copy_of(InstructionId original) {
    Instruction copy = plan_.instructions[original];
    for (BufferId& result : copy.writes) result = twin_of(result);
    if (copy.scratch) copy.scratch = twin_of(*copy.scratch);
    return plan_.instructions.push_back(std::move(copy));
  }

  /// An instruction again, before or behind itself on its lane; of a message mostly both ends.
  void repeat() {
    if (plan_.instructions.empty()) return;
    const InstructionId original(below(plan_.instructions.size()));
    for (PlanLane& lane : plan_.lanes) {
      const auto at = std::find(lane.instructions.begin(), lane.instructions.end(), original);
      if (at == lane.instructions.end()) continue;
      const auto index = static_cast<size_t>(at - lane.instructions.begin());
      const size_t place = index + below(2);
      insert_at(lane, place, copy_of(original));
      if (!lane.peer || !plan_.lanes.contains(*lane.peer) || below(8) == 0) return;
      PlanLane& peer = plan_.lanes[*lane.peer];
      if (index < peer.instructions.size() &&
          plan_.instructions.contains(peer.instructions[index])) {
        insert_at(peer, place, copy_of(peer.instructions[index]));
      }
      return;
    }
  }
  static void insert_at(PlanLane& lane, size_t place, InstructionId id) {
    const auto at = static_cast<std::ptrdiff_t>(std::min(place, lane.instructions.size()));
    lane.instructions.insert(lane.instructions.begin() + at, id);
  }

  void change_state() {
    PlanState* state = any(plan_.states);
    if (state == nullptr) return;
    switch (below(4)) {
      case 0:
        state->initializer.kind = static_cast<InitializerKind>(below(6));
        break;
      case 1:
        state->buffers.push_back(any_id(plan_.buffers));
        break;
      case 2:
        if (!state->buffers.empty()) *any(state->buffers) = any_id(plan_.buffers);
        break;
      default:
        state->initializer.low = static_cast<double>(below(3)) / 0.0;
    }
  }
  void change_output() {
    PlanOutput* output = any(plan_.outputs);
    if (output == nullptr) return;
    if (below(3) == 0) output->instruction.reset();
    if (below(3) == 0) output->value.distance = nudged(output->value.distance);
    if (below(3) == 0) output->value.buffer = any_id(plan_.buffers);
  }
  void change_lane_kind() {
    PlanLane* lane = any(plan_.lanes);
    if (lane == nullptr) return;
    if (below(2) == 0) lane->device = any_id(plan_.devices);
    if (below(2) == 0) lane->destination = any_id(plan_.devices);
    if (below(4) == 0) lane->kind = static_cast<LaneKind>(below(6));
    if (below(4) == 0) lane->resources.push_back(any_id(plan_.resources));
    if (below(4) == 0) any(plan_.devices)->kind = below(2) == 0 ? "cpu" : "cuda";
  }
  void change_hosts() {
    if (below(4) == 0) plan_.hosts.push_back("h" + std::to_string(plan_.hosts.size()));
    PlanDevice* device = any(plan_.devices);
    if (device != nullptr && below(2) == 0) device->host = HostId(nudged(device->host.value()));
    PlanLane* lane = any(plan_.lanes);
    if (lane == nullptr || below(2) == 0) return;
    lane->peer = below(4) == 0 ? std::nullopt : std::optional(any_id(plan_.lanes));
  }

  /// Both ends alike, so that what is behind the structure gets something to do.
  void change_messages() {
    PlanLane* lane = any(plan_.lanes);
    if (lane == nullptr || !lane->peer || !plan_.lanes.contains(*lane->peer)) return;
    PlanLane& peer = plan_.lanes[*lane->peer];
    const size_t length = std::min(lane->instructions.size(), peer.instructions.size());
    if (length == 0) return;
    const size_t first = below(length);
    const size_t second = below(length);
    switch (below(3)) {
      case 0:
        std::swap(lane->instructions[first], lane->instructions[second]);
        std::swap(peer.instructions[first], peer.instructions[second]);
        break;
      case 1:
        std::swap(peer.instructions[first], peer.instructions[second]);
        break;
      default:
        for (const InstructionId id : {lane->instructions[first], peer.instructions[first]}) {
          if (plan_.instructions.contains(id)) plan_.instructions[id].stage = int32_t(second % 3);
        }
    }
  }

  void change_source() {
    SourceNode* node = any(plan_.source.nodes);
    if (node == nullptr) return;
    if (below(2) == 0) change_op_of(*node);
    if (below(2) == 0 && !node->inputs.empty()) *any(node->inputs) = any_id(plan_.source.values);
    if (below(4) == 0) node->updates = any_id(plan_.source.values);
    SourceValue* value = any(plan_.source.values);
    if (value != nullptr && below(4) == 0) change_shape(value->type);
  }

  /// Every operand names who writes what it reads, as after the compiler.
  void name_producers() {
    const auto writers = writers_of_buffers(plan_);
    const auto name = [&](Operand& operand) {
      operand.producers =
          producers_of_rows(plan_, operand.buffer, operand.rows, writers[operand.buffer]);
    };
    for (Instruction& instruction : plan_.instructions) {
      for (Operand& read : instruction.reads) name(read);
    }
    for (PlanOutput& output : plan_.outputs) {
      name(output.value);
      // A delivered output is what its instruction reads.
      if (!output.instruction) continue;
      const Instruction& instruction = plan_.instructions[*output.instruction];
      if (!instruction.reads.empty()) output.value = instruction.reads[0];
    }
  }

  Plan plan_;
  std::minstd_rand random_;
};

}  // namespace

Plan mutated(Plan plan, uint32_t seed) { return PlanMutator(std::move(plan), seed).run(); }

}  // namespace graphrt::fuzz

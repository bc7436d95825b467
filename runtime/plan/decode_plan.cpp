#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "plan_generated.h"
#include "runtime/base/text.h"
#include "runtime/plan/check_references.h"
#include "runtime/plan/plan_file.h"
#include "runtime/plan/plan_header.h"

namespace graphrt {
namespace {

tl::unexpected<Error> broken(std::string_view reason) {
  return input_error(fmt::format("its structure is broken: {}", reason));
}

/// Reads a structure that flatbuffers::Verifier accepted: offsets are inside, required fields are
/// there. What it does not promise is checked here: enum values, and that parts are not used over
/// and over, which would let a small file ask for much memory.
class Decoder {
 public:
  explicit Decoder(const PlanSections& sections)
      : Decoder(sections.structure, sections.data.size()) {
    data_ = sections.data;
  }
  /// Leaves the data out of what it decodes.
  Decoder(std::span<const std::byte> structure, uint64_t num_data_bytes)
      : num_data_bytes_(num_data_bytes),
        structure_budget_bytes_(structure.size()),
        data_budget_bytes_(2 * num_data_bytes) {}

  Result<Plan> decode(const wire::Plan& from) {
    Plan plan;
    TRY(plan.required_features, features(from));
    TRY(plan.name, text(from.name()));
    TRY(plan.fingerprints.graph, text(from.graph_fingerprint()));
    TRY(plan.fingerprints.machine, text(from.machine_fingerprint()));
    TRY(plan.fingerprints.compiler, text(from.compiler_version()));
    TRY(list(from.devices(), plan.devices, [&](const auto& item) { return device(item); }));
    TRY(hosts(from, plan));
    TRY(arenas(from, plan));
    TRY(list(from.buffers(), plan.buffers, [&](const auto& item) { return buffer(item); }));
    TRY(list(from.resources(), plan.resources, [&](const auto& item) { return resource(item); }));
    TRY(list(from.lanes(), plan.lanes, [&](const auto& item) { return lane(item); }));
    TRY(list(from.instructions(), plan.instructions,
             [&](const auto& item) { return instruction(item); }));
    TRY(check_times_of_resources(from, plan));
    TRY(list(from.inputs(), plan.inputs, [&](const auto& item) { return input(item); }));
    TRY(list(from.outputs(), plan.outputs, [&](const auto& item) { return output(item); }));
    TRY(list(from.states(), plan.states, [&](const auto& item) { return state(item); }));
    TRY(list(from.constants(), plan.constants, [&](const auto& item) { return constant(item); }));
    TRY(plan.source, source(*from.source()));
    plan.predicted_interval_ns = from.predicted_interval_ns();
    return plan;
  }

 private:
  template <class T>
  using Vector = flatbuffers::Vector<T>;
  template <class T>
  using TableVector = Vector<flatbuffers::Offset<T>>;

  Result<void> take(size_t num_bytes) {
    if (num_bytes > structure_budget_bytes_) return broken("parts of it overlap");
    structure_budget_bytes_ -= num_bytes;
    return {};
  }

  Result<std::string> text(const flatbuffers::String* from) {
    TRY(take(from->size()));
    std::string words = from->str();
    if (find_invalid_utf8(words)) return broken("a text is not UTF-8");
    if (!is_plain_text(words)) return broken("a text has control characters");
    return words;
  }

  template <class Wire, class Items, class Decode>
  Result<void> list(const TableVector<Wire>* from, Items& items, Decode decode) {
    if (from == nullptr) return {};
    TRY(take(from->size() * sizeof(flatbuffers::uoffset_t)));
    for (const Wire* item : *from) {
      TRY(auto decoded, decode(*item));
      items.push_back(std::move(decoded));
    }
    return {};
  }

  template <class IdType>
  Result<std::vector<IdType>> ids(const Vector<int32_t>* from) {
    std::vector<IdType> items;
    if (from == nullptr) return items;
    TRY(take(from->size() * sizeof(int32_t)));
    for (const int32_t value : *from) items.emplace_back(value);
    return items;
  }

  Result<std::vector<int64_t>> integers(const Vector<int64_t>* from) {
    if (from == nullptr) return std::vector<int64_t>();
    TRY(take(from->size() * sizeof(int64_t)));
    std::vector<int64_t> items(from->size());
    // The verifier checks that a vector lies in the file, not that 8-byte elements are aligned.
    if (!items.empty()) std::memcpy(items.data(), from->Data(), items.size() * sizeof(int64_t));
    return items;
  }

  /// The verifier checks that a vector lies in the file, not that its elements are aligned. One
  /// without elements may lie anywhere.
  template <class Element>
  static Result<void> check_aligned(const Vector<const Element*>& list) {
    const bool is_aligned = reinterpret_cast<uintptr_t>(list.Data()) % alignof(Element) == 0;
    if (list.size() == 0 || is_aligned) return {};
    return broken("a list is not aligned");
  }

  template <class IdType>
  static std::optional<IdType> optional_id(int32_t value) {
    return value == -1 ? std::nullopt : std::optional(IdType(value));
  }

  template <class Enum, class Wire>
  static Result<Enum> known(Wire value, std::string_view what) {
    if (value <= Wire::MAX) return static_cast<Enum>(value);
    return broken(fmt::format("{} {} does not exist", what, static_cast<int>(value)));
  }

  Result<SharedBytes> blob(const wire::Blob& from) {
    if (from.offset() > num_data_bytes_ || from.size() > num_data_bytes_ - from.offset()) {
      return broken("data outside the data section");
    }
    if (from.size() > data_budget_bytes_) return broken("parts of the data overlap");
    data_budget_bytes_ -= from.size();
    if (!data_) return SharedBytes();
    const std::span<const std::byte> part = data_->subspan(from.offset(), from.size());
    return SharedBytes(std::vector<std::byte>(part.begin(), part.end()));
  }

  Result<void> hosts(const wire::Plan& from, Plan& plan) {
    if (from.hosts() == nullptr) return {};
    TRY(take(from.hosts()->size() * sizeof(flatbuffers::uoffset_t)));
    for (const flatbuffers::String* host : *from.hosts()) {
      TRY(std::string name, text(host));
      plan.hosts.push_back(std::move(name));
    }
    return {};
  }

  Result<std::vector<std::string>> features(const wire::Plan& from) {
    std::vector<std::string> names;
    if (from.required_features() == nullptr) return names;
    TRY(take(from.required_features()->size() * sizeof(flatbuffers::uoffset_t)));
    for (const flatbuffers::String* feature : *from.required_features()) {
      TRY(std::string name, text(feature));
      if (std::find(kKnownFeatures.begin(), kKnownFeatures.end(), name) == kKnownFeatures.end()) {
        return input_error(
            fmt::format("it needs feature '{}', which this reader does not know: "
                        "use the release that made it, or a newer one",
                        name));
      }
      names.push_back(std::move(name));
    }
    return names;
  }

  Result<TensorType> type(const wire::TensorType& from) {
    TensorType result;
    TRY(result.element, known<ElementType>(from.element(), "element type"));
    TRY(result.shape, integers(from.shape()));
    return result;
  }

  Result<AttributeValue> attribute_value(const wire::Attribute& from) {
    TRY(const AttributeKind kind, known<AttributeKind>(from.kind(), "attribute kind"));
    TRY(std::vector<int64_t> values, integers(from.list()));
    switch (kind) {
      case AttributeKind::kBool:
        return AttributeValue(from.integer() != 0);
      case AttributeKind::kInt:
        return AttributeValue(from.integer());
      case AttributeKind::kFloat:
        return AttributeValue(from.number());
      case AttributeKind::kIntList:
        return AttributeValue(std::move(values));
      case AttributeKind::kText:
        break;
    }
    if (from.text() == nullptr) return broken("an attribute has no text");
    TRY(std::string words, text(from.text()));
    return AttributeValue(std::move(words));
  }

  Result<Attributes> attributes(const TableVector<wire::Attribute>* from) {
    Attributes items;
    if (from == nullptr) return items;
    TRY(take(from->size() * sizeof(flatbuffers::uoffset_t)));
    std::string previous;
    for (const wire::Attribute* item : *from) {
      TRY(std::string name, text(item->name()));
      TRY(AttributeValue value, attribute_value(*item));
      if (name <= previous) return broken("attributes are not sorted by name");
      previous = name;
      items.set(std::move(name), std::move(value));
    }
    return items;
  }

  Result<Initializer> initializer(const wire::Initializer& from) {
    Initializer result;
    TRY(result.kind, known<InitializerKind>(from.kind(), "initializer kind"));
    result.low = from.low();
    result.high = from.high();
    result.seed = from.seed();
    TRY(result.stream, text(from.stream()));
    if (from.data() == nullptr) return result;
    TRY(result.data, blob(*from.data()));
    return result;
  }

  static std::optional<RowRange> rows(const wire::Rows& from) {
    if (from.first_row() == 0 && from.end_row() == 0) return std::nullopt;
    return RowRange{from.first_row(), from.end_row()};
  }

  /// Takes the operand's producers off the front of `producers`.
  static Result<Operand> operand(const wire::Operand& from,
                                 std::span<const InstructionId>& producers) {
    const int32_t count = from.num_producers();
    if (count < 0 || static_cast<size_t>(count) > producers.size()) {
      return broken("operands have more producers than there are");
    }
    const auto own = producers.first(static_cast<size_t>(count));
    producers = producers.subspan(static_cast<size_t>(count));
    return Operand{.buffer = BufferId(from.buffer()),
                   .producers = {own.begin(), own.end()},
                   .distance = from.distance(),
                   .rows = rows(from.rows())};
  }

  Result<PlanDevice> device(const wire::Device& from) {
    PlanDevice result;
    TRY(result.name, text(from.name()));
    TRY(result.kind, text(from.kind()));
    result.memory_bytes = from.memory_bytes();
    result.index = from.index();
    result.host = HostId(from.host());
    return result;
  }

  Result<void> arenas(const wire::Plan& from, Plan& plan) {
    if (from.arenas() == nullptr) return {};
    TRY(take(from.arenas()->size() * sizeof(wire::Arena)));
    TRY(check_aligned(*from.arenas()));
    for (const wire::Arena* arena : *from.arenas()) {
      TRY(const MemoryKind kind, known<MemoryKind>(arena->kind(), "memory kind"));
      plan.arenas.push_back({DeviceId(arena->device()), kind, arena->size_bytes()});
    }
    return {};
  }

  Result<PlanBuffer> buffer(const wire::Buffer& from) {
    PlanBuffer result;
    TRY(result.name, text(from.name()));
    TRY(result.type, type(*from.type()));
    result.arena = ArenaId(from.arena());
    result.offset_bytes = from.offset_bytes();
    result.stride_bytes = from.stride_bytes();
    result.versions = from.versions();
    return result;
  }

  Result<PlanResource> resource(const wire::Resource& from) {
    PlanResource result;
    TRY(result.name, text(from.name()));
    return result;
  }

  Result<PlanLane> lane(const wire::Lane& from) {
    PlanLane result;
    TRY(result.name, text(from.name()));
    TRY(result.kind, known<LaneKind>(from.kind(), "lane kind"));
    result.device = DeviceId(from.device());
    result.destination = DeviceId(from.destination());
    TRY(result.resources, ids<SharedResourceId>(from.resources()));
    TRY(result.instructions, ids<InstructionId>(from.instructions()));
    result.peer = optional_id<LaneId>(from.peer());
    return result;
  }

  Result<void> operand_shapes(const wire::Instruction& from, Instruction& result) {
    if (from.shapes() == nullptr) return {};
    TRY(take(from.shapes()->size() * sizeof(Shape)));
    int64_t next = 0;
    for (const wire::OperandShape* shape : *from.shapes()) {
      const int64_t operand = shape->operand();
      if (operand < next || operand >= static_cast<int64_t>(result.reads.size())) {
        return broken("there are shapes of no operand");
      }
      next = operand + 1;
      TRY(result.reads[static_cast<size_t>(operand)].shape, integers(shape->shape()));
    }
    return {};
  }

  Result<Instruction> instruction(const wire::Instruction& from) {
    Instruction result;
    TRY(result.kind, known<InstructionKind>(from.kind(), "instruction kind"));
    TRY(result.name, text(from.name()));
    TRY(result.op, text(from.op()));
    TRY(result.attributes, attributes(from.attributes()));
    if (from.algorithm() != nullptr) {
      TRY(result.algorithm, text(from.algorithm()));
    }
    if (from.reads() != nullptr) {
      TRY(take(from.reads()->size() * sizeof(wire::Operand)));
      TRY(check_aligned(*from.reads()));
      TRY(const std::vector<InstructionId> producers, ids<InstructionId>(from.producers()));
      std::span<const InstructionId> left = producers;
      for (const wire::Operand* read : *from.reads()) {
        TRY(Operand decoded, operand(*read, left));
        result.reads.push_back(std::move(decoded));
      }
      if (!left.empty()) return broken("there are producers of no operand");
    }
    TRY(operand_shapes(from, result));
    if (from.rows() != nullptr) result.rows = rows(*from.rows());
    TRY(result.writes, ids<BufferId>(from.writes()));
    result.scratch = optional_id<BufferId>(from.scratch());
    result.input = optional_id<InputId>(from.input());
    result.stage = from.stage();
    result.is_joined = from.is_joined();
    if (from.waits() != nullptr) {
      TRY(take(from.waits()->size() * sizeof(wire::Wait)));
      for (const wire::Wait* wait : *from.waits()) {
        result.waits.push_back({LaneId(wait->lane()), wait->count(), wait->distance()});
      }
    }
    result.cost.latency_ns = from.latency_ns();
    result.cost.work_ns = from.work_ns();
    TRY(const std::vector<int64_t> shared_ns, integers(from.shared_ns()));
    if (shared_ns.size() > kMaxLaneResources) {
      return broken(fmt::format("'{}' takes {} resources; {} are possible", result.name,
                                shared_ns.size(), kMaxLaneResources));
    }
    std::copy(shared_ns.begin(), shared_ns.end(), result.cost.shared_ns.begin());
    result.predicted_start_ns = from.predicted_start_ns();
    result.predicted_end_ns = from.predicted_end_ns();
    return result;
  }

  /// A plan has one encoding: an instruction says a time for each resource of its lane, no more.
  static Result<void> check_times_of_resources(const wire::Plan& from, const Plan& plan) {
    const IdVector<InstructionId, size_t> num_resources = num_lane_resources(plan);
    for (const InstructionId id : plan.instructions.ids()) {
      const auto* times = from.instructions()->Get(static_cast<uint32_t>(id.value()))->shared_ns();
      const size_t num_times = times == nullptr ? 0 : times->size();
      if (num_times == num_resources[id]) continue;
      return broken(fmt::format("'{}' takes {} resources, its lane has {}",
                                plan.instructions[id].name, num_times, num_resources[id]));
    }
    return {};
  }

  Result<PlanInput> input(const wire::Input& from) {
    PlanInput result;
    TRY(result.name, text(from.name()));
    TRY(result.type, type(*from.type()));
    if (from.feed_path() == nullptr) return result;
    TRY(result.feed_path, text(from.feed_path()));
    return result;
  }

  Result<PlanOutput> output(const wire::Output& from) {
    PlanOutput result;
    TRY(result.name, text(from.name()));
    TRY(const std::vector<InstructionId> producers, ids<InstructionId>(from.producers()));
    std::span<const InstructionId> left = producers;
    TRY(result.value, operand(*from.value(), left));
    if (!left.empty()) return broken("there are producers of no operand");
    result.instruction = optional_id<InstructionId>(from.instruction());
    return result;
  }

  Result<PlanState> state(const wire::State& from) {
    PlanState result;
    TRY(result.name, text(from.name()));
    TRY(result.type, type(*from.type()));
    TRY(result.initializer, initializer(*from.initializer()));
    TRY(result.buffers, ids<BufferId>(from.buffers()));
    return result;
  }

  Result<PlanConstant> constant(const wire::Constant& from) {
    PlanConstant result;
    TRY(result.name, text(from.name()));
    TRY(result.data, blob(*from.data()));
    TRY(result.buffers, ids<BufferId>(from.buffers()));
    return result;
  }

  Result<SourceValue> source_value(const wire::SourceValue& from) {
    SourceValue result;
    TRY(result.kind, known<SourceValueKind>(from.kind(), "value kind"));
    TRY(result.name, text(from.name()));
    TRY(result.type, type(*from.type()));
    TRY(result.initializer, initializer(*from.initializer()));
    return result;
  }

  Result<SourceNode> source_node(const wire::SourceNode& from) {
    SourceNode result;
    TRY(result.op, text(from.op()));
    TRY(result.attributes, attributes(from.attributes()));
    TRY(result.inputs, ids<SourceValueId>(from.inputs()));
    TRY(result.results, ids<SourceValueId>(from.results()));
    result.updates = optional_id<SourceValueId>(from.updates());
    TRY(result.more_updates, ids<SourceValueId>(from.more_updates()));
    return result;
  }

  Result<SourceGraph> source(const wire::SourceGraph& from) {
    SourceGraph result;
    TRY(result.name, text(from.name()));
    TRY(list(from.values(), result.values, [&](const auto& item) { return source_value(item); }));
    TRY(list(from.nodes(), result.nodes, [&](const auto& item) { return source_node(item); }));
    TRY(result.outputs, ids<SourceValueId>(from.outputs()));
    return result;
  }

  std::optional<std::span<const std::byte>> data_;
  uint64_t num_data_bytes_;
  size_t structure_budget_bytes_;
  uint64_t data_budget_bytes_;
};

/// A table takes 4 bytes and so does the offset that leads to it: more tables than this are read
/// twice. The bound keeps the verifier's time linear.
bool has_sound_offsets(std::span<const std::byte> structure) {
  if (structure.size() >= FLATBUFFERS_MAX_BUFFER_SIZE) return false;
  flatbuffers::Verifier::Options options;
  options.max_tables = static_cast<flatbuffers::uoffset_t>(structure.size() / 8);
  flatbuffers::Verifier verifier(reinterpret_cast<const uint8_t*>(structure.data()),
                                 structure.size(), options);
  return wire::VerifyPlanBuffer(verifier);
}

}  // namespace

Result<void> check_plan_structure(std::span<const std::byte> structure, uint64_t num_data_bytes) {
  if (!has_sound_offsets(structure)) return broken("offsets lead outside of it");
  TRY(const Plan plan, Decoder(structure, num_data_bytes).decode(*wire::GetPlan(structure.data())));
  if (const auto reference = find_broken_reference(plan)) return broken(*reference);
  return {};
}

Result<Plan> decode_plan(std::span<const std::byte> bytes) {
  TRY(PlanSections sections, split_plan_file(bytes));
  // FlatBuffers reads numbers in place: memory that begins anywhere is moved to where it may.
  std::vector<std::byte> aligned;
  if (reinterpret_cast<uintptr_t>(sections.structure.data()) % alignof(uint64_t) != 0) {
    aligned.assign(sections.structure.begin(), sections.structure.end());
    sections.structure = aligned;
  }
  if (!has_sound_offsets(sections.structure)) return broken("offsets lead outside of it");
  TRY(Plan plan, Decoder(sections).decode(*wire::GetPlan(sections.structure.data())));
  if (const auto reference = find_broken_reference(plan)) return broken(*reference);
  return plan;
}

}  // namespace graphrt

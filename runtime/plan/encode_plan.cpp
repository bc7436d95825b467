#include <algorithm>
#include <cstring>
#include <map>
#include <string_view>
#include <utility>

#include "plan_generated.h"
#include "runtime/base/check.h"
#include "runtime/base/fingerprint.h"
#include "runtime/plan/plan_file.h"
#include "runtime/plan/plan_header.h"

namespace graphrt {
namespace {

template <class Enum>
constexpr uint8_t code(Enum value) {
  return static_cast<uint8_t>(value);
}

// The schema lists the alternatives in the order of the enums in plan.h.
static_assert(code(wire::ElementType::MAX) == code(kElementTypes.back()));
static_assert(code(wire::LaneKind::MAX) == code(LaneKind::kReceive));
static_assert(code(wire::InstructionKind::MAX) == code(InstructionKind::kReceive));
static_assert(code(wire::AttributeKind::MAX) == code(AttributeKind::kText));
static_assert(code(wire::InitializerKind::MAX) == code(InitializerKind::kData));
static_assert(code(wire::SourceValueKind::MAX) == code(SourceValueKind::kNode));
static_assert(code(wire::MemoryKind::MAX) == code(MemoryKind::kPageable));

template <class IdType>
int32_t value_or_none(const std::optional<IdType>& id) {
  return id ? id->value() : -1;
}

/// The data section. A content that both the plan and its source graph hold is stored once.
class DataSection {
 public:
  wire::Blob add(const SharedBytes& content) {
    if (const auto known = unpaired_.find(content); known != unpaired_.end()) {
      const wire::Blob blob = known->second;
      // At most two users a blob, so that a reader's memory is bounded by the file's size.
      unpaired_.erase(known);
      return blob;
    }
    pad();
    const wire::Blob blob(num_bytes_, content.size());
    parts_.push_back(content);
    num_bytes_ += content.size();
    unpaired_.emplace(content, blob);
    return blob;
  }

  uint64_t num_bytes() const { return num_bytes_; }
  const std::vector<SharedBytes>& parts() const { return parts_; }

 private:
  void pad() {
    const uint64_t num_missing = round_up_to_alignment(num_bytes_) - num_bytes_;
    if (num_missing == 0) return;
    parts_.emplace_back(std::vector<std::byte>(num_missing));
    num_bytes_ += num_missing;
  }

  uint64_t num_bytes_ = 0;
  std::vector<SharedBytes> parts_;
  std::map<SharedBytes, wire::Blob> unpaired_;
};

/// Children are made before their parents, and in a fixed order: hence one local for each.
class Encoder {
 public:
  Encoder() { builder_.ForceDefaults(true); }  // else -0.0 would come back as 0.0

  EncodedPlan encode(const Plan& plan) {
    builder_.Finish(encode_plan(plan));
    const std::span<const uint8_t> structure(builder_.GetBufferPointer(), builder_.GetSize());
    std::vector<std::byte> padded(round_up_to_alignment(structure.size()));
    std::memcpy(padded.data(), structure.data(), structure.size());
    EncodedPlan encoded;
    encoded.structure_bytes = structure.size();
    encoded.data_bytes = data_.num_bytes();
    encoded.parts = {SharedBytes(), SharedBytes(std::move(padded))};
    encoded.parts.insert(encoded.parts.end(), data_.parts().begin(), data_.parts().end());
    const auto header = make_plan_header(structure.size(), data_.num_bytes(),
                                         checksum_of_parts(std::span(encoded.parts).subspan(1)));
    encoded.parts[0] = std::vector<std::byte>(header.begin(), header.end());
    return encoded;
  }

 private:
  template <class T>
  using Offset = flatbuffers::Offset<T>;
  template <class T>
  using VectorOffset = Offset<flatbuffers::Vector<T>>;
  using StringOffset = Offset<flatbuffers::String>;

  StringOffset text(std::string_view content) {
    return builder_.CreateString(content.data(), content.size());
  }

  template <class Items>
  VectorOffset<StringOffset> texts(const Items& items) {
    std::vector<StringOffset> offsets;
    for (const std::string& item : items) offsets.push_back(text(item));
    return builder_.CreateVector(offsets);
  }

  template <class Wire, class Items, class Encode>
  VectorOffset<Offset<Wire>> list(const Items& items, Encode encode) {
    std::vector<Offset<Wire>> offsets;
    offsets.reserve(items.size());
    for (const auto& item : items) offsets.push_back(encode(item));
    return builder_.CreateVector(offsets);
  }

  template <class IdType>
  VectorOffset<int32_t> ids(const std::vector<IdType>& items) {
    std::vector<int32_t> values;
    values.reserve(items.size());
    for (const IdType id : items) values.push_back(id.value());
    return builder_.CreateVector(values);
  }

  Offset<wire::TensorType> type(const TensorType& value) {
    const auto shape = builder_.CreateVector(value.shape);
    return wire::CreateTensorType(builder_, static_cast<wire::ElementType>(value.element), shape);
  }

  Offset<wire::Attribute> attribute(const Attribute& item) {
    const StringOffset name = text(item.name);
    int64_t integer = 0;
    double number = 0;
    std::vector<int64_t> values;
    if (const bool* flag = std::get_if<bool>(&item.value)) integer = *flag ? 1 : 0;
    if (const int64_t* value = std::get_if<int64_t>(&item.value)) integer = *value;
    if (const double* value = std::get_if<double>(&item.value)) number = *value;
    if (const auto* value = std::get_if<std::vector<int64_t>>(&item.value)) values = *value;
    const auto elements = builder_.CreateVector(values);
    const auto* words = std::get_if<std::string>(&item.value);
    const StringOffset word = words == nullptr ? StringOffset() : text(*words);
    return wire::CreateAttribute(builder_, name,
                                 static_cast<wire::AttributeKind>(kind_of(item.value)), integer,
                                 number, elements, word);
  }

  VectorOffset<Offset<wire::Attribute>> attributes(const Attributes& items) {
    std::vector<Offset<wire::Attribute>> offsets;
    for (const Attribute& item : items) offsets.push_back(attribute(item));
    return builder_.CreateVector(offsets);
  }

  Offset<wire::Initializer> initializer(const Initializer& value) {
    const StringOffset stream = text(value.stream);
    wire::Blob blob;
    if (!value.data.empty()) blob = data_.add(value.data);
    return wire::CreateInitializer(builder_, static_cast<wire::InitializerKind>(value.kind),
                                   value.low, value.high, value.seed, stream, &blob);
  }

  static wire::Rows rows(const std::optional<RowRange>& value) {
    return value ? wire::Rows(value->begin, value->end) : wire::Rows(0, 0);
  }

  static wire::Operand operand(const Operand& value) {
    return {rows(value.rows), value.buffer.value(), value.distance,
            static_cast<int32_t>(value.producers.size())};
  }

  Offset<wire::Device> device(const PlanDevice& value) {
    const StringOffset name = text(value.name);
    const StringOffset kind = text(value.kind);
    return wire::CreateDevice(builder_, name, kind, value.memory_bytes, value.index,
                              value.host.value());
  }

  Offset<wire::Buffer> buffer(const PlanBuffer& value) {
    const StringOffset name = text(value.name);
    const auto tensor = type(value.type);
    return wire::CreateBuffer(builder_, name, tensor, value.arena.value(), value.offset_bytes,
                              value.stride_bytes, value.versions);
  }

  Offset<wire::Lane> lane(const PlanLane& value) {
    const StringOffset name = text(value.name);
    const auto resources = ids(value.resources);
    const auto instructions = ids(value.instructions);
    return wire::CreateLane(builder_, name, static_cast<wire::LaneKind>(value.kind),
                            value.device.value(), value.destination.value(), resources,
                            instructions, value_or_none(value.peer));
  }

  /// Of the resources of its lane; none where the lane has none.
  VectorOffset<int64_t> shared_ns(const TaskCost& cost, size_t num_resources) {
    if (num_resources == 0) return {};
    return builder_.CreateVector(cost.shared_ns.data(), std::min(num_resources, kMaxLaneResources));
  }

  Offset<wire::Instruction> instruction(const Instruction& value, size_t num_resources) {
    const StringOffset name = text(value.name);
    const StringOffset op = text(value.op);
    const auto op_attributes = attributes(value.attributes);
    const StringOffset algorithm = value.algorithm.empty() ? StringOffset() : text(value.algorithm);
    std::vector<wire::Operand> operands;
    std::vector<InstructionId> producer_ids;
    for (const Operand& read : value.reads) {
      operands.push_back(operand(read));
      producer_ids.insert(producer_ids.end(), read.producers.begin(), read.producers.end());
    }
    const auto reads = builder_.CreateVectorOfStructs(operands);
    const auto producers = ids(producer_ids);
    const auto writes = ids(value.writes);
    const wire::Rows written_rows = rows(value.rows);
    std::vector<wire::Wait> wait_structs;
    for (const Wait& wait : value.waits) {
      wait_structs.emplace_back(wait.lane.value(), wait.count, wait.distance);
    }
    const auto waits = builder_.CreateVectorOfStructs(wait_structs);
    const auto resource_times = shared_ns(value.cost, num_resources);
    const auto shapes = operand_shapes(value);
    return wire::CreateInstruction(
        builder_, static_cast<wire::InstructionKind>(value.kind), name, op, op_attributes, reads,
        producers, writes, value_or_none(value.scratch), &written_rows, value_or_none(value.input),
        value.stage, waits, value.cost.latency_ns, value.cost.work_ns, resource_times,
        value.predicted_start_ns, value.predicted_end_ns, algorithm, value.is_joined, shapes);
  }

  /// Nothing where all operands are read as they are.
  VectorOffset<Offset<wire::OperandShape>> operand_shapes(const Instruction& value) {
    std::vector<Offset<wire::OperandShape>> shapes;
    for (size_t i = 0; i < value.reads.size(); ++i) {
      if (!value.reads[i].shape) continue;
      const auto shape = builder_.CreateVector(*value.reads[i].shape);
      shapes.push_back(wire::CreateOperandShape(builder_, static_cast<int32_t>(i), shape));
    }
    if (shapes.empty()) return {};
    return builder_.CreateVector(shapes);
  }

  Offset<wire::Input> input(const PlanInput& value) {
    const StringOffset name = text(value.name);
    const auto tensor = type(value.type);
    const StringOffset feed = value.feed_path ? text(*value.feed_path) : StringOffset();
    return wire::CreateInput(builder_, name, tensor, feed);
  }

  Offset<wire::Output> output(const PlanOutput& value) {
    const StringOffset name = text(value.name);
    const wire::Operand what = operand(value.value);
    const auto producers = ids(value.value.producers);
    return wire::CreateOutput(builder_, name, &what, producers, value_or_none(value.instruction));
  }

  Offset<wire::State> state(const PlanState& value) {
    const StringOffset name = text(value.name);
    const auto tensor = type(value.type);
    const auto first = initializer(value.initializer);
    const auto buffers = ids(value.buffers);
    return wire::CreateState(builder_, name, tensor, first, buffers);
  }

  Offset<wire::Constant> constant(const PlanConstant& value) {
    const StringOffset name = text(value.name);
    const wire::Blob blob = data_.add(value.data);
    const auto buffers = ids(value.buffers);
    return wire::CreateConstant(builder_, name, &blob, buffers);
  }

  Offset<wire::SourceGraph> source(const SourceGraph& graph) {
    const StringOffset name = text(graph.name);
    const auto values = list<wire::SourceValue>(graph.values, [&](const SourceValue& value) {
      const StringOffset value_name = text(value.name);
      const auto tensor = type(value.type);
      const auto first = initializer(value.initializer);
      return wire::CreateSourceValue(builder_, static_cast<wire::SourceValueKind>(value.kind),
                                     value_name, tensor, first);
    });
    const auto nodes = list<wire::SourceNode>(graph.nodes, [&](const SourceNode& node) {
      const StringOffset op = text(node.op);
      const auto op_attributes = attributes(node.attributes);
      const auto inputs = ids(node.inputs);
      const auto results = ids(node.results);
      const auto more_updates = ids(node.more_updates);
      return wire::CreateSourceNode(builder_, op, op_attributes, inputs, results,
                                    value_or_none(node.updates), more_updates);
    });
    const auto outputs = ids(graph.outputs);
    return wire::CreateSourceGraph(builder_, name, values, nodes, outputs);
  }

  VectorOffset<Offset<wire::Instruction>> encode_instructions(const Plan& plan) {
    const IdVector<InstructionId, size_t> num_resources = num_lane_resources(plan);
    std::vector<Offset<wire::Instruction>> offsets;
    offsets.reserve(plan.instructions.size());
    for (const InstructionId id : plan.instructions.ids()) {
      offsets.push_back(instruction(plan.instructions[id], num_resources[id]));
    }
    return builder_.CreateVector(offsets);
  }

  Offset<wire::Plan> encode_plan(const Plan& plan) {
    const auto features = texts(plan.required_features);
    const StringOffset name = text(plan.name);
    const StringOffset graph = text(plan.fingerprints.graph);
    const StringOffset machine = text(plan.fingerprints.machine);
    const StringOffset compiler = text(plan.fingerprints.compiler);
    const auto devices =
        list<wire::Device>(plan.devices, [&](const auto& item) { return device(item); });
    std::vector<wire::Arena> arena_structs;
    for (const PlanArena& arena : plan.arenas) {
      arena_structs.emplace_back(arena.device.value(), static_cast<wire::MemoryKind>(arena.kind),
                                 arena.size_bytes);
    }
    const auto arenas = builder_.CreateVectorOfStructs(arena_structs);
    const auto buffers =
        list<wire::Buffer>(plan.buffers, [&](const auto& item) { return buffer(item); });
    const auto resources = list<wire::Resource>(plan.resources, [&](const PlanResource& item) {
      const StringOffset resource_name = text(item.name);
      return wire::CreateResource(builder_, resource_name);
    });
    const auto lanes = list<wire::Lane>(plan.lanes, [&](const auto& item) { return lane(item); });
    const auto instructions = encode_instructions(plan);
    const auto inputs =
        list<wire::Input>(plan.inputs, [&](const auto& item) { return input(item); });
    const auto outputs =
        list<wire::Output>(plan.outputs, [&](const auto& item) { return output(item); });
    const auto states =
        list<wire::State>(plan.states, [&](const auto& item) { return state(item); });
    const auto constants =
        list<wire::Constant>(plan.constants, [&](const auto& item) { return constant(item); });
    const auto source_graph = source(plan.source);
    const auto hosts = plan.hosts.empty() ? VectorOffset<StringOffset>() : texts(plan.hosts);
    return wire::CreatePlan(builder_, features, name, graph, machine, compiler, devices, arenas,
                            buffers, resources, lanes, instructions, inputs, outputs, states,
                            constants, source_graph, plan.predicted_interval_ns, hosts);
  }

  flatbuffers::FlatBufferBuilder builder_;
  DataSection data_;
};

}  // namespace

EncodedPlan encode_plan_in_parts(const Plan& plan) { return Encoder().encode(plan); }

std::vector<std::byte> encode_plan(const Plan& plan) {
  std::vector<std::byte> file;
  for (const SharedBytes& part : encode_plan_in_parts(plan).parts) {
    file.insert(file.end(), part.begin(), part.end());
  }
  return file;
}

}  // namespace graphrt

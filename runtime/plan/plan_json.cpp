#include <nlohmann/json.hpp>

#include <algorithm>

#include "runtime/plan/plan_file.h"
#include "runtime/plan/plan_names.h"
#include "runtime/plan/print_plan.h"

namespace graphrt {
namespace {

using Json = nlohmann::ordered_json;

template <class IdType>
Json optional_id(const std::optional<IdType>& id) {
  return id ? Json(id->value()) : Json(nullptr);
}

template <class IdType>
Json ids(const std::vector<IdType>& items) {
  Json array = Json::array();
  for (const IdType id : items) array.push_back(id.value());
  return array;
}

template <class Items, class Convert>
Json list(const Items& items, Convert convert) {
  Json array = Json::array();
  for (const auto& item : items) array.push_back(convert(item));
  return array;
}

Json json_of(const Attributes& attributes) {
  Json object = Json::object();
  for (const Attribute& attribute : attributes) {
    object[attribute.name] =
        std::visit([](const auto& value) { return Json(value); }, attribute.value);
  }
  return object;
}

Json json_of(const std::optional<RowRange>& rows) {
  return rows ? Json{rows->begin, rows->end} : Json(nullptr);
}

Json json_of(const Operand& operand) {
  return {{"buffer", operand.buffer.value()},
          {"rows", json_of(operand.rows)},
          {"shape", operand.shape ? Json(*operand.shape) : Json(nullptr)},
          {"producers", ids(operand.producers)},
          {"distance", operand.distance}};
}

Json json_of(const Wait& wait) {
  return {{"lane", wait.lane.value()}, {"count", wait.count}, {"distance", wait.distance}};
}

Json json_of(const PlanDevice& device) {
  return {{"name", device.name},
          {"kind", device.kind},
          {"memory_bytes", device.memory_bytes},
          {"index", device.index},
          {"host", device.host.value()}};
}

Json json_of(const PlanArena& arena) {
  return {{"device", arena.device.value()},
          {"kind", name_of(arena.kind)},
          {"size_bytes", arena.size_bytes}};
}

Json json_of(const PlanBuffer& buffer) {
  return {{"name", buffer.name},
          {"type", to_string(buffer.type)},
          {"arena", buffer.arena.value()},
          {"offset_bytes", buffer.offset_bytes},
          {"size_bytes", buffer.type.size_bytes()},
          {"stride_bytes", buffer.stride_bytes},
          {"versions", buffer.versions}};
}

Json json_of(const PlanResource& resource) { return {{"name", resource.name}}; }

Json json_of(const PlanLane& lane) {
  return {{"name", lane.name},
          {"kind", name_of(lane.kind)},
          {"device", lane.device.value()},
          {"destination", lane.destination.value()},
          {"resources", ids(lane.resources)},
          {"instructions", ids(lane.instructions)},
          {"peer", optional_id(lane.peer)}};
}

Json json_of(const Instruction& instruction, size_t num_resources) {
  const auto convert = [](const auto& item) { return json_of(item); };
  const auto& shared_ns = instruction.cost.shared_ns;
  Json of_resources = Json::array();
  for (size_t i = 0; i < std::min(num_resources, kMaxLaneResources); ++i) {
    of_resources.push_back(shared_ns[i]);
  }
  return {{"name", instruction.name},
          {"kind", name_of(instruction.kind)},
          {"op", instruction.op},
          {"attributes", json_of(instruction.attributes)},
          {"algorithm", instruction.algorithm},
          {"reads", list(instruction.reads, convert)},
          {"writes", ids(instruction.writes)},
          {"scratch", optional_id(instruction.scratch)},
          {"rows", json_of(instruction.rows)},
          {"input", optional_id(instruction.input)},
          {"stage", instruction.stage},
          {"joined", instruction.is_joined},
          {"waits", list(instruction.waits, convert)},
          {"latency_ns", instruction.cost.latency_ns},
          {"work_ns", instruction.cost.work_ns},
          {"shared_ns", of_resources},
          {"predicted_start_ns", instruction.predicted_start_ns},
          {"predicted_end_ns", instruction.predicted_end_ns}};
}

Json json_of_instructions(const Plan& plan) {
  const IdVector<InstructionId, size_t> num_resources = num_lane_resources(plan);
  Json array = Json::array();
  for (const InstructionId id : plan.instructions.ids()) {
    array.push_back(json_of(plan.instructions[id], num_resources[id]));
  }
  return array;
}

Json json_of(const PlanInput& input) {
  return {{"name", input.name},
          {"type", to_string(input.type)},
          {"feed_path", input.feed_path ? Json(*input.feed_path) : Json(nullptr)}};
}

Json json_of(const PlanOutput& output) {
  return {{"name", output.name},
          {"value", json_of(output.value)},
          {"instruction", optional_id(output.instruction)}};
}

Json json_of(const PlanState& state) {
  return {{"name", state.name},
          {"type", to_string(state.type)},
          {"initializer", describe(state.initializer)},
          {"buffers", ids(state.buffers)}};
}

Json json_of(const PlanConstant& constant) {
  return {{"name", constant.name},
          {"data", describe({.kind = InitializerKind::kData, .stream = "", .data = constant.data})},
          {"buffers", ids(constant.buffers)}};
}

Json json_of(const SourceValue& value) {
  return {{"name", value.name},
          {"kind", name_of(value.kind)},
          {"type", to_string(value.type)},
          {"initializer", describe(value.initializer)}};
}

Json json_of(const SourceNode& node) {
  return {{"op", node.op},
          {"attributes", json_of(node.attributes)},
          {"inputs", ids(node.inputs)},
          {"results", ids(node.results)},
          {"updates", optional_id(node.updates)},
          {"more_updates", ids(node.more_updates)}};
}

}  // namespace

std::string plan_to_json(const Plan& plan) {
  const auto convert = [](const auto& item) { return json_of(item); };
  const Json source = {{"name", plan.source.name},
                       {"values", list(plan.source.values, convert)},
                       {"nodes", list(plan.source.nodes, convert)},
                       {"outputs", ids(plan.source.outputs)}};
  const Json json = {
      {"name", plan.name},
      {"format", kPlanFormatVersion},
      {"required_features", plan.required_features},
      {"fingerprints",
       {{"graph", plan.fingerprints.graph},
        {"machine", plan.fingerprints.machine},
        {"compiler", plan.fingerprints.compiler}}},
      {"predicted_interval_ns", plan.predicted_interval_ns},
      {"hosts", list(plan.hosts, [](const std::string& name) { return Json(name); })},
      {"devices", list(plan.devices, convert)},
      {"arenas", list(plan.arenas, convert)},
      {"buffers", list(plan.buffers, convert)},
      {"resources", list(plan.resources, convert)},
      {"lanes", list(plan.lanes, convert)},
      {"instructions", json_of_instructions(plan)},
      {"inputs", list(plan.inputs, convert)},
      {"outputs", list(plan.outputs, convert)},
      {"states", list(plan.states, convert)},
      {"constants", list(plan.constants, convert)},
      {"source", source}};
  // Names come from a file: what is no UTF-8 is replaced instead of thrown at.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace graphrt

#include "runtime/plan/print_plan.h"

#include <fmt/format.h>

#include <iterator>

#include "runtime/base/fingerprint.h"
#include "runtime/base/text.h"
#include "runtime/plan/plan_file.h"
#include "runtime/plan/plan_names.h"

namespace graphrt {
namespace {

class Printer {
 public:
  explicit Printer(const Plan& plan) : plan_(plan) {}

  std::string print() {
    print_header();
    print_memory();
    for (const PlanLane& lane : plan_.lanes) print_lane(lane);
    print_interface();
    print_source();
    return std::move(text_);
  }

 private:
  template <class... Arguments>
  void line(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Arguments>(arguments)...);
    text_ += '\n';
  }

  template <class Items>
  void title(std::string_view name, const Items& items) {
    if (!items.empty()) line("\n{}", name);
  }

  const std::string& name_of_device(DeviceId id) const { return plan_.devices[id].name; }

  static std::string attributes_of(const Attributes& attributes) {
    std::vector<std::string> parts;
    for (const Attribute& attribute : attributes) {
      parts.push_back(attribute.name + ": " + to_string(attribute.value));
    }
    return parts.empty() ? "" : " {" + join(parts, ", ") + "}";
  }

  /// `w1@gpu0`, `w1@cpu[0:8]`.
  std::string part_of(BufferId buffer, const std::optional<RowRange>& rows) const {
    const std::string& name = plan_.buffers[buffer].name;
    return rows ? fmt::format("{}[{}]", name, to_string(*rows)) : name;
  }

  std::string text_of(const Operand& operand) const {
    const std::string name = part_of(operand.buffer, operand.rows) +
                             (operand.shape ? " as " + to_string(*operand.shape) : "");
    if (operand.producers.empty()) return name + " as loaded";
    return operand.distance == 0 ? name : fmt::format("{}@-{}", name, operand.distance);
  }

  std::string names_of(const std::vector<BufferId>& buffers) const {
    std::vector<std::string> names;
    for (const BufferId buffer : buffers) names.push_back(plan_.buffers[buffer].name);
    return join(names, ", ");
  }

  void print_header() {
    const Fingerprints& fingerprints = plan_.fingerprints;
    const std::vector<std::string>& features = plan_.required_features;
    line("plan {}", plan_.name);
    line("format: {}", kPlanFormatVersion);
    line("compiler: {}", fingerprints.compiler);
    line("graph: {}", fingerprints.graph);
    line("machine: {}", fingerprints.machine);
    line("features: {}", features.empty() ? "none" : join(features, ", "));
    line("predicted interval: {}", format_duration(plan_.predicted_interval_ns));
  }

  void print_memory() {
    title("hosts", plan_.hosts);
    for (const std::string& name : plan_.hosts) line("  {}", name);
    title("devices", plan_.devices);
    for (const PlanDevice& device : plan_.devices) {
      line("  {}: {}, {}", device.name, device.kind, format_bytes(device.memory_bytes));
    }
    title("arenas", plan_.arenas);
    for (const ArenaId id : plan_.arenas.ids()) {
      const PlanArena& arena = plan_.arenas[id];
      line("  {}: {}, {} bytes", id.value(),
           name_of_memory(name_of_device(arena.device), arena.kind), arena.size_bytes);
    }
    title("buffers", plan_.buffers);
    for (const PlanBuffer& buffer : plan_.buffers) {
      const std::string versions =
          buffer.versions == 1
              ? ""
              : fmt::format(", {} versions of stride {}", buffer.versions, buffer.stride_bytes);
      line("  {}: {} in arena {} at {}, {} bytes{}", buffer.name, to_string(buffer.type),
           buffer.arena.value(), buffer.offset_bytes, buffer.type.size_bytes(), versions);
    }
  }

  void print_lane(const PlanLane& lane) {
    const std::string where = lane.kind == LaneKind::kLink ? name_of_device(lane.device) + " to " +
                                                                 name_of_device(lane.destination)
                                                           : name_of_device(lane.device);
    std::vector<std::string> names;
    for (const SharedResourceId id : lane.resources) names.push_back(plan_.resources[id].name);
    const std::string shared = names.empty() ? "" : ", shares " + join(names, ", ");
    const std::string peer = lane.peer ? ", with " + plan_.lanes[*lane.peer].name : "";
    line("\nlane {}: {} on {}{}{}", lane.name, name_of(lane.kind), where, peer, shared);
    for (const InstructionId id : lane.instructions) {
      print_instruction(plan_.instructions[id], lane);
    }
  }

  /// `, shared 384 ns`; where the lane has several resources, a time and a name for each that is
  /// taken.
  std::string shared_of(const TaskCost& cost, const PlanLane& lane) const {
    std::vector<std::string> parts;
    for (size_t i = 0; i < lane.resources.size() && i < kMaxLaneResources; ++i) {
      if (cost.shared_ns[i] == 0) continue;
      const std::string name = plan_.resources[lane.resources[i]].name;
      parts.push_back(format_duration(cost.shared_ns[i]) +
                      (lane.resources.size() == 1 ? "" : " of " + name));
    }
    return parts.empty() ? "" : ", shared " + join(parts, ", ");
  }

  void print_instruction(const Instruction& instruction, const PlanLane& on) {
    for (const Wait& wait : instruction.waits) {
      const PlanLane& lane = plan_.lanes[wait.lane];
      const InstructionId last = lane.instructions[static_cast<size_t>(wait.count - 1)];
      line("  wait({}, {}, {}) for {}", lane.name, wait.count, wait.distance,
           plan_.instructions[last].name);
    }
    const bool is_kernel = instruction.kind == InstructionKind::kKernel;
    std::vector<std::string> reads;
    for (const Operand& operand : instruction.reads) reads.push_back(text_of(operand));
    if (instruction.input) reads.push_back("input " + plan_.inputs[*instruction.input].name);
    std::vector<std::string> results;
    for (const BufferId buffer : instruction.writes) {
      results.push_back(part_of(buffer, instruction.rows));
    }
    std::string writes = results.empty() ? "" : " -> " + join(results, ", ");
    if (instruction.scratch) writes += " with " + part_of(*instruction.scratch, {});
    const TaskCost& cost = instruction.cost;
    const std::string algorithm =
        instruction.algorithm.empty() ? "" : " by " + in_quotes(instruction.algorithm);
    const std::string_view joined = instruction.is_joined ? " joined" : "";
    line("  {}: {}({}){}{}{}{} stage {} [{} ns, {} ns) cost {} + {}{}", instruction.name,
         is_kernel ? std::string_view(instruction.op) : name_of(instruction.kind),
         join(reads, ", "), attributes_of(instruction.attributes), writes, algorithm, joined,
         instruction.stage, instruction.predicted_start_ns, instruction.predicted_end_ns,
         format_duration(cost.latency_ns), format_duration(cost.work_ns), shared_of(cost, on));
  }

  void print_interface() {
    title("inputs", plan_.inputs);
    for (const PlanInput& input : plan_.inputs) {
      const std::string feed = input.feed_path ? ", fed from " + *input.feed_path : "";
      line("  {}: {}{}", input.name, to_string(input.type), feed);
    }
    title("outputs", plan_.outputs);
    for (const PlanOutput& output : plan_.outputs) {
      const DeviceId device = plan_.arenas[plan_.buffers[output.value.buffer].arena].device;
      line("  {}: {}{}", output.name, text_of(output.value),
           output.instruction ? ", handed out by " + plan_.instructions[*output.instruction].name
                              : ", stays on " + name_of_device(device));
    }
    title("states", plan_.states);
    for (const PlanState& state : plan_.states) {
      line("  {}: {} = {} in {}", state.name, to_string(state.type), describe(state.initializer),
           names_of(state.buffers));
    }
    title("constants", plan_.constants);
    for (const PlanConstant& constant : plan_.constants) {
      const Initializer data{.kind = InitializerKind::kData, .stream = "", .data = constant.data};
      line("  {}: {} in {}", constant.name, describe(data), names_of(constant.buffers));
    }
  }

  void print_source() {
    const SourceGraph& source = plan_.source;
    if (source.values.empty()) return;
    const auto names = [&](const std::vector<SourceValueId>& values) {
      std::vector<std::string> parts;
      for (const SourceValueId value : values) parts.push_back(source.values[value].name);
      return join(parts, ", ");
    };
    line("\nsource {}", source.name);
    for (const SourceValue& value : source.values) {
      if (value.kind == SourceValueKind::kNode) continue;
      const std::string first =
          value.kind == SourceValueKind::kInput ? "" : " = " + describe(value.initializer);
      line("  {} {}: {}{}", name_of(value.kind), value.name, to_string(value.type), first);
    }
    for (const SourceNode& node : source.nodes) {
      std::vector<std::string> results;
      for (const SourceValueId id : node.results) {
        const SourceValue& result = source.values[id];
        results.push_back(result.name + ": " + to_string(result.type));
      }
      line("  {} = {}({}){}{}", join(results, ", "), node.op, names(node.inputs),
           attributes_of(node.attributes),
           node.updates ? " updates " + names(node.updated_states()) : "");
    }
    line("  outputs: {}", names(source.outputs));
  }

  const Plan& plan_;
  std::string text_;
};

}  // namespace

std::string print_plan(const Plan& plan) { return Printer(plan).print(); }

}  // namespace graphrt

#include "compiler/emit/verify_dataflow.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "compiler/emit/value_numbers.h"
#include "compiler/graph/row_uses.h"
#include "compiler/graph/views.h"

namespace graphc {
namespace {

/// Its methods check one kind of thing each, and rely on those called before them.
class DataflowChecker {
 public:
  DataflowChecker(const Plan& plan, const Graph& graph)
      : plan_(plan),
        graph_(graph),
        numbers_(graph),
        views_(graph),
        fed_(plan.inputs.size()),
        filled_(plan.buffers.size()),
        held_(plan.buffers.size()),
        rows_computed_(numbers_.size()),
        sent_by_(plan.instructions.size()) {
    for (const PlanLane& lane : plan.lanes) {
      if (lane.kind != LaneKind::kReceive) continue;
      const std::vector<InstructionId>& sends = plan.lanes[*lane.peer].instructions;
      for (size_t i = 0; i < std::min(sends.size(), lane.instructions.size()); ++i) {
        sent_by_[lane.instructions[i]] = sends[i];
      }
    }
    for (const ValueId id : graph.values.ids()) by_name_[graph.values[id].name] = id;
    for (const Node& node : graph.nodes) {
      const std::vector<ValueId> states = node.updated_states();
      for (size_t i = 0; i < states.size(); ++i) next_value_[states[i]] = node.results[i];
    }
  }

  Violation find() {
    if (Violation violation = match_inputs()) return violation;
    if (Violation violation = match_states()) return violation;
    if (Violation violation = match_constants()) return violation;
    const std::vector<InstructionId> order = producers_first();
    if (order.size() != plan_.instructions.size()) return "values of one step wait for each other";
    for (const InstructionId id : order) {
      if (Violation violation = check_instruction(id)) return violation;
    }
    if (Violation violation = check_filled_buffers()) return violation;
    if (Violation violation = check_nodes()) return violation;
    return check_outputs();
  }

 private:
  struct Read {
    std::optional<ValueNumber> number;
    std::string text;  ///< of what is read; if it is no value of the graph, what it is instead
  };

  std::optional<ValueId> find_value(std::string_view name, ValueKind kind) const {
    const auto at = by_name_.find(name);
    if (at == by_name_.end() || graph_.values[at->second].kind != kind) return std::nullopt;
    return at->second;
  }

  size_t count(ValueKind kind) const {
    return static_cast<size_t>(
        std::count_if(graph_.values.begin(), graph_.values.end(),
                      [kind](const Value& value) { return value.kind == kind; }));
  }

  const std::string& name_of(ValueId value) const { return graph_.values[value].name; }
  const std::string& name_of(ValueNumber number) const {
    return name_of(numbers_.value_of(number));
  }
  const TensorType& type_of(BufferId buffer) const { return plan_.buffers[buffer].type; }

  Violation match_inputs() {
    if (plan_.inputs.size() != count(ValueKind::kInput)) {
      return fmt::format("the plan has {} inputs; the graph has {}", plan_.inputs.size(),
                         count(ValueKind::kInput));
    }
    for (const InputId id : plan_.inputs.ids()) {
      const PlanInput& input = plan_.inputs[id];
      const auto value = find_value(input.name, ValueKind::kInput);
      if (!value) return fmt::format("'{}' is no input of the graph", input.name);
      if (input.type != graph_.type_of(*value)) {
        return fmt::format("input '{}' is {}; in the graph it is {}", input.name,
                           to_string(input.type), to_string(graph_.type_of(*value)));
      }
      const auto file = [](const std::optional<std::string>& path) {
        return std::filesystem::path(path.value_or("")).filename();
      };
      // Where the file lies depends on the folder of the plan.
      if (file(input.feed_path) != file(graph_.values[*value].feed_path)) {
        return fmt::format("input '{}' is fed from '{}', not from the graph's '{}'", input.name,
                           file(input.feed_path).string(),
                           file(graph_.values[*value].feed_path).string());
      }
      fed_[id] = numbers_.of(*value);
    }
    return std::nullopt;
  }

  Violation match_states() {
    if (plan_.states.size() != count(ValueKind::kState)) {
      return fmt::format("the plan has {} states; the graph has {}", plan_.states.size(),
                         count(ValueKind::kState));
    }
    for (const PlanState& state : plan_.states) {
      const auto value = find_value(state.name, ValueKind::kState);
      if (!value) return fmt::format("'{}' is no state of the graph", state.name);
      if (state.type != graph_.type_of(*value) ||
          state.initializer != graph_.values[*value].initializer) {
        return fmt::format("state '{}' does not start as it does in the graph", state.name);
      }
      for (const BufferId buffer : state.buffers) filled_[buffer] = numbers_.of(*value);
    }
    return std::nullopt;
  }

  Violation match_constants() {
    for (const PlanConstant& constant : plan_.constants) {
      for (const BufferId buffer : constant.buffers) {
        filled_[buffer] = numbers_.find_constant(type_of(buffer), constant.data);
        if (filled_[buffer]) continue;
        return fmt::format("constant '{}' has a content that no constant of the graph has",
                           constant.name);
      }
    }
    return std::nullopt;
  }

  /// Every instruction behind those that wrote, in the same step, what it reads; those that cannot
  /// be put there are missing.
  std::vector<InstructionId> producers_first() const {
    IdVector<InstructionId, std::vector<InstructionId>> readers(plan_.instructions.size());
    IdVector<InstructionId, int32_t> num_missing(plan_.instructions.size());
    std::vector<InstructionId> order;
    for (const InstructionId id : plan_.instructions.ids()) {
      for (const Operand& operand : plan_.instructions[id].reads) {
        if (operand.distance > 0) continue;
        for (const InstructionId producer : operand.producers) {
          readers[producer].push_back(id);
          ++num_missing[id];
        }
      }
      if (const auto send = sent_by_[id]) {
        readers[*send].push_back(id);
        ++num_missing[id];
      }
      if (num_missing[id] == 0) order.push_back(id);
    }
    for (size_t i = 0; i < order.size(); ++i) {
      for (const InstructionId reader : readers[order[i]]) {
        if (--num_missing[reader] == 0) order.push_back(reader);
      }
    }
    return order;
  }

  /// The graph's value that an operand gets, of the reader's own step.
  Read read(const Operand& operand) const {
    const std::optional<ValueNumber> filled = filled_[operand.buffer];
    if (operand.producers.empty() || operand.distance > 0) {
      // What a state's buffer holds one step later is the state; of earlier steps no node reads.
      if (!filled) return {{}, "an earlier step of " + plan_.buffers[operand.buffer].name};
      const int32_t steps = operand.producers.empty() ? 0 : operand.distance - 1;
      if (steps == 0) return {filled, name_of(*filled)};
      return {{}, fmt::format("{} of {} steps before", name_of(*filled), steps)};
    }
    return {held_[operand.buffer], name_of(*held_[operand.buffer])};
  }

  Violation check_instruction(InstructionId id) {
    const Instruction& instruction = plan_.instructions[id];
    switch (instruction.kind) {
      case InstructionKind::kKernel:
        return check_kernel(instruction);
      case InstructionKind::kCopy:
        return check_copy(instruction, instruction.reads[0]);
      case InstructionKind::kFeed:
        return check_write(instruction, 0, fed_[*instruction.input], rows_of_buffer(instruction));
      case InstructionKind::kReceive:
        if (!sent_by_[id]) return fmt::format("nobody sends '{}'", instruction.name);
        return check_copy(instruction, plan_.instructions[*sent_by_[id]].reads[0]);
      case InstructionKind::kSend:  // see its receive
      case InstructionKind::kOutput:
        return std::nullopt;  // see check_outputs
    }
    return std::nullopt;
  }

  /// Elements of the graph's value with this number. Equal ones hold the same in every step.
  struct NumberedPart {
    ValueNumber number;
    int64_t first = 0;
    int64_t count = 0;
    bool operator==(const NumberedPart&) const = default;
  };

  /// Whose elements these rows are, where operators only pass them on.
  NumberedPart origin_of(ValueNumber number, const RowRange& rows) const {
    const ValueId value = numbers_.value_of(number);
    const ValuePart origin = views_.origin_of(part_of_rows(value, graph_.type_of(value), rows));
    return {numbers_.of(origin.value), origin.first, origin.count};
  }

  const TensorType& type_of(ValueNumber number) const {
    return graph_.type_of(numbers_.value_of(number));
  }
  RowRange all_rows(ValueNumber number) const { return rows_or_all(type_of(number), {}); }

  /// Whether an operand is these rows of a value, in its shape.
  bool reads(const Operand& operand, ValueNumber number, const RowRange& rows) const {
    const Read source = read(operand);
    const RowRange given = rows_or_all(type_of(operand.buffer), operand.rows);
    const bool is_all = rows == all_rows(number);
    return source.number && origin_of(*source.number, given) == origin_of(number, rows) &&
           operand_type(plan_, operand) ==
               (is_all ? type_of(number) : type_of_rows(type_of(number), rows));
  }

  /// Whether this value is written into a buffer in a step.
  bool holds(BufferId buffer, ValueNumber number) const {
    const std::optional<ValueNumber> held = held_[buffer];
    return held && origin_of(*held, all_rows(*held)) == origin_of(number, all_rows(number));
  }

  /// The value that a buffer is called after, in a step: a guess, from which nothing follows before
  /// all that is written there has been compared with it.
  std::optional<ValueNumber> expected_in(BufferId buffer) const {
    if (filled_[buffer]) {
      const auto next = next_value_.find(numbers_.value_of(*filled_[buffer]));
      if (next == next_value_.end()) return std::nullopt;
      return numbers_.of(next->second);
    }
    const auto value = find_namesake(plan_.buffers[buffer].name, "@ ");
    if (!value || graph_.type_of(*value) != type_of(buffer)) return std::nullopt;
    return numbers_.of(*value);
  }

  /// The value with the longest name that `name` begins with, up to one of `marks`.
  std::optional<ValueId> find_namesake(std::string_view name, std::string_view marks) const {
    while (true) {
      if (const auto at = by_name_.find(name); at != by_name_.end()) return at->second;
      const size_t end = name.find_last_of(marks);
      if (end == std::string_view::npos) return std::nullopt;
      name = name.substr(0, end);
    }
  }

  /// Whatever writes into one buffer writes rows of one value: these rows of `number`, as its result
  /// `result`, are the ones of that value which the buffer has there.
  Violation check_write(const Instruction& instruction, size_t result, ValueNumber number,
                        const RowRange& made) {
    const BufferId written = instruction.writes[result];
    const PlanBuffer& buffer = plan_.buffers[written];
    const TensorType& type = type_of(number);
    std::optional<ValueNumber>& held = held_[written];
    const RowRange place = rows_or_all(buffer.type, instruction.rows);
    if (held && origin_of(*held, place) == origin_of(number, made)) return std::nullopt;
    std::optional<ValueNumber> whole = expected_in(written);
    if (whole && origin_of(*whole, place) != origin_of(number, made)) whole.reset();
    if (!whole && buffer.type == type && place == made) whole = number;
    if (!whole) {
      return fmt::format("'{}' writes {}, which is {}, into buffer '{}' of type {}",
                         instruction.name, name_of(number), to_string(type), buffer.name,
                         to_string(buffer.type));
    }
    if (held && *held != *whole) {
      return fmt::format("'{}' writes rows of {} into buffer '{}', whose other rows are of {}",
                         instruction.name, name_of(number), buffer.name, name_of(*held));
    }
    held = whole;
    return std::nullopt;
  }

  /// Of what writes `operand` as it is, also on another host.
  Violation check_copy(const Instruction& instruction, const Operand& operand) {
    const Read source = read(operand);
    if (!source.number) {
      return fmt::format("'{}' copies {}, which is no value of the graph", instruction.name,
                         source.text);
    }
    const RowRange rows = rows_or_all(type_of(operand.buffer), operand.rows);
    Violation violation = check_write(instruction, 0, *source.number, rows);
    const bool is_alike = type_of(operand.buffer) == type_of(instruction.writes.front());
    if (!violation || !is_alike || rows == rows_of_buffer(instruction)) return violation;
    return fmt::format("'{}' moves rows of {} to other rows", instruction.name, source.text);
  }

  RowRange rows_of_buffer(const Instruction& instruction) const {
    return rows_or_all(type_of(instruction.writes.front()), instruction.rows);
  }

  Violation check_kernel(const Instruction& instruction) {
    const auto number = number_computed(instruction);
    if (!number) {
      return fmt::format(
          "'{}' is {}, which no node of the graph is{}", instruction.name,
          text_of(instruction.op, texts_of_operands(instruction), instruction.attributes),
          text_of_namesake(instruction));
    }
    if (Violation violation = check_rows(instruction, *number)) return violation;
    const RowRange made = rows_made(instruction, *number);
    for (size_t i = 0; i < instruction.writes.size(); ++i) {
      const ValueNumber result(number->index() + i);
      rows_computed_[result] += made.size();
      if (Violation violation = check_write(instruction, i, result, made)) return violation;
    }
    return std::nullopt;
  }

  /// The number of what the kernel's node computes: the node that it is called after, if that has
  /// its operator, its attributes and its operands, also as parts of other values; otherwise one
  /// that has the values in its operands' buffers.
  std::optional<ValueNumber> number_computed(const Instruction& instruction) const {
    std::vector<ValueNumber> operands;
    for (const Operand& operand : instruction.reads) {
      const Read source = read(operand);
      if (!source.number) return std::nullopt;
      operands.push_back(*source.number);
    }
    const Node* namesake = namesake_of(instruction);
    if (namesake != nullptr && namesake->op->name == instruction.op &&
        namesake->inputs.size() == operands.size() &&
        namesake->attributes == instruction.attributes) {
      const ValueNumber named = numbers_.of(namesake->result());
      if (!check_rows(instruction, named)) return named;
    }
    return numbers_.find(instruction.op, operands, instruction.attributes);
  }

  /// Which rows of the value an instruction makes that computes some of it, going by the buffer.
  RowRange rows_made(const Instruction& instruction, ValueNumber number) const {
    const BufferId written = instruction.writes.front();
    const RowRange place = rows_of_buffer(instruction);
    if (type_of(written) == type_of(number)) return place;
    const auto whole = expected_in(written);
    if (!whole) return all_rows(number);
    const NumberedPart origin = origin_of(*whole, place);
    if (origin.number != number) return all_rows(number);
    return rows_of_part(type_of(number), origin.first, origin.count).value_or(all_rows(number));
  }

  /// Whole operands for a whole result; for some rows, what the operator table says of them.
  Violation check_rows(const Instruction& instruction, ValueNumber number) const {
    const NodeId id = *graph_.values[numbers_.value_of(number)].producer;
    const Node& node = graph_.nodes[id];
    const RowRange made = rows_made(instruction, number);
    const bool is_whole = made == all_rows(number);
    const std::vector<RowUse> uses =
        is_whole ? std::vector<RowUse>(instruction.reads.size(), RowUse::kAll)
                 : row_uses_of(graph_, id);
    if (uses.empty() && !is_whole) {
      return fmt::format("'{}' makes rows of {}, whose rows cannot be made alone", instruction.name,
                         node.name);
    }
    for (size_t i = 0; i < uses.size(); ++i) {
      const Operand& operand = instruction.reads[i];
      const ValueNumber input = numbers_.of(node.inputs[i]);
      const RowRange needed = uses[i] == RowUse::kSame ? made : all_rows(input);
      if (reads(operand, input, needed)) continue;
      const RowRange given = rows_or_all(type_of(operand.buffer), operand.rows);
      return fmt::format("'{}' makes rows {} of {} from rows {} of {}; it needs rows {}",
                         instruction.name, to_string(made), name_of(number), to_string(given),
                         read(operand).text, to_string(needed));
    }
    return std::nullopt;
  }

  /// What is filled in at load is replaced by what the graph says, everywhere, or not at all.
  Violation check_filled_buffers() const {
    for (const BufferId buffer : plan_.buffers.ids()) {
      if (!filled_[buffer]) continue;
      const ValueId value = numbers_.value_of(*filled_[buffer]);
      const auto next = next_value_.find(value);
      const bool is_updated = next != next_value_.end();
      const std::optional<ValueNumber> held = held_[buffer];
      if (is_updated ? holds(buffer, numbers_.of(next->second)) : !held) continue;
      return fmt::format("'{}' in buffer '{}' is replaced by {}, not by {}", name_of(value),
                         plan_.buffers[buffer].name, held ? name_of(*held) : "nothing",
                         is_updated ? name_of(next->second) : "nothing");
    }
    return std::nullopt;
  }

  /// A row that a buffer holds was computed or copied from one that was, so counting rows says
  /// whether all were computed, and as often as the graph has nodes for them.
  Violation check_nodes() const {
    IdVector<ValueNumber, int64_t> rows_needed(numbers_.size());
    for (const NodeId id : graph_.nodes.ids()) {
      const Node& node = graph_.nodes[id];
      if (may_be_view(graph_, id)) continue;
      for (const ValueId result : node.results) {
        const ValueNumber number = numbers_.of(result);
        rows_needed[number] += rows_or_all(graph_.type_of(result), {}).size();
        if (rows_computed_[number] >= rows_needed[number]) continue;
        return fmt::format("node '{}' is not computed{}", node.name,
                           rows_computed_[number] > 0 ? " completely" : "");
      }
    }
    return std::nullopt;
  }

  Violation check_outputs() const {
    if (plan_.outputs.size() != graph_.outputs.size()) {
      return fmt::format("the plan has {} outputs; the graph has {}", plan_.outputs.size(),
                         graph_.outputs.size());
    }
    for (size_t i = 0; i < plan_.outputs.size(); ++i) {
      const PlanOutput& output = plan_.outputs[i];
      const GraphOutput& wanted = graph_.outputs[i];
      const Operand& operand =
          output.instruction ? plan_.instructions[*output.instruction].reads[0] : output.value;
      const Read source = read(operand);
      const ValueNumber number = numbers_.of(wanted.value);
      if (output.name != name_of(wanted.value) || !reads(operand, number, all_rows(number)) ||
          operand.rows) {
        return fmt::format("output '{}' hands out {}; the graph's is '{}'", output.name,
                           source.text, name_of(wanted.value));
      }
      if (output.instruction.has_value() == !wanted.device) continue;
      return fmt::format("output '{}' {}", output.name,
                         wanted.device ? "is delivered, and should stay on " + *wanted.device
                                       : "stays on its device, and should be delivered");
    }
    return std::nullopt;
  }

  static std::string text_of(std::string_view op, const std::vector<std::string>& operands,
                             const Attributes& attributes) {
    std::string text = fmt::format("{}({}", op, fmt::join(operands, ", "));
    for (const Attribute& attribute : attributes) {
      text += fmt::format(", {}={}", attribute.name, graphrt::to_string(attribute.value));
    }
    return text + ")";
  }

  std::vector<std::string> texts_of_operands(const Instruction& instruction) const {
    std::vector<std::string> texts;
    for (const Operand& operand : instruction.reads) {
      const std::string rows = operand.rows ? "[" + to_string(*operand.rows) + "]" : "";
      const std::string shape = operand.shape ? " as " + graphrt::to_string(*operand.shape) : "";
      texts.push_back(read(operand).text + rows + shape);
    }
    return texts;
  }

  /// The node that the instruction is called after.
  const Node* namesake_of(const Instruction& instruction) const {
    const auto value = find_namesake(instruction.name, "[@ ");
    if (!value || graph_.values[*value].kind != ValueKind::kNode) return nullptr;
    return &graph_.nodes[*graph_.values[*value].producer];
  }

  /// What that node is.
  std::string text_of_namesake(const Instruction& instruction) const {
    const Node* node = namesake_of(instruction);
    if (node == nullptr) return "";
    std::vector<std::string> operands;
    for (const ValueId input : node->inputs) {
      operands.push_back(name_of(numbers_.of(input)));  // as they are called elsewhere in the text
    }
    return fmt::format("; node '{}' is {}", node->name,
                       text_of(node->op->name, operands, node->attributes));
  }

  const Plan& plan_;
  const Graph& graph_;
  const ValueNumbers numbers_;
  const Views views_;
  std::map<std::string_view, ValueId> by_name_;
  std::map<ValueId, ValueId> next_value_;                  // of every state that is updated
  IdVector<InputId, ValueNumber> fed_;                     // what each input is
  IdVector<BufferId, std::optional<ValueNumber>> filled_;  // states and constants
  IdVector<BufferId, std::optional<ValueNumber>> held_;    // what is written in a step
  IdVector<ValueNumber, int64_t> rows_computed_;
  IdVector<InstructionId, std::optional<InstructionId>> sent_by_;  ///< of what is received
};

}  // namespace

Violation verify_dataflow(const Plan& plan, const Graph& graph) {
  return DataflowChecker(plan, graph).find();
}

}  // namespace graphc

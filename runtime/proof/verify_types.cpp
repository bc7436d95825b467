#include "runtime/proof/verify_types.h"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "runtime/op/op_table.h"
#include "runtime/proof/structure_violation.h"

namespace graphrt {
namespace {

using Violation = std::optional<PlanViolation>;

class TypeChecker {
 public:
  TypeChecker(const Plan& plan, const IdVector<InstructionId, LanePosition>& positions)
      : plan_(plan), positions_(positions) {}

  Violation find(InstructionId id) const {
    const Instruction& instruction = plan_.instructions[id];
    if (instruction.kind != InstructionKind::kKernel && !instruction.algorithm.empty()) {
      return fault(id, "has an algorithm, but no operator");
    }
    // What is sent is compared with what is received, see find_pair_violation.
    if (instruction.writes.empty() || instruction.kind == InstructionKind::kReceive) {
      return std::nullopt;
    }
    // A feed of rows brings those of the batch, so buffer and batch are alike.
    const bool is_feed = instruction.kind == InstructionKind::kFeed;
    const std::vector<TensorType> results = result_types(plan_, instruction);
    if (instruction.kind == InstructionKind::kKernel) return check_kernel_types(id, results);
    const TensorType result =
        is_feed ? plan_.buffers[instruction.writes.front()].type : results.front();
    const TensorType source =
        is_feed ? plan_.inputs[*instruction.input].type : operand_type(plan_, instruction.reads[0]);
    if (source == result) return std::nullopt;
    return fault(
        id, fmt::format("moves {} into a buffer of type {}", to_string(source), to_string(result)));
  }

 private:
  PlanViolation fault(InstructionId id, std::string_view message) const {
    return structure_violation(plan_, positions_, id, message);
  }
  const std::string& name_of(BufferId buffer) const { return plan_.buffers[buffer].name; }

  Violation check_kernel_types(InstructionId id, const std::vector<TensorType>& results) const {
    const Instruction& instruction = plan_.instructions[id];
    const OpInfo* op = find_op(instruction.op);
    if (op == nullptr) return fault(id, fmt::format("is of unknown operator '{}'", instruction.op));
    if (op->is_composite()) {
      return fault(id, fmt::format("is of operator '{}', a formula of others that has no kernel",
                                   instruction.op));
    }
    std::vector<TensorType> types;
    for (const Operand& operand : instruction.reads) {
      types.push_back(operand_type(plan_, operand));
    }
    const auto given = infer_types(*op, types, instruction.attributes);
    if (!given) {
      return fault(id, fmt::format("has operands that do not fit: {}", given.error().message));
    }
    if (given->size() != results.size()) {
      return fault(id, fmt::format("writes {} buffers; '{}' has {} results", results.size(),
                                   instruction.op, given->size()));
    }
    for (size_t i = 0; i < results.size(); ++i) {
      if ((*given)[i] == results[i]) continue;
      return fault(
          id, fmt::format("gives {}, but its buffer '{}' is of type {}", to_string((*given)[i]),
                          name_of(instruction.writes[i]), to_string(results[i])));
    }
    return check_scratch(id, *op, types, results);
  }

  /// As many bytes as the operator needs there, and only what is made for that.
  Violation check_scratch(InstructionId id, const OpInfo& op,
                          const std::vector<TensorType>& operands,
                          const std::vector<TensorType>& results) const {
    const Instruction& instruction = plan_.instructions[id];
    const bool is_on_host = is_host_device(plan_, plan_.lanes[positions_[id].lane].device);
    const int64_t needed = scratch_bytes(op, is_on_host, operands, results, instruction.attributes);
    if (!instruction.scratch) {
      if (needed == 0) return std::nullopt;
      return fault(id, fmt::format("has no scratch memory; '{}' needs {} bytes", op.name, needed));
    }
    const PlanBuffer& buffer = plan_.buffers[*instruction.scratch];
    if (buffer.type.element == ElementType::kU8 && buffer.type.size_bytes() == needed) {
      return std::nullopt;
    }
    return fault(id, fmt::format("has scratch memory '{}' of type {}; '{}' needs u8[{}]",
                                 buffer.name, to_string(buffer.type), op.name, needed));
  }

  const Plan& plan_;
  const IdVector<InstructionId, LanePosition>& positions_;
};

}  // namespace

std::optional<PlanViolation> find_type_violation(
    const Plan& plan, const IdVector<InstructionId, LanePosition>& positions, InstructionId id) {
  return TypeChecker(plan, positions).find(id);
}

}  // namespace graphrt

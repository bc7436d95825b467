#include "runtime/proof/in_place.h"

#include <algorithm>

#include "runtime/op/op_table.h"
#include "runtime/proof/buffer_overlap.h"

namespace graphrt {

bool may_write_over(const Plan& plan, InstructionId reader, const Operand& operand,
                    BufferId written) {
  const Instruction& instruction = plan.instructions[reader];
  if (instruction.kind != InstructionKind::kKernel) return false;
  const auto at = std::find(instruction.writes.begin(), instruction.writes.end(), written);
  if (at == instruction.writes.end()) return false;  // its scratch memory
  const auto number = static_cast<size_t>(at - instruction.writes.begin());
  const BufferRegion from = region_of(plan.buffers[operand.buffer], operand.rows);
  const BufferRegion to = region_of(plan.buffers[written], instruction.rows);
  const auto index = static_cast<size_t>(&operand - instruction.reads.data());
  return may_run_in_place(*find_op(instruction.op), index, operand_type(plan, operand),
                          result_types(plan, instruction)[number], number) &&
         BufferOverlap::is_exact(from, to, operand.distance);
}

}  // namespace graphrt

#include "runtime/proof/lane_program.h"

namespace graphrt {

LaneProgram lane_program(const Plan& plan) {
  LaneProgram program;
  for (const PlanLane& lane : plan.lanes) {
    std::vector<LaneInstruction> instructions;
    instructions.reserve(lane.instructions.size());
    for (const InstructionId id : lane.instructions) {
      const Instruction& instruction = plan.instructions[id];
      instructions.push_back({instruction.stage, instruction.waits, instruction.cost});
    }
    program.lanes.push_back(std::move(instructions));
    program.resources.push_back(lane.resources);
  }
  return program;
}

}  // namespace graphrt

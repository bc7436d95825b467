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
  for (const LaneId lane : plan.lanes.ids()) {
    if (plan.lanes[lane].kind != LaneKind::kSend) continue;
    program.pairs.push_back({lane, *plan.lanes[lane].peer});
  }
  return program;
}

LaneEnds::LaneEnds(const LaneProgram& program) : is_receive_(program.lanes.size()) {
  for (const LaneId lane : program.lanes.ids()) peers_.push_back(lane);
  for (const LanePair& pair : program.pairs) {
    peers_[pair.send] = pair.receive;
    peers_[pair.receive] = pair.send;
    is_receive_[pair.receive] = 1;
  }
}

}  // namespace graphrt

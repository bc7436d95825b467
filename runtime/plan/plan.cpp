#include "runtime/plan/plan.h"

#include <algorithm>

namespace graphrt {

int32_t max_stage(const Plan& plan) {
  int32_t stage = 0;
  for (const Instruction& instruction : plan.instructions) {
    stage = std::max(stage, instruction.stage);
  }
  return stage;
}

std::vector<std::string> features_of(const Plan& plan) {
  const bool has_versions =
      std::any_of(plan.buffers.begin(), plan.buffers.end(),
                  [](const PlanBuffer& buffer) { return buffer.versions > 1; });
  std::vector<std::string> features;
  if (max_stage(plan) > 0) features.emplace_back("stages");
  if (!plan.states.empty()) features.emplace_back("state");
  if (has_versions) features.emplace_back("versions");
  return features;
}

IdVector<InstructionId, LanePosition> lane_positions(const Plan& plan) {
  IdVector<InstructionId, LanePosition> positions(plan.instructions.size());
  for (const LaneId lane : plan.lanes.ids()) {
    int32_t position = 0;
    for (const InstructionId instruction : plan.lanes[lane].instructions) {
      positions[instruction] = {.lane = lane, .position = position++};
    }
  }
  return positions;
}

}  // namespace graphrt

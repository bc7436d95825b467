#include "tests/property/plan/message_mutants.h"

#include <algorithm>
#include <utility>

namespace graphrt {
namespace {

class MessageMutator {
 public:
  explicit MessageMutator(const Plan& plan) : plan_(plan) {}

  std::vector<Mutant> run() {
    for (const LaneId lane : plan_.lanes.ids()) {
      if (is_message_lane(plan_.lanes[lane].kind)) change_lane(lane);
    }
    for (const InstructionId id : plan_.instructions.ids()) {
      for (size_t i = 0; i < plan_.instructions[id].waits.size(); ++i) move_wait(id, i);
    }
    return std::move(mutants_);
  }

 private:
  Plan& add(std::string description) {
    mutants_.push_back({plan_, std::move(description)});
    return mutants_.back().plan;
  }

  void change_lane(LaneId lane) {
    const PlanLane& ends = plan_.lanes[lane];
    const size_t length = ends.instructions.size();
    const bool is_send = ends.kind == LaneKind::kSend;
    for (size_t i = 0; i < length; ++i) {
      const std::string which = std::to_string(i) + " of " + ends.name;
      if (i > 0) {
        swap_before(add("exchanged with the one before: " + which), lane, i);
        if (is_send) {
          Plan& both = add("exchanged at both ends: " + which);
          swap_before(both, lane, i);
          swap_before(both, *ends.peer, i);
        }
      }
      auto& dropped = add("dropped: " + which).lanes[lane].instructions;
      dropped.erase(dropped.begin() + static_cast<std::ptrdiff_t>(i));
      for (const int32_t change : {-1, 1}) {
        const InstructionId id = ends.instructions[i];
        if (plan_.instructions[id].stage + change < 0) continue;
        add("stage at one end: " + which).instructions[id].stage += change;
        if (!is_send) continue;
        Plan& both = add("stage at both ends: " + which);
        both.instructions[id].stage += change;
        both.instructions[plan_.lanes[*ends.peer].instructions[i]].stage += change;
      }
      if (is_send) {
        Operand& operand = add("a row less: " + which).instructions[ends.instructions[i]].reads[0];
        const RowRange rows = rows_or_all(plan_.buffers[operand.buffer].type, operand.rows);
        operand.rows = {rows.begin, rows.end - 1};
      }
    }
  }

  static void swap_before(Plan& plan, LaneId lane, size_t index) {
    auto& instructions = plan.lanes[lane].instructions;
    std::swap(instructions[index - 1], instructions[index]);
  }

  void move_wait(InstructionId id, size_t index) {
    const Wait& before = plan_.instructions[id].waits[index];
    for (const LaneId lane : plan_.lanes.ids()) {
      const auto length = static_cast<int32_t>(plan_.lanes[lane].instructions.size());
      if (lane == before.lane || length == 0) continue;
      Wait& wait = add("wait " + std::to_string(index) + " of '" + plan_.instructions[id].name +
                       "' for lane " + plan_.lanes[lane].name)
                       .instructions[id]
                       .waits[index];
      wait.lane = lane;
      wait.count = std::min(wait.count, length);
    }
  }

  const Plan& plan_;
  std::vector<Mutant> mutants_;
};

}  // namespace

std::vector<Mutant> message_mutants(const Plan& plan) {
  std::vector<Mutant> mutants = MessageMutator(plan).run();
  for (Mutant& mutant : mutants) mutant.plan.required_features = features_of(mutant.plan);
  return mutants;
}

bool keeps_to_its_hosts(const Plan& plan) {
  for (const PlanLane& lane : plan.lanes) {
    const HostId own = plan.devices[lane.device].host;
    for (size_t i = 0; i < lane.instructions.size(); ++i) {
      const Instruction& instruction = plan.instructions[lane.instructions[i]];
      for (const Wait& wait : instruction.waits) {
        if (plan.devices[plan.lanes[wait.lane].device].host != own) return false;
      }
      for (const Operand& operand : instruction.reads) {
        if (host_of(plan, operand.buffer) != own) return false;
      }
      for (const BufferId buffer : instruction.writes) {
        if (host_of(plan, buffer) != own) return false;
      }
      if (lane.kind != LaneKind::kSend) continue;
      const auto& received = plan.lanes[*lane.peer].instructions;
      if (received.size() != lane.instructions.size()) return false;
      const Instruction& other = plan.instructions[received[i]];
      if (other.stage != instruction.stage) return false;
      if (operand_type(plan, instruction.reads[0]) != result_types(plan, other)[0]) return false;
    }
    if (lane.peer && plan.lanes[*lane.peer].instructions.size() != lane.instructions.size()) {
      return false;
    }
  }
  return true;
}

}  // namespace graphrt

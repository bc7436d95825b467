#include "tests/property/plan/mutate.h"

#include <utility>

namespace graphrt {
namespace {

std::string text_of(const Plan& plan, InstructionId instruction, const Wait& wait) {
  return "wait(" + plan.lanes[wait.lane].name + ", " + std::to_string(wait.count) + ", " +
         std::to_string(wait.distance) + ") of '" + plan.instructions[instruction].name + "'";
}

Mutant without_wait(const Plan& plan, InstructionId instruction, size_t index) {
  const Wait wait = plan.instructions[instruction].waits[index];
  Mutant mutant{plan, "without " + text_of(plan, instruction, wait)};
  std::vector<Wait>& waits = mutant.plan.instructions[instruction].waits;
  waits.erase(waits.begin() + static_cast<std::ptrdiff_t>(index));
  return mutant;
}

Mutant with_wait(const Plan& plan, InstructionId instruction, size_t index, const Wait& wait) {
  const Wait before = plan.instructions[instruction].waits[index];
  Mutant mutant{
      plan, text_of(plan, instruction, wait) + " instead of " + text_of(plan, instruction, before)};
  mutant.plan.instructions[instruction].waits[index] = wait;
  return mutant;
}

}  // namespace

std::vector<Mutant> wait_mutants(const Plan& plan) {
  std::vector<Mutant> mutants;
  for (const InstructionId id : plan.instructions.ids()) {
    const std::vector<Wait>& waits = plan.instructions[id].waits;
    for (size_t i = 0; i < waits.size(); ++i) {
      mutants.push_back(without_wait(plan, id, i));
      Wait shorter = waits[i];
      --shorter.count;
      if (shorter.count > 0) mutants.push_back(with_wait(plan, id, i, shorter));
      Wait older = waits[i];
      ++older.distance;
      mutants.push_back(with_wait(plan, id, i, older));
    }
  }
  return mutants;
}

std::vector<Mutant> order_mutants(const Plan& plan) {
  std::vector<Mutant> mutants;
  for (const LaneId lane : plan.lanes.ids()) {
    for (size_t i = 1; i < plan.lanes[lane].instructions.size(); ++i) {
      Mutant mutant{plan, ""};
      std::vector<InstructionId>& instructions = mutant.plan.lanes[lane].instructions;
      std::swap(instructions[i - 1], instructions[i]);
      mutant.description = "'" + plan.instructions[instructions[i - 1]].name + "' before '" +
                           plan.instructions[instructions[i]].name + "'";
      mutants.push_back(std::move(mutant));
    }
  }
  return mutants;
}

}  // namespace graphrt

#include <gtest/gtest.h>

#include <cstdlib>
#include <iterator>

#include "runtime/proof/happens_before.h"
#include "runtime/proof/simulate.h"
#include "runtime/proof/verify_order.h"
#include "runtime/proof/verify_structure.h"
#include "tests/property/plan/message_mutants.h"
#include "tests/property/plan/mutate.h"
#include "tests/property/plan/random_plan.h"
#include "tests/property/plan/unrolled_checker.h"

namespace graphrt {
namespace {

/// As many as fit into a few seconds; GRAPHRT_HOST_PLANS asks for another number.
uint64_t num_host_plans() {
  const char* asked = std::getenv("GRAPHRT_HOST_PLANS");
  return asked == nullptr ? 1000 : std::strtoull(asked, nullptr, 10);
}

constexpr int64_t kStepsOverHosts = 13;

size_t num_messages(const Plan& plan) {
  size_t number = 0;
  for (const PlanLane& lane : plan.lanes) {
    if (lane.kind == LaneKind::kSend) number += lane.instructions.size();
  }
  return number;
}

std::string verdict(const std::optional<PlanViolation>& violation) {
  return violation ? violation->message : "accepted";
}

TEST(VerifyPlanOverHosts, AgreesWithTheUnrolledChecker) {
  uint64_t num_accepted = 0;
  uint64_t num_deadlocks = 0;
  size_t messages = 0;
  for (uint64_t seed = 0; seed < num_host_plans(); ++seed) {
    const Plan plan = random_plan_over_hosts(seed);
    messages += num_messages(plan);
    const auto structure = find_structure_violation(plan);
    ASSERT_FALSE(structure) << "seed " << seed << ": " << structure->message;
    const auto violation = find_order_violation(plan);
    const auto fault = find_unrolled_fault(plan, {kStepsOverHosts});
    ASSERT_EQ(violation.has_value(), fault.has_value())
        << "seed " << seed << "\nverifier: " << verdict(violation)
        << "\noracle: " << fault.value_or("accepted");
    num_accepted += violation ? 0 : 1;
    num_deadlocks += violation && violation->kind == PlanViolationKind::kDeadlock ? 1 : 0;
  }
  EXPECT_GE(num_accepted, num_host_plans() / 10);
  EXPECT_LE(num_accepted, num_host_plans() - num_host_plans() / 10);
  EXPECT_GE(messages, num_host_plans());
  RecordProperty("accepted", static_cast<int>(num_accepted));
  RecordProperty("deadlocks", static_cast<int>(num_deadlocks));
  RecordProperty("messages", static_cast<int>(messages));
}

std::vector<Mutant> all_mutants(const Plan& plan) {
  std::vector<Mutant> mutants = message_mutants(plan);
  for (std::vector<Mutant> more : {wait_mutants(plan), order_mutants(plan)}) {
    std::move(more.begin(), more.end(), std::back_inserter(mutants));
  }
  for (const MutationKind kind : {MutationKind::kChangeRows, MutationKind::kMoveBuffer,
                                  MutationKind::kChangeVersions, MutationKind::kShiftStage}) {
    for (const Mutation& mutation : mutations_of(plan, kind)) {
      mutants.push_back({mutated(plan, mutation), mutation.description});
    }
  }
  return mutants;
}

// Ten mutants of a plan, so that many plans are looked at.
TEST(VerifyPlanOverHosts, AgreesWithTheUnrolledCheckerOnMutants) {
  constexpr size_t kNumMutantsOfAPlan = 10;
  int num_refused = 0;
  int num_of_structure = 0;
  uint64_t num_mutants = 0;
  for (uint64_t seed = 0; num_mutants < num_host_plans(); ++seed) {
    const Plan plan = random_plan_over_hosts(seed);
    if (num_messages(plan) == 0 || find_order_violation(plan)) continue;
    const std::vector<Mutant> mutants = all_mutants(plan);
    const size_t stride = std::max<size_t>(1, mutants.size() / kNumMutantsOfAPlan);
    for (size_t i = seed % stride; i < mutants.size(); i += stride) {
      const Mutant& mutant = mutants[i];
      ++num_mutants;
      const auto structure = find_structure_violation(mutant.plan);
      if (!keeps_to_its_hosts(mutant.plan)) {
        ASSERT_TRUE(structure) << "seed " << seed << ", " << mutant.description;
      }
      if (structure) {
        ++num_of_structure;
        continue;
      }
      const auto violation = find_order_violation(mutant.plan);
      const auto fault = find_unrolled_fault(mutant.plan, {kStepsOverHosts});
      ASSERT_EQ(violation.has_value(), fault.has_value())
          << "seed " << seed << ", " << mutant.description << "\nverifier: " << verdict(violation)
          << "\noracle: " << fault.value_or("accepted");
      num_refused += violation ? 1 : 0;
    }
  }
  EXPECT_GE(num_refused, static_cast<int>(num_mutants / 10));
  RecordProperty("mutants", static_cast<int>(num_mutants));
  RecordProperty("refused_for_structure", num_of_structure);
  RecordProperty("refused_for_order", num_refused);
}

// Of what messages alone can have wrong, structure is refused iff a look at each pair says so.
TEST(VerifyPlanOverHosts, RefusesTheStructureOfPairsThatDoNotFitOnly) {
  for (uint64_t seed = 0; seed < num_host_plans() / 4; ++seed) {
    for (const Mutant& mutant : message_mutants(random_plan_over_hosts(seed))) {
      const auto structure = find_structure_violation(mutant.plan);
      ASSERT_EQ(structure.has_value(), !keeps_to_its_hosts(mutant.plan))
          << "seed " << seed << ", " << mutant.description << ": " << verdict(structure);
    }
  }
}

TEST(VerifyPlanOverHosts, WhatItAcceptsIsSoundAcrossRuns) {
  for (uint64_t seed = 0; seed < num_host_plans() / 4; ++seed) {
    const Plan plan = random_plan_over_hosts(seed);
    if (find_order_violation(plan)) continue;
    for (const std::vector<int64_t>& runs : {std::vector<int64_t>{1, 1, 1}, {2, 1, 3}, {4, 2}}) {
      const auto fault = find_unrolled_fault(plan, runs);
      ASSERT_FALSE(fault) << "seed " << seed << ": " << *fault;
    }
  }
}

TEST(HappensBeforeOverHosts, AgreesWithReachabilityInTheUnrolledPlan) {
  constexpr int32_t kHorizonOverHosts = 6;
  for (uint64_t seed = 0; seed < num_host_plans() / 4; ++seed) {
    const Plan plan = random_plan_over_hosts(seed);
    const LaneProgram program = lane_program(plan);
    const UnrolledPlan unrolled(plan, {kStepsOverHosts});
    ASSERT_EQ(find_deadlock(program).empty(), !unrolled.has_deadlock()) << "seed " << seed;
    if (unrolled.has_deadlock()) continue;
    const HappensBefore order(program, kHorizonOverHosts);
    const auto positions = lane_positions(plan);
    const auto at = [&](InstructionId id) {
      return Position{positions[id].lane, positions[id].position};
    };
    for (const InstructionId x : plan.instructions.ids()) {
      for (const InstructionId y : plan.instructions.ids()) {
        for (int32_t k = 0; k <= kHorizonOverHosts; ++k) {
          ASSERT_EQ(order.is_ordered(at(x), at(y), k),
                    unrolled.is_ordered(unrolled.find(x, 6), unrolled.find(y, 6 + k)))
              << "seed " << seed << ", " << plan.instructions[x].name << " before "
              << plan.instructions[y].name << " at " << k;
        }
      }
    }
  }
}

TEST(SimulateOverHosts, KeepsTheOrderThatIsEnforced) {
  constexpr int64_t kNumSteps = 6;
  for (uint64_t seed = 0; seed < num_host_plans() / 4; ++seed) {
    const Plan plan = random_plan_over_hosts(seed);
    LaneProgram program = lane_program(plan);
    if (!find_deadlock(program).empty()) continue;
    for (auto& lane : program.lanes) {
      for (size_t i = 0; i < lane.size(); ++i) {
        const auto number = static_cast<int64_t>(seed + 7 * i);
        lane[i].cost = {number % 5, 1 + number % 11, {}};
      }
    }
    const Timeline timeline = simulate(program, kNumSteps);
    const UnrolledPlan unrolled(plan, {kNumSteps});
    const auto positions = lane_positions(plan);
    const auto span_of = [&](size_t instance) {
      const Instance& it = unrolled.instances()[instance];
      const LanePosition place = positions[it.instruction];
      return timeline.intervals[static_cast<size_t>(it.interval)][place.lane]
                               [static_cast<size_t>(place.position)];
    };
    for (size_t x = 0; x < unrolled.instances().size(); ++x) {
      for (size_t y = 0; y < unrolled.instances().size(); ++y) {
        if (!unrolled.is_ordered(x, y)) continue;
        ASSERT_LE(span_of(x).end_ns, span_of(y).start_ns) << "seed " << seed;
      }
    }
  }
}

}  // namespace
}  // namespace graphrt

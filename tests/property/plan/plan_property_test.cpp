#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <tuple>
#include <vector>

#include "runtime/plan/plan_file.h"
#include "runtime/proof/happens_before.h"
#include "runtime/proof/simulate.h"
#include "runtime/proof/verify_order.h"
#include "runtime/proof/verify_structure.h"
#include "tests/property/plan/mutate.h"
#include "tests/property/plan/random_plan.h"
#include "tests/property/plan/unrolled_checker.h"
#include "tests/unit/runtime/plan/small_plans.h"

namespace graphrt {
namespace {

constexpr uint64_t kNumCheckedPlans = 4000;

/// Long enough for every pattern of small plans to show: the largest distance that can matter is
/// below 2 (operand) + 2 (stage) + 3 (versions), and bytes repeat after 6 steps.
constexpr int64_t kSteps = 16;

std::string text_of(const std::optional<PlanViolation>& violation) {
  return violation ? violation->message : "accepted";
}

TEST(VerifyPlan, AgreesWithTheUnrolledChecker) {
  uint64_t num_accepted = 0;
  for (uint64_t seed = 0; seed < kNumCheckedPlans; ++seed) {
    const Plan plan = random_plan(seed);
    const auto structure = find_structure_violation(plan);
    ASSERT_FALSE(structure) << "seed " << seed << ": " << structure->message;
    const auto violation = find_order_violation(plan);
    const auto fault = find_unrolled_fault(plan, {kSteps});
    ASSERT_EQ(violation.has_value(), fault.has_value())
        << "seed " << seed << "\nverifier: " << text_of(violation)
        << "\noracle: " << fault.value_or("accepted");
    num_accepted += violation ? 0 : 1;
  }
  // The comparison means something only if both answers are frequent.
  EXPECT_GE(num_accepted, kNumCheckedPlans / 10);
  EXPECT_LE(num_accepted, kNumCheckedPlans - kNumCheckedPlans / 10);
}

TEST(VerifyPlan, AgreesWithTheUnrolledCheckerOnMutants) {
  for (uint64_t seed = 0; seed < kNumCheckedPlans / 40; ++seed) {
    const Plan plan = random_plan(seed);
    if (find_order_violation(plan)) continue;
    std::vector<Mutant> mutants = wait_mutants(plan);
    for (Mutant& mutant : order_mutants(plan)) mutants.push_back(std::move(mutant));
    for (const Mutant& mutant : mutants) {
      const auto violation = find_order_violation(mutant.plan);
      const auto fault = find_unrolled_fault(mutant.plan, {kSteps});
      ASSERT_EQ(violation.has_value(), fault.has_value())
          << "seed " << seed << ", " << mutant.description << "\nverifier: " << text_of(violation)
          << "\noracle: " << fault.value_or("accepted");
    }
  }
}

// Each wait of the hand-made plan is needed, and a verifier that let one go would be wrong.
TEST(VerifyPlan, RefusesEveryWaitMutantOfAPlanWithoutAWaitTooMany) {
  const Plan plan = training_plan().plan;
  ASSERT_FALSE(verify_plan(plan));
  const std::vector<Mutant> mutants = wait_mutants(plan);
  EXPECT_EQ(mutants.size(), 9U * 2 + 2);  // nine waits, two of which have a count to lower
  for (const Mutant& mutant : mutants) {
    const auto violation = verify_plan(mutant.plan);
    ASSERT_TRUE(violation) << mutant.description;
    EXPECT_TRUE(violation->first && violation->second) << mutant.description;
    EXPECT_NE(violation->first, violation->second) << mutant.description;
  }
}

// Sound for one run, sound for the same steps cut into runs anywhere: a barrier changes no number.
TEST(VerifyPlan, WhatItAcceptsIsSoundAcrossRuns) {
  for (uint64_t seed = 0; seed < kNumCheckedPlans / 20; ++seed) {
    const Plan plan = random_plan(seed);
    if (find_order_violation(plan)) continue;
    for (const std::vector<int64_t>& runs :
         {std::vector<int64_t>{1, 1, 1, 1, 1, 1}, {2, 1, 3}, {1, 5}, {4, 2}}) {
      const auto fault = find_unrolled_fault(plan, runs);
      ASSERT_FALSE(fault) << "seed " << seed << ": " << *fault;
    }
  }
}

TEST(HappensBefore, AgreesWithReachabilityInTheUnrolledPlan) {
  constexpr int32_t kHorizon = 9;
  for (uint64_t seed = 0; seed < kNumCheckedPlans / 20; ++seed) {
    const Plan plan = random_plan(seed);
    const LaneProgram program = lane_program(plan);
    const UnrolledPlan unrolled(plan, {kSteps});
    ASSERT_EQ(find_deadlock(program).empty(), !unrolled.has_deadlock()) << "seed " << seed;
    if (unrolled.has_deadlock()) continue;
    const HappensBefore order(program, kHorizon);
    const auto positions = lane_positions(plan);
    for (const InstructionId x : plan.instructions.ids()) {
      for (const InstructionId y : plan.instructions.ids()) {
        std::optional<int32_t> least;
        for (int32_t k = kHorizon; k >= 0; --k) {
          const bool is_ordered = unrolled.is_ordered(unrolled.find(x, 2), unrolled.find(y, 2 + k));
          if (is_ordered) least = k;
          ASSERT_EQ(order.is_ordered({positions[x].lane, positions[x].position},
                                     {positions[y].lane, positions[y].position}, k),
                    is_ordered)
              << "seed " << seed << ", " << plan.instructions[x].name << " before "
              << plan.instructions[y].name << " at " << k;
        }
        EXPECT_EQ(order.least_distance({positions[x].lane, positions[x].position},
                                       {positions[y].lane, positions[y].position}),
                  least);
      }
    }
  }
}

void give_random_costs(LaneProgram& program, uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto up_to = [&](uint64_t count) { return static_cast<int64_t>(random() % count); };
  for (const LaneId lane : program.lanes.ids()) {
    program.resources[lane].clear();
    for (int32_t id = 0; id < 4; ++id) {
      if (up_to(3) == 0) program.resources[lane].emplace_back(id);
    }
    for (LaneInstruction& instruction : program.lanes[lane]) {
      const int64_t work_ns = 1 + up_to(40);
      instruction.cost = {up_to(5), work_ns, {}};
      for (size_t i = 0; i < program.resources[lane].size(); ++i) {
        instruction.cost.shared_ns[i] = up_to(2) * (1 + up_to(static_cast<uint64_t>(work_ns)));
      }
    }
  }
}

TEST(Simulate, KeepsTheOrderThatIsEnforced) {
  constexpr int64_t kNumSteps = 8;
  for (uint64_t seed = 0; seed < kNumCheckedPlans / 20; ++seed) {
    const Plan plan = random_plan(seed);
    LaneProgram program = lane_program(plan);
    if (!find_deadlock(program).empty()) continue;
    give_random_costs(program, seed);
    const Timeline timeline = simulate(program, kNumSteps);
    ASSERT_EQ(timeline.intervals.size(), static_cast<size_t>(kNumSteps + max_stage(plan)));
    const UnrolledPlan unrolled(plan, {kNumSteps});
    const auto positions = lane_positions(plan);
    const auto span_of = [&](const Instance& instance) {
      const LanePosition at = positions[instance.instruction];
      return timeline.intervals[static_cast<size_t>(instance.interval)][at.lane]
                               [static_cast<size_t>(at.position)];
    };
    for (size_t x = 0; x < unrolled.instances().size(); ++x) {
      const Instance& instance = unrolled.instances()[x];
      const Span span = span_of(instance);
      const TaskCost& cost =
          program
              .lanes[positions[instance.instruction].lane]
                    [static_cast<size_t>(positions[instance.instruction].position)]
              .cost;
      EXPECT_GE(span.end_ns - span.start_ns, instance.is_skipped ? 0 : cost.duration_ns());
      for (size_t y = 0; y < unrolled.instances().size(); ++y) {
        if (!unrolled.is_ordered(x, y)) continue;
        ASSERT_LE(span.end_ns, span_of(unrolled.instances()[y]).start_ns) << "seed " << seed;
      }
    }
  }
}

/// A part of an instruction that takes resources, and when it was ready to.
struct TakenPart {
  int64_t ready_ns = 0;
  LaneId lane;
  int64_t start_ns = 0;
  TaskCost cost;
};

/// In the order in which they asked.
std::vector<TakenPart> parts_that_take(const LaneProgram& program, const Timeline& timeline,
                                       int64_t num_steps) {
  std::vector<TakenPart> parts;
  for (size_t interval = 0; interval < timeline.intervals.size(); ++interval) {
    for (const LaneId lane : program.lanes.ids()) {
      for (size_t i = 0; i < program.lanes[lane].size(); ++i) {
        const LaneInstruction& instruction = program.lanes[lane][i];
        const int64_t step = static_cast<int64_t>(interval) - instruction.stage;
        const auto& taken_ns = instruction.cost.shared_ns;
        if (step < 0 || step >= num_steps || taken_ns == decltype(taken_ns){}) continue;
        const Span& span = timeline.intervals[interval][lane][i];
        parts.push_back({span.start_ns + instruction.cost.latency_ns, lane,
                         span.end_ns - instruction.cost.work_ns, instruction.cost});
      }
    }
  }
  std::sort(parts.begin(), parts.end(), [](const TakenPart& a, const TakenPart& b) {
    return std::tie(a.ready_ns, a.lane) < std::tie(b.ready_ns, b.lane);
  });
  return parts;
}

/// Whether two parts take some resource at the same time if `second` starts at `start_ns`.
bool collide(const LaneProgram& program, const TakenPart& first, const TakenPart& second,
             int64_t start_ns) {
  const auto& of_first = program.resources[first.lane];
  const auto& of_second = program.resources[second.lane];
  for (size_t i = 0; i < of_first.size(); ++i) {
    for (size_t j = 0; j < of_second.size(); ++j) {
      if (of_first[i] != of_second[j]) continue;
      const int64_t begin_ns = std::max(first.start_ns, start_ns);
      const int64_t end_ns =
          std::min(first.start_ns + first.cost.shared_ns[i], start_ns + second.cost.shared_ns[j]);
      if (begin_ns < end_ns) return true;
    }
  }
  return false;
}

// By trying every nanosecond: each part starts at the first one at which it is in the way of nobody
// who asked before it.
TEST(Simulate, AllResourcesAreTakenByOneAtATimeAndAsEarlyAsCanBe) {
  constexpr int64_t kNumSteps = 4;
  for (uint64_t seed = 0; seed < kNumCheckedPlans / 20; ++seed) {
    LaneProgram program = lane_program(random_plan(seed));
    if (!find_deadlock(program).empty()) continue;
    give_random_costs(program, seed);
    const auto parts = parts_that_take(program, simulate(program, kNumSteps), kNumSteps);
    for (size_t i = 0; i < parts.size(); ++i) {
      int64_t start_ns = parts[i].ready_ns;
      const auto is_in_the_way = [&](const TakenPart& other) {
        return collide(program, other, parts[i], start_ns);
      };
      const auto before = parts.begin() + static_cast<std::ptrdiff_t>(i);
      while (std::any_of(parts.begin(), before, is_in_the_way)) ++start_ns;
      ASSERT_EQ(parts[i].start_ns, start_ns) << "seed " << seed;
    }
  }
}

// No lane can be faster than its own work, and nothing slower than all work one after the other.
TEST(Simulate, SteadyIntervalLiesBetweenTheBusiestLaneAndAllOfThem) {
  for (uint64_t seed = 0; seed < kNumCheckedPlans / 20; ++seed) {
    LaneProgram program = lane_program(random_plan(seed));
    if (!find_deadlock(program).empty()) continue;
    give_random_costs(program, seed);
    int64_t busiest_ns = 0;
    int64_t all_ns = 0;
    for (const auto& lane : program.lanes) {
      int64_t busy_ns = 0;
      for (const LaneInstruction& instruction : lane) busy_ns += instruction.cost.duration_ns();
      busiest_ns = std::max(busiest_ns, busy_ns);
      all_ns += busy_ns;
    }
    const int64_t interval_ns = steady_interval_ns(program);
    EXPECT_GE(interval_ns, busiest_ns) << "seed " << seed;
    EXPECT_LE(interval_ns, all_ns) << "seed " << seed;
  }
}

/// A plan whose lanes share resources, as give_random_costs has it.
Plan with_resources(Plan plan, uint64_t seed) {
  LaneProgram program = lane_program(plan);
  give_random_costs(program, seed);
  for (int i = 0; i < 4; ++i) plan.resources.push_back({"resource" + std::to_string(i)});
  for (const LaneId id : plan.lanes.ids()) {
    PlanLane& lane = plan.lanes[id];
    lane.resources = program.resources[id];
    for (size_t i = 0; i < lane.instructions.size(); ++i) {
      plan.instructions[lane.instructions[i]].cost = program.lanes[id][i].cost;
    }
  }
  return plan;
}

TEST(PlanFile, RoundTripsRandomPlans) {
  for (uint64_t seed = 0; seed < kNumCheckedPlans / 20; ++seed) {
    const Plan made = seed % 2 == 0 ? random_plan(seed) : random_plan_over_hosts(seed);
    const Plan plan = with_resources(made, seed);
    const std::vector<std::byte> bytes = encode_plan(plan);
    const Result<Plan> decoded = decode_plan(bytes);
    ASSERT_TRUE(decoded) << "seed " << seed << ": " << decoded.error().message;
    EXPECT_EQ(*decoded, plan) << "seed " << seed;
    EXPECT_EQ(encode_plan(*decoded), bytes) << "seed " << seed;
  }
}

}  // namespace
}  // namespace graphrt

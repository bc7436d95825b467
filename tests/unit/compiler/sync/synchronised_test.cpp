#include "compiler/sync/synchronised.h"
#include "compiler/frontend/decisions/parse_schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/solve/schedule/lane_order.h"
#include "runtime/proof/happens_before.h"
#include "tests/unit/compiler/schedule/levels.h"

namespace graphc {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

MemoryPlan plan_of(const Schedule& schedule, const Machine& machine) {
  return plan_memory(schedule, memory_of(machine));
}

/// The picture of the header, each task on a worker of its own; `slow` makes the interval so long
/// that one version of everything will do.
///
///   worker0   [x]-.--.
///                 v   .
///   worker1      [y]-. .
///                    v v
///   worker2          [z]--> output
class ThreeLanes : public testing::Test {
 protected:
  const std::vector<Wait>& waits_of(const std::string& name) const {
    const Schedule& schedule = synchronised_.memory->schedule;
    const Position at = positions_of(schedule.solution)[task_named(schedule.tasks, name)];
    return synchronised_.program.lanes[at.lane][static_cast<size_t>(at.index)].waits;
  }
  std::vector<Wait>& mutable_waits_of(const std::string& name) {
    return const_cast<std::vector<Wait>&>(waits_of(name));
  }
  static Schedule schedule(const Machine& machine) {
    const Graph graph = graph_of(
        "graph g\n"
        "state %w : f32[4] init zeros\n"
        "state %m : f32[40, 40] init zeros\n"
        "%x = relu(%w)\n"
        "%y = tanh(%x)\n"
        "%z = add(%x, %y)\n"
        "%slow = matmul(%m, %m) keep\n"
        "output %z\n");
    DiagnosticSink sink;
    const auto parsed = parse_schedule(
        file_of("s.schedule",
                "cpu.worker0  x  stage=0\ncpu.worker1  y  stage=0\ncpu.worker2  z  stage=0\n"
                "cpu.worker3  slow  stage=0\noutput  output z  stage=0\n"),
        tasks_of(graph, machine), sink);
    CHECK(parsed, sink.render_all());
    return *parsed;
  }

  Machine machine_ = machine_of(
      "machine: m\ndevices:\n  cpu: {kind: cpu, workers: 4, memory: 1GiB, rates: {matmul_f32: "
      "1GFLOP/s, bytes: 1GB/s}, launch: 0ns}\n");
  LaneId worker0_ = LaneId(0);
  LaneId worker1_ = LaneId(1);
  LaneId worker2_ = LaneId(2);
  LaneId output_ = LaneId(5);
  Synchronised synchronised_ = remove_redundant_waits(plan_of(schedule(machine_), machine_));
};

TEST_F(ThreeLanes, AWaitThatAnotherLaneImpliesGoes) {
  EXPECT_THAT(waits_of("y"), ElementsAre(Wait{worker0_, 1, 0}));
  // z waits for y, and y came after x: nothing about x. The other wait is for its last delivery.
  EXPECT_THAT(waits_of("z"), ElementsAre(Wait{worker1_, 1, 0}, Wait{output_, 1, 1}));
  EXPECT_THAT(waits_of("slow"), IsEmpty());
}

// x must not overwrite what y and z of the step before read: z came after y, so z is enough; and y,
// which waits for this step's x, need not wait for z of the step before.
TEST_F(ThreeLanes, WaitsThatAreImpliedAcrossStepsGo) {
  EXPECT_THAT(waits_of("x"), ElementsAre(Wait{worker2_, 1, 1}));
}

// Before: x->y, x->z, y->z, z->output, and back y->x, z->x, z->y, output->z.
TEST_F(ThreeLanes, CountsWhatWasThereAndWhatIsLeft) {
  EXPECT_EQ(synchronised_.num_waits_before, 8);
  EXPECT_EQ(synchronised_.num_waits, 5);
  EXPECT_EQ(verify_synchronised(synchronised_), std::nullopt);
  // slow: 2 * 40^3 operations at 1 GFLOP/s / 4 workers
  EXPECT_EQ(synchronised_.interval_ns, 4 * 128000);
}

TEST_F(ThreeLanes, TheVerifierNamesADependencyWithoutAWait) {
  mutable_waits_of("y").clear();
  EXPECT_EQ(verify_synchronised(synchronised_), "'y' does not wait for 'x'");
}

TEST_F(ThreeLanes, TheVerifierNamesAWaitThatComesTooEarly) {
  mutable_waits_of("x") = {{worker2_, 1, 2}};
  EXPECT_EQ(verify_synchronised(synchronised_), "'x' does not wait for 'y'");
}

TEST_F(ThreeLanes, TheVerifierNamesAWaitTooMany) {
  mutable_waits_of("z").push_back({worker0_, 1, 0});
  EXPECT_EQ(verify_synchronised(synchronised_), "'z' has a wait that it does not need");
}

TEST_F(ThreeLanes, TheVerifierFindsACycle) {
  mutable_waits_of("x").push_back({worker2_, 1, 0});
  EXPECT_EQ(verify_synchronised(synchronised_), "the waits form a cycle");
}

TEST_F(ThreeLanes, TheTextNamesTheTaskThatIsWaitedFor) {
  EXPECT_THAT(print_synchronised(synchronised_),
              testing::StartsWith("sync g  5 waits of 8\n"
                                  "cpu.worker0  x  stage=0  wait(cpu.worker2, 1, 1: z)\n"
                                  "cpu.worker1  y  stage=0  wait(cpu.worker0, 1, 0: x)\n"));
}

/// What is ordered, for every pair of instructions.
std::vector<std::optional<int32_t>> all_distances(const LaneProgram& program, int32_t horizon) {
  const HappensBefore order(program, horizon);
  std::vector<std::optional<int32_t>> distances;
  for (const LaneId first : program.lanes.ids()) {
    for (size_t i = 0; i < program.lanes[first].size(); ++i) {
      for (const LaneId second : program.lanes.ids()) {
        for (size_t j = 0; j < program.lanes[second].size(); ++j) {
          distances.push_back(order.least_distance({first, static_cast<int32_t>(i)},
                                                   {second, static_cast<int32_t>(j)}));
        }
      }
    }
  }
  return distances;
}

TEST(RemoveRedundantWaits, NoPairGainsOrLosesItsOrder) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Schedule schedule = random_schedule(seed);
    const LaneProgram all = with_all_waits(scheduling_problem(schedule.tasks), schedule.solution,
                                           enforced_edges(schedule));
    const Synchronised synchronised =
        remove_redundant_waits(plan_of(schedule, random_machine(seed)));
    EXPECT_EQ(verify_synchronised(synchronised), std::nullopt);
    EXPECT_EQ(all_distances(synchronised.program, 8), all_distances(all, 8));
    EXPECT_LE(synchronised.num_waits, synchronised.num_waits_before);
  }
}

TEST(RemoveRedundantWaits, WithoutAnyWaitThatIsLeftADependencyIsLost) {
  for (unsigned seed = 1; seed <= 30; ++seed) {
    const Synchronised synchronised =
        remove_redundant_waits(plan_of(random_schedule(seed), random_machine(seed)));
    for (const LaneId lane : synchronised.program.lanes.ids()) {
      for (size_t i = 0; i < synchronised.program.lanes[lane].size(); ++i) {
        const size_t num_waits = synchronised.program.lanes[lane][i].waits.size();
        for (size_t wait = 0; wait < num_waits; ++wait) {
          Synchronised broken = synchronised;
          auto& waits = broken.program.lanes[lane][i].waits;
          waits.erase(waits.begin() + static_cast<std::ptrdiff_t>(wait));
          const Violation violation = verify_synchronised(broken);
          ASSERT_TRUE(violation) << "seed " << seed << ", lane " << lane.value() << ", " << i;
          EXPECT_THAT(*violation, testing::HasSubstr("does not wait for"));
        }
      }
    }
  }
}

}  // namespace
}  // namespace graphc

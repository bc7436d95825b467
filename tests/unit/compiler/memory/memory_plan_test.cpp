#include "compiler/memory/memory_plan.h"

#include <gtest/gtest.h>

#include "compiler/memory/sharing.h"
#include "tests/unit/compiler/schedule/levels.h"

namespace graphc {
namespace {

/// 8 bytes a nanosecond everywhere, two workers.
Machine two_workers(const std::string& memory = "1GiB") {
  return machine_of("machine: m\ndevices:\n  cpu: {kind: cpu, workers: 2, memory: " + memory +
                    ", rates: {matmul_f32: 1GFLOP/s, bytes: 1GB/s}, launch: 0ns}\n");
}

Schedule written_schedule(const Graph& graph, const Machine& machine, const std::string& text) {
  DiagnosticSink sink;
  auto schedule = parse_schedule(file_of("s.schedule", text), tasks_of(graph, machine), sink);
  CHECK(schedule, sink.render_all());
  return *std::move(schedule);
}

const PlannedBuffer& buffer_named(const MemoryPlan& plan, const std::string& name) {
  const PlacedGraph& placed = plan.schedule.tasks.placed;
  for (const PlannedBuffer& buffer : plan.buffers) {
    if (placed.values[buffer.value].name == name) return buffer;
  }
  CHECK(false, "no buffer " + name);
}

bool share_bytes(const MemoryPlan& plan, const std::string& first, const std::string& second) {
  const PlannedBuffer& a = buffer_named(plan, first);
  const PlannedBuffer& b = buffer_named(plan, second);
  return a.arena == b.arena && a.offset_bytes < b.offset_bytes + b.extent_bytes() &&
         b.offset_bytes < a.offset_bytes + a.extent_bytes();
}

/// A chain in which every second value can take the bytes of the one before the last.
constexpr const char* kChain =
    "graph g\n"
    "state %w : f32[100] init zeros\n"
    "%a = relu(%w)\n"
    "%b = tanh(%a)\n"
    "%c = relu(%b)\n"
    "%d = tanh(%c)\n"
    "output %d\n";

constexpr const char* kChainOnOneLane =
    "cpu.worker0  a  stage=0\ncpu.worker0  b  stage=0\ncpu.worker0  c  stage=0\n"
    "cpu.worker0  d  stage=0\noutput  output d  stage=0\n";

//   worker0   [a][b][c][d]        a is read by b, c is written after that, in every step
//   output              [d]
TEST(PlanMemory, ValuesOfDisjointLifetimeShareBytes) {
  const Machine machine = two_workers();
  const auto plan =
      plan_memory(written_schedule(graph_of(kChain), machine, kChainOnOneLane), machine);
  ASSERT_TRUE(plan);
  EXPECT_TRUE(share_bytes(*plan, "a@cpu", "c@cpu"));
  EXPECT_FALSE(share_bytes(*plan, "a@cpu", "b@cpu"));
  EXPECT_FALSE(share_bytes(*plan, "b@cpu", "c@cpu"));
  // 400 bytes, 512 aligned: w for itself, a and c, b, d (being delivered while a next step runs).
  EXPECT_EQ(plan->arenas[ArenaId(0)].size_bytes, 4 * 512);
  EXPECT_EQ(plan->arenas[ArenaId(0)].bound_bytes, 4 * 512);
  EXPECT_EQ(verify_memory_plan(*plan), std::nullopt);
}

//   worker0   [p][q]                       p is read by q, long before r is written:
//   worker1          [--- slow ---][r][s]  only by predicted times, and a late worker0 would
//                                          still read p when r is written over it
TEST(PlanMemory, PredictedTimesAloneDoNotSeparateTwoValues) {
  const std::string text =
      "graph g\n"
      "state %w : f32[100] init zeros\n"
      "state %m : f32[10, 10] init zeros\n"
      "%p = relu(%w)\n"
      "%q = tanh(%p)\n"
      "%slow = matmul(%m, %m)\n"
      "%r = relu(%slow)\n"
      "%s = tanh(%r)\n"
      "output %q\n"
      "output %s\n";
  const std::string side_by_side =
      "cpu.worker0  p  stage=0\ncpu.worker0  q  stage=0\n"
      "cpu.worker1  slow  stage=0\ncpu.worker1  r  stage=0\ncpu.worker1  s  stage=0\n"
      "output  output q  stage=0\noutput  output s  stage=0\n";
  const std::string one_behind_the_other =
      "cpu.worker0  p  stage=0\ncpu.worker0  q  stage=0\n"
      "cpu.worker0  slow  stage=0\ncpu.worker0  r  stage=0\ncpu.worker0  s  stage=0\n"
      "output  output q  stage=0\noutput  output s  stage=0\n";
  const Machine machine = two_workers();
  const Schedule apart = written_schedule(graph_of(text), machine, side_by_side);
  const TaskId q = task_named(apart.tasks, "q");
  const TaskId r = task_named(apart.tasks, "r");
  ASSERT_LT(apart.solution.tasks[q].end_ns, apart.solution.tasks[r].start_ns);
  const auto plan = plan_memory(apart, machine);
  ASSERT_TRUE(plan);
  EXPECT_FALSE(share_bytes(*plan, "p@cpu", "r@cpu"));
  EXPECT_FALSE(share_bytes(*plan, "p@cpu", "slow@cpu"));
  // The same times would allow it; the order of one lane does.
  const auto ordered =
      plan_memory(written_schedule(graph_of(text), machine, one_behind_the_other), machine);
  ASSERT_TRUE(ordered);
  const auto accesses = value_accesses(ordered->schedule);
  EXPECT_TRUE(may_share_bytes(accesses[buffer_named(*ordered, "p@cpu").value],
                              accesses[buffer_named(*ordered, "r@cpu").value],
                              enforced_order(ordered->schedule)));
}

/// x and h cross between the devices, w is used on both; y, z and v stay on the CPU.
constexpr const char* kBothDevices =
    "graph g\n"
    "input %x : f32[100]\n"
    "state %w : f32[100] init zeros\n"
    "state %v : f32[100] init zeros\n"
    "%h = add(%x, %w) device gpu0\n"
    "%y = relu(%h)\n"
    "%z = add(%y, %v)\n"
    "%w_new = add(%w, %z) updates %w\n"
    "output %z\n";

TEST(PlanMemory, WhatCopiesTouchOnTheHostIsPinnedAndNothingElse) {
  const Machine machine = star_machine();
  const auto plan = plan_memory(schedule_of(graph_of(kBothDevices), machine), machine);
  ASSERT_TRUE(plan);
  EXPECT_EQ(verify_memory_plan(*plan), std::nullopt);
  const auto kind_of = [&](const std::string& name) {
    return plan->arenas[buffer_named(*plan, name).arena].kind;
  };
  for (const char* name : {"x@cpu", "w@cpu", "h@cpu"}) {
    EXPECT_EQ(kind_of(name), MemoryKind::kPinned) << name;
  }
  for (const char* name : {"y@cpu", "z@cpu", "v@cpu"}) {
    EXPECT_EQ(kind_of(name), MemoryKind::kPageable) << name;
  }
  for (const char* name : {"x@gpu0", "w@gpu0", "h@gpu0"}) {
    EXPECT_EQ(kind_of(name), MemoryKind::kDevice) << name;
  }
  // None for gpu1, which has nothing to do.
  const DeviceId gpu0 = *machine.find_device("gpu0");
  ASSERT_EQ(plan->arenas.size(), 3U);
  EXPECT_EQ(plan->arenas[ArenaId(0)].device, machine.host());
  EXPECT_EQ(plan->arenas[ArenaId(1)].device, machine.host());
  EXPECT_EQ(plan->arenas[ArenaId(2)].device, gpu0);
  EXPECT_EQ(memory_of(*plan, machine.host()),
            plan->arenas[ArenaId(0)].size_bytes + plan->arenas[ArenaId(1)].size_bytes);
  EXPECT_EQ(memory_of(*plan, gpu0), plan->arenas[ArenaId(2)].size_bytes);
  EXPECT_EQ(memory_of(*plan, *machine.find_device("gpu1")), 0);
}

TEST(PlanMemory, AllArenasOfADeviceCountAgainstItsMemory) {
  Machine machine = star_machine();
  const Schedule schedule = schedule_of(graph_of(kBothDevices), machine);
  const auto plan = plan_memory(schedule, machine);
  ASSERT_TRUE(plan);
  const int64_t needed_bytes = memory_of(*plan, machine.host());
  for (const PlannedArena& arena : plan->arenas) EXPECT_LT(arena.size_bytes, needed_bytes);
  machine.devices[machine.host()].memory_bytes = needed_bytes;
  EXPECT_TRUE(plan_memory(schedule, machine));
  machine.devices[machine.host()].memory_bytes = needed_bytes - 1;
  const auto too_small = plan_memory(schedule, machine);
  ASSERT_FALSE(too_small);
  EXPECT_NE(too_small.error().message.find("(" + std::to_string(needed_bytes) + " bytes)"),
            std::string::npos)
      << too_small.error().message;
}

// What outlives a step or is there before the first one keeps its bytes to itself.
TEST(PlanMemory, StateConstantsVersionsAndResidentOutputsShareWithNobody) {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Machine machine = random_machine(seed);
    const auto plan = plan_memory(schedule_of(RandomGraph(seed).make(), machine), machine);
    ASSERT_TRUE(plan);
    EXPECT_EQ(verify_memory_plan(*plan), std::nullopt);
    const PlacedGraph& placed = plan->schedule.tasks.placed;
    for (const PlannedBuffer& buffer : plan->buffers) {
      EXPECT_EQ(buffer.offset_bytes % 256, 0);
      EXPECT_EQ(buffer.stride_bytes % 256, 0);
      const bool is_resident =
          std::any_of(placed.resident_outputs.begin(), placed.resident_outputs.end(),
                      [&](const auto& output) { return output && output->value == buffer.value; });
      if (!placed.is_filled_at_load(buffer.value) && buffer.versions == 1 && !is_resident) continue;
      for (const PlannedBuffer& other : plan->buffers) {
        if (other.value == buffer.value) continue;
        const std::string& name = placed.values[buffer.value].name;
        EXPECT_FALSE(share_bytes(*plan, name, placed.values[other.value].name)) << name;
      }
    }
    for (const PlannedArena& arena : plan->arenas) EXPECT_GE(arena.size_bytes, arena.bound_bytes);
  }
}

TEST(PlanMemory, ADeviceThatIsTooSmallIsRefusedWithBothSizes) {
  const Machine machine = two_workers("1KiB");
  const auto plan =
      plan_memory(written_schedule(graph_of(kChain), machine, kChainOnOneLane), machine);
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().kind, ErrorKind::kMachine);
  EXPECT_EQ(
      plan.error().message,
      "device 'cpu' of machine 'm' has 1.00 KiB of memory; this graph needs 2.00 KiB (2048 bytes) "
      "there; move operators to another device or use smaller batches");
}

TEST(PlanMemory, ADeviceThatIsJustLargeEnoughWillDo) {
  const Machine machine = two_workers("2KiB");
  EXPECT_TRUE(plan_memory(written_schedule(graph_of(kChain), machine, kChainOnOneLane), machine));
}

/// A valid plan to break.
class VerifyMemoryPlan : public testing::Test {
 protected:
  PlannedBuffer& buffer(const std::string& name) {
    return plan_.buffers[buffer_named(plan_, name).value];
  }

  Machine machine_ = two_workers();
  MemoryPlan plan_ =
      *plan_memory(written_schedule(graph_of(kChain), machine_, kChainOnOneLane), machine_);
};

TEST_F(VerifyMemoryPlan, AcceptsTheUnbrokenOne) {
  EXPECT_EQ(verify_memory_plan(plan_), std::nullopt);
}

TEST_F(VerifyMemoryPlan, AnOffsetThatIsNotAligned) {
  buffer("b@cpu").offset_bytes += 128;
  EXPECT_EQ(verify_memory_plan(plan_), "'b@cpu' is not aligned");
}

TEST_F(VerifyMemoryPlan, AStrideThatIsNotAligned) {
  buffer("b@cpu").stride_bytes = 400;
  EXPECT_EQ(verify_memory_plan(plan_), "'b@cpu' is not aligned");
}

TEST_F(VerifyMemoryPlan, ABufferThatIsTooSmall) {
  buffer("b@cpu").stride_bytes = 256;
  EXPECT_EQ(verify_memory_plan(plan_), "'b@cpu' is too small");
}

TEST_F(VerifyMemoryPlan, ABufferOutsideItsArena) {
  buffer("b@cpu").offset_bytes = plan_.arenas[ArenaId(0)].size_bytes - 256;
  EXPECT_EQ(verify_memory_plan(plan_), "'b@cpu' lies outside its arena");
}

TEST_F(VerifyMemoryPlan, TwoValuesInUseAtTheSameTime) {
  buffer("b@cpu").offset_bytes = buffer("a@cpu").offset_bytes;
  EXPECT_EQ(verify_memory_plan(plan_),
            "'a@cpu' and 'b@cpu' share bytes without an order between them");
}

TEST_F(VerifyMemoryPlan, AValueOverAState) {
  buffer("d@cpu").offset_bytes = buffer("w@cpu").offset_bytes;
  const std::string text = verify_memory_plan(plan_).value_or("");
  EXPECT_NE(text.find("share bytes, and one of them is filled in at load"), std::string::npos)
      << text;
  EXPECT_NE(text.find("'w@cpu'"), std::string::npos) << text;
}

TEST_F(VerifyMemoryPlan, AValueOverOneOfSeveralVersions) {
  // a and c share bytes rightly, until c gets a second version.
  plan_.arenas[ArenaId(0)].size_bytes += 4096;
  buffer("c@cpu").offset_bytes = buffer("a@cpu").offset_bytes = 4096;
  ASSERT_EQ(verify_memory_plan(plan_), std::nullopt);
  buffer("c@cpu").versions = 2;
  EXPECT_EQ(verify_memory_plan(plan_), "'a@cpu' and 'c@cpu' share bytes, one has several versions");
}

/// A valid plan over two devices to break.
class VerifyMemoryKinds : public testing::Test {
 protected:
  PlannedBuffer& buffer(const std::string& name) {
    return plan_.buffers[buffer_named(plan_, name).value];
  }

  Machine machine_ = star_machine();
  MemoryPlan plan_ = *plan_memory(schedule_of(graph_of(kBothDevices), machine_), machine_);
};

TEST_F(VerifyMemoryKinds, ACopyFromPageableMemory) {
  const ArenaId pageable = buffer("v@cpu").arena;
  buffer("x@cpu").offset_bytes = plan_.arenas[pageable].size_bytes;
  buffer("x@cpu").arena = pageable;
  plan_.arenas[pageable].size_bytes += 4096;
  EXPECT_EQ(verify_memory_plan(plan_),
            "'x@cpu' is copied by 'x -> gpu0' and lies in pageable memory");
}

TEST_F(VerifyMemoryKinds, ACopyIntoPageableMemory) {
  const ArenaId pageable = buffer("v@cpu").arena;
  buffer("h@cpu").offset_bytes = plan_.arenas[pageable].size_bytes;
  buffer("h@cpu").arena = pageable;
  plan_.arenas[pageable].size_bytes += 4096;
  EXPECT_EQ(verify_memory_plan(plan_),
            "'h@cpu' is copied by 'h -> cpu' and lies in pageable memory");
}

TEST_F(VerifyMemoryKinds, AValueOnAnotherDevice) {
  buffer("z@cpu").arena = buffer("h@gpu0").arena;
  buffer("z@cpu").offset_bytes = 0;
  EXPECT_EQ(verify_memory_plan(plan_), "'z@cpu' lies on another device than its own");
}

/// Two lanes; `waits` of the first instruction of lane 1.
LaneProgram two_lanes(std::vector<Wait> waits) {
  LaneProgram program;
  program.lanes.resize(2);
  program.shared.resize(2);
  program.lanes[LaneId(0)] = {{0, {}, {}}, {0, {}, {}}};
  program.lanes[LaneId(1)] = {{0, std::move(waits), {}}};
  return program;
}

const ValueAccess kFirst{{LaneId(0), 0}, 0};
const ValueAccess kSecond{{LaneId(0), 1}, 0};
const ValueAccess kOther{{LaneId(1), 0}, 0};

//   lane 0   [a][b]  [a][b]      a before b, b before the next a
TEST(MayShareBytes, OnOneLaneInTurn) {
  const HappensBefore order(two_lanes({}), 2);
  EXPECT_TRUE(may_share_bytes({kFirst}, {kSecond}, order));
  // With an access of a after b, each is in the other's way.
  EXPECT_FALSE(may_share_bytes({kFirst, {{LaneId(0), 1}, 0}}, {kSecond}, order));
}

//   lane 0   [a][ ]   [a][ ]     lane 1 waits for a of its interval, but the next a does not wait
//   lane 1     [b]      [b]      for b
TEST(MayShareBytes, OneWayIsNotEnough) {
  LaneProgram program = two_lanes({{LaneId(0), 1, 0}});
  EXPECT_FALSE(may_share_bytes({kFirst}, {kOther}, HappensBefore(program, 2)));
  program.lanes[LaneId(0)][0].waits = {{LaneId(1), 1, 1}};  // the way back
  EXPECT_TRUE(may_share_bytes({kFirst}, {kOther}, HappensBefore(program, 2)));
  program.lanes[LaneId(0)][0].waits = {{LaneId(1), 1, 2}};  // one step too late
  EXPECT_FALSE(may_share_bytes({kFirst}, {kOther}, HappensBefore(program, 3)));
}

// b of a later stage touches the value of step s one interval later; the order in intervals is what
// decides, whichever step's value comes in between.
TEST(MayShareBytes, StagesOnlyShiftTheSteps) {
  const HappensBefore order(two_lanes({}), 3);
  EXPECT_TRUE(may_share_bytes({kFirst}, {{{LaneId(0), 1}, 1}}, order));
  // Accesses of two different intervals to one value never leave room for another one.
  EXPECT_FALSE(may_share_bytes({kFirst, {{LaneId(0), 0}, 1}}, {kSecond}, order));
}

}  // namespace
}  // namespace graphc

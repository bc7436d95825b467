#include "compiler/memory/memory_plan.h"

#include <gtest/gtest.h>

#include "tests/unit/compiler/memory/memory_plans.h"

namespace graphc {
namespace {

/// A chain in which every second value can take the bytes of the one before the last; no product is
/// written over what it is made of.
constexpr const char* kProducts =
    "graph g\n"
    "state %w : f32[10, 10] init zeros\n"
    "%a = matmul(%w, %w)\n"
    "%b = matmul(%a, %w)\n"
    "%c = matmul(%b, %w)\n"
    "%d = matmul(%c, %w)\n"
    "output %d\n";

//   worker0   [a][b][c][d]        a is read by b, c is written after that, in every step
//   output              [d]
TEST(PlanMemory, ValuesOfDisjointLifetimeShareBytes) {
  const Machine machine = two_workers();
  const MemoryPlan plan =
      plan_of(written_schedule(graph_of(kProducts), machine, kChainOnOneLane), machine);
  EXPECT_TRUE(share_bytes(plan, "a@cpu", "c@cpu"));
  EXPECT_FALSE(share_bytes(plan, "a@cpu", "b@cpu"));
  EXPECT_FALSE(share_bytes(plan, "b@cpu", "c@cpu"));
  // 400 bytes, 512 aligned: w for itself, a and c, b, d (being delivered while a next step runs).
  EXPECT_EQ(plan.arenas[ArenaId(0)].size_bytes, 4 * 512);
  EXPECT_EQ(plan.arenas[ArenaId(0)].bound_bytes, 4 * 512);
  EXPECT_EQ(verify_memory_plan(plan), std::nullopt);
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
  const MemoryPlan plan = plan_of(apart, machine);
  EXPECT_FALSE(share_bytes(plan, "p@cpu", "r@cpu"));
  EXPECT_FALSE(share_bytes(plan, "p@cpu", "slow@cpu"));
  // The same times would allow it; the order of one lane does.
  const MemoryPlan ordered =
      plan_of(written_schedule(graph_of(text), machine, one_behind_the_other), machine);
  const MessageLanes lanes(ordered.schedule);
  const auto accesses = value_accesses(ordered.schedule, lanes);
  const HappensBefore order = enforced_order(ordered.schedule, lanes);
  EXPECT_TRUE(are_disjoint_in_time(ordered.schedule->tasks->placed,
                                   accesses[buffer_named(ordered, "p@cpu").value],
                                   accesses[buffer_named(ordered, "r@cpu").value],
                                   ShareKind::kDisjointInTime, distances_in(order)));
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
  const MemoryPlan plan = plan_of(schedule_of(graph_of(kBothDevices), machine), machine);
  EXPECT_EQ(verify_memory_plan(plan), std::nullopt);
  const auto kind_of = [&](const std::string& name) {
    return plan.arenas[buffer_named(plan, name).arena].kind;
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
  ASSERT_EQ(plan.arenas.size(), 3U);
  EXPECT_EQ(plan.arenas[ArenaId(0)].device, machine.host());
  EXPECT_EQ(plan.arenas[ArenaId(1)].device, machine.host());
  EXPECT_EQ(plan.arenas[ArenaId(2)].device, gpu0);
  EXPECT_EQ(peak_bytes(plan, machine.host()),
            plan.arenas[ArenaId(0)].size_bytes + plan.arenas[ArenaId(1)].size_bytes);
  EXPECT_EQ(peak_bytes(plan, gpu0), plan.arenas[ArenaId(2)].size_bytes);
  EXPECT_EQ(peak_bytes(plan, *machine.find_device("gpu1")), 0);
}

TEST(PlanMemory, AllArenasOfADeviceCountAgainstItsLimit) {
  const Machine machine = star_machine();
  const MemoryPlan plan = plan_of(schedule_of(graph_of(kBothDevices), machine), machine);
  const int64_t needed_bytes = peak_bytes(plan, machine.host());
  for (const PlannedArena& arena : plan.arenas) EXPECT_LT(arena.size_bytes, needed_bytes);
  MemoryLimits limits = memory_of(machine);
  limits[machine.host()] = needed_bytes;
  EXPECT_FALSE(find_excess(plan, limits));
  limits[machine.host()] = needed_bytes - 1;
  const auto excess = find_excess(plan, limits);
  ASSERT_TRUE(excess);
  EXPECT_EQ(excess->needed_bytes, needed_bytes);
}

// What outlives a step or is there before the first one keeps its bytes to itself.
TEST(PlanMemory, StateConstantsVersionsAndResidentOutputsShareWithNobody) {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Machine machine = random_machine(seed);
    const MemoryPlan plan = plan_of(schedule_of(RandomGraph(seed).make(), machine), machine);
    EXPECT_EQ(verify_memory_plan(plan), std::nullopt);
    const PlacedGraph& placed = plan.schedule->tasks->placed;
    for (const PlannedBuffer& buffer : plan.buffers) {
      EXPECT_EQ(buffer.offset_bytes % 256, 0);
      EXPECT_EQ(buffer.stride_bytes % 256, 0);
      const bool is_resident =
          std::any_of(placed.resident_outputs.begin(), placed.resident_outputs.end(),
                      [&](const auto& output) { return output && output->value == buffer.value; });
      if (!placed.is_filled_at_load(buffer.value) && buffer.versions == 1 && !is_resident) continue;
      for (const PlannedBuffer& other : plan.buffers) {
        if (other.value == buffer.value) continue;
        const std::string& name = placed.values[buffer.value].name;
        EXPECT_FALSE(share_bytes(plan, name, placed.values[other.value].name)) << name;
      }
    }
    for (const PlannedArena& arena : plan.arenas) EXPECT_GE(arena.size_bytes, arena.bound_bytes);
  }
}

/// Every pair of buffers, every pair of accesses: dumber than verify_memory_plan, on purpose.
void expect_all_pairs_take_turns(const MemoryPlan& plan) {
  const PlacedGraph& placed = plan.schedule->tasks->placed;
  const MessageLanes lanes(plan.schedule);
  const auto accesses = value_accesses(plan.schedule, lanes);
  const HappensBefore order = enforced_order(plan.schedule, lanes, plan.reuse_edges);
  for (const PlannedBuffer& a : plan.buffers) {
    for (const PlannedBuffer& b : plan.buffers) {
      if (b.value >= a.value || !share_bytes(a, b)) continue;
      EXPECT_TRUE(are_disjoint_in_time(placed, accesses[a.value], accesses[b.value],
                                       share_kind(plan, a.value, b.value), distances_in(order)))
          << placed.values[a.value].name << " and " << placed.values[b.value].name;
    }
  }
}

// With pairs and, where there are too many, by lives alone; with room and without, so that all
// policies are tried.
TEST(PlanMemory, WhateverSharesBytesTakesTurns) {
  int num_larger = 0;
  for (unsigned seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Machine machine = random_machine(seed);
    const Shared<Schedule> schedule = schedule_of(RandomGraph(seed).make(), machine);
    const MemoryLimits roomy = memory_of(machine);
    const MemoryLimits tight(roomy.size(), 0);
    for (const MemoryLimits& limits : {roomy, tight}) {
      const MemoryPlan by_pairs = plan_memory(schedule, limits);
      const MemoryPlan by_lives = plan_memory(schedule, limits, {0, 0});
      for (const MemoryPlan* plan : {&by_pairs, &by_lives}) {
        EXPECT_EQ(verify_memory_plan(*plan), std::nullopt);
        expect_all_pairs_take_turns(*plan);
      }
      for (const DeviceId device : machine.devices.ids()) {
        num_larger += peak_bytes(by_lives, device) > peak_bytes(by_pairs, device) ? 1 : 0;
      }
    }
  }
  EXPECT_GT(num_larger, 0);  // by lives alone is another way
}

TEST(PlanMemory, OfAGraphWithoutTasks) {
  const Machine machine = two_workers("1GiB");
  const Graph graph = graph_of(
      "graph g\n"
      "state %a : f32[4] init zeros\n"
      "state %b : f32[4] init zeros\n"
      "output %a on cpu\n"
      "output %b on cpu\n");
  const MemoryPlan plan = plan_of(schedule_of(graph, machine), machine);
  EXPECT_EQ(verify_memory_plan(plan), std::nullopt);
}

TEST(PlanMemory, ADeviceThatIsTooSmallIsFound) {
  const Machine machine = two_workers("1KiB");
  const MemoryPlan plan =
      plan_of(written_schedule(graph_of(kProducts), machine, kChainOnOneLane), machine);
  const auto excess = find_excess(plan, memory_of(machine));
  ASSERT_TRUE(excess);
  EXPECT_EQ(excess->device, machine.host());
  EXPECT_EQ(excess->limit_bytes, 1024);
  EXPECT_EQ(excess->needed_bytes, peak_bytes(plan, DeviceId(0)));
}

TEST(PlanMemory, ADeviceThatIsJustLargeEnoughWillDo) {
  const Machine machine = two_workers("2KiB");
  const MemoryPlan plan =
      plan_of(written_schedule(graph_of(kProducts), machine, kChainOnOneLane), machine);
  EXPECT_FALSE(find_excess(plan, memory_of(machine)));
  EXPECT_TRUE(plan.reuse_edges.empty());
}

/// A valid plan to break.
class VerifyMemoryPlan : public testing::Test {
 protected:
  PlannedBuffer& buffer(const std::string& name) {
    return plan_.buffers[buffer_named(plan_, name).value];
  }

  Machine machine_ = two_workers();
  MemoryPlan plan_ =
      plan_of(written_schedule(graph_of(kProducts), machine_, kChainOnOneLane), machine_);
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
  MemoryPlan plan_ = plan_of(schedule_of(graph_of(kBothDevices), machine_), machine_);
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
  program.resources.resize(2);
  program.lanes[LaneId(0)] = {{0, {}, {}}, {0, {}, {}}};
  program.lanes[LaneId(1)] = {{0, std::move(waits), {}}};
  return program;
}

bool may_share_bytes(const std::vector<ValueAccess>& a, const std::vector<ValueAccess>& b,
                     const HappensBefore& order) {
  return are_disjoint_in_time({}, a, b, ShareKind::kDisjointInTime, distances_in(order));
}

ValueAccess access(int32_t lane, int32_t index, int32_t interval_offset) {
  ValueAccess access;
  access.position = {LaneId(lane), index};
  access.interval_offset = interval_offset;
  return access;
}

const ValueAccess kFirst = access(0, 0, 0);
const ValueAccess kSecond = access(0, 1, 0);
const ValueAccess kOther = access(1, 0, 0);

//   lane 0   [a][b]  [a][b]      a before b, b before the next a
TEST(MayShareBytes, OnOneLaneInTurn) {
  const HappensBefore order(two_lanes({}), 2);
  EXPECT_TRUE(may_share_bytes({kFirst}, {kSecond}, order));
  // With an access of a after b, each is in the other's way.
  EXPECT_FALSE(may_share_bytes({kFirst, access(0, 1, 0)}, {kSecond}, order));
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
  EXPECT_TRUE(may_share_bytes({kFirst}, {access(0, 1, 1)}, order));
  // Accesses of two different intervals to one value never leave room for another one.
  EXPECT_FALSE(may_share_bytes({kFirst, access(0, 0, 1)}, {kSecond}, order));
}

}  // namespace
}  // namespace graphc

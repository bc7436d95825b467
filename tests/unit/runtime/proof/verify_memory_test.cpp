#include "runtime/proof/verify_memory.h"

#include <gtest/gtest.h>

#include "tests/unit/runtime/plan/small_plans.h"

namespace graphrt {
namespace {

/// What the whole verifier says: both checks are part of it.
std::string verdict(const Plan& plan) {
  const auto violation = verify_plan(plan);
  if (!violation) return "accepted";
  EXPECT_EQ(violation->kind, PlanViolationKind::kStructure);
  return violation->message;
}

std::string arena_fault(int32_t arena, MemoryKind kind) {
  Plan plan = training_plan().plan;
  plan.arenas[ArenaId(arena)].kind = kind;
  return verdict(plan);
}

TEST(VerifyMemory, KnowsWhichDeviceHasWhichKindOfMemory) {
  EXPECT_EQ(arena_fault(0, MemoryKind::kPinned), "accepted");
  EXPECT_EQ(arena_fault(1, MemoryKind::kDevice), "accepted");
  EXPECT_EQ(arena_fault(0, MemoryKind::kDevice),
            "structure: arena 0 on 'cpu' is device memory; that of the host is pinned or pageable");
  EXPECT_EQ(arena_fault(1, MemoryKind::kPinned),
            "structure: arena 1 on 'gpu0' is pinned memory; only the host has that");
  EXPECT_EQ(arena_fault(1, MemoryKind::kPageable),
            "structure: arena 1 on 'gpu0' is pageable memory; only the host has that");
}

/// The training plan with one of its buffers on the host moved to a pageable arena of its own.
Plan with_pageable(const std::string& name) {
  Plan plan = training_plan().plan;
  const ArenaId pageable = plan.arenas.push_back({kHostDevice, MemoryKind::kPageable, 512});
  for (PlanBuffer& buffer : plan.buffers) {
    if (buffer.name != name) continue;
    buffer.arena = pageable;
    buffer.offset_bytes = 0;
  }
  return plan;
}

TEST(VerifyMemory, RefusesCopiesFromPageableMemory) {
  EXPECT_EQ(verdict(with_pageable("x@cpu")),
            "structure: 'x -> gpu0' (cpu->gpu0) reads buffer 'x@cpu' in pageable memory; copies "
            "need the host's memory pinned");
  // Read by a copy and by a kernel, written by a kernel: the copy is what counts.
  EXPECT_EQ(verdict(with_pageable("w@cpu")),
            "structure: 'w -> gpu0' (cpu->gpu0) reads buffer 'w@cpu' in pageable memory; copies "
            "need the host's memory pinned");
}

TEST(VerifyMemory, RefusesCopiesIntoPageableMemory) {
  EXPECT_EQ(verdict(with_pageable("g@cpu")),
            "structure: 'g -> cpu' (gpu0->cpu) writes buffer 'g@cpu' in pageable memory; copies "
            "need the host's memory pinned");
}

TEST(VerifyMemory, NamesTheCopy) {
  const TrainingPlan p = training_plan();
  Plan plan = with_pageable("g@cpu");
  const auto violation = find_unpinned_copy(plan, lane_positions(plan));
  ASSERT_TRUE(violation);
  EXPECT_EQ(violation->first, p.send_g);
  EXPECT_EQ(violation->second, std::nullopt);
}

// What no copy touches may be in either; a device may have arenas of both kinds, and several of
// one.
TEST(VerifyMemory, TakesPageableMemoryForEverythingElse) {
  PlanBuilder b;
  const ArenaId pageable = b.arena(kHostDevice, MemoryKind::kPageable);
  const ArenaId second = b.arena(kHostDevice, MemoryKind::kPageable);
  const BufferId x = b.buffer_at("x", 0, pageable);
  const BufferId y = b.buffer_at("y", 0, second);
  const BufferId z = b.buffer("z");
  const LaneId feeds = b.lane("feeds", LaneKind::kFeed);
  const LaneId worker = b.lane("worker");
  const LaneId outputs = b.lane("outputs", LaneKind::kOutput);
  const auto fed = b.feed(feeds, "x", x);
  const auto made = b.kernel(worker, "y", "relu", {{x}}, y);
  b.kernel(worker, "z", "relu", {{y}}, z);
  const auto handed_out = b.output(outputs, "y", {y});
  b.wait(fed, worker, 1, 1);
  b.wait(made, feeds, 1);
  b.wait(made, outputs, 1, 1);
  b.wait(handed_out, worker, 1);
  EXPECT_EQ(verdict(b.build()), "accepted");
}

}  // namespace
}  // namespace graphrt

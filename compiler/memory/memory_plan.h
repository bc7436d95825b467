#pragma once

#include <string>

#include "compiler/memory/arena_packing.h"
#include "compiler/schedule/schedule.h"
#include "runtime/plan/plan.h"

namespace graphc {

/// A buffer for one placed value: all its versions, one after the other.
struct PlannedBuffer {
  PlacedValueId value;
  ArenaId arena;
  int64_t offset_bytes = 0;
  int64_t stride_bytes = 0;  ///< of one version, aligned
  int32_t versions = 1;
  int64_t extent_bytes() const { return stride_bytes * versions; }
};

struct PlannedArena {
  DeviceId device;
  MemoryKind kind = MemoryKind::kDevice;
  int64_t size_bytes = 0;
  int64_t bound_bytes = 0;  ///< no plan under the same order needs less
};

/// Level 5: an arena for each kind of memory that a device's values need, and an offset and a
/// number of versions for every buffer.
struct MemoryPlan {
  Schedule schedule;
  IdVector<PlacedValueId, PlannedBuffer> buffers;
  IdVector<ArenaId, PlannedArena> arenas;  ///< by device, then kind; none is empty
};

/// All arenas of a device together.
int64_t memory_of(const MemoryPlan& plan, DeviceId device);

/// Gives every value its bytes. Two values share bytes only if all accesses of one come, in every
/// step, before all accesses of the other by an order that data and version edges enforce anyway,
/// and the other way round for the next step; predicted times play no part.
///
/// Values of the host that take part in a copy lie in pinned memory, its others in pageable memory.
/// State, constants, values with several versions and outputs that stay on a device share with
/// nobody.
///
/// Runs after:  schedule_tasks - the order decides who may share.
/// Runs before: remove_redundant_waits, which keeps the order.
/// Ensures:     verify_memory_plan passes.
/// Errors:      a device whose arenas exceed its memory (names both sizes).
Result<MemoryPlan> plan_memory(const Schedule& schedule, const Machine& machine);

/// Checks alignment, arena bounds, that values lie on their devices and copied ones of the host in
/// pinned memory, and for every pair of buffers that share bytes that every pair
/// of their accesses is ordered, in every step.
Violation verify_memory_plan(const MemoryPlan& plan);

std::string print_memory_plan(const MemoryPlan& plan, const Machine& machine);

}  // namespace graphc

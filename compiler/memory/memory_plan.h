#pragma once

#include <string>

#include "compiler/memory/arena_packing.h"
#include "compiler/schedule/schedule.h"

namespace graphc {

/// A buffer for one placed value: all its versions, one after the other.
struct PlannedBuffer {
  PlacedValueId value;
  DeviceId device;
  int64_t offset_bytes = 0;
  int64_t stride_bytes = 0;  ///< of one version, aligned
  int32_t versions = 1;
  int64_t extent_bytes() const { return stride_bytes * versions; }
};

struct PlannedArena {
  DeviceId device;
  int64_t size_bytes = 0;
  int64_t bound_bytes = 0;  ///< no plan under the same order needs less
};

/// Level 5: an arena a device, and an offset and a number of versions for every buffer.
struct MemoryPlan {
  Schedule schedule;
  IdVector<PlacedValueId, PlannedBuffer> buffers;
  IdVector<DeviceId, PlannedArena> arenas;
};

/// Gives every value its bytes. Two values share bytes only if all accesses of one come, in every
/// step, before all accesses of the other by an order that data and version edges enforce anyway,
/// and the other way round for the next step; predicted times play no part.
///
/// State, constants, values with several versions and outputs that stay on a device share with
/// nobody.
///
/// Runs after:  schedule_tasks - the order decides who may share.
/// Runs before: remove_redundant_waits, which keeps the order.
/// Ensures:     verify_memory_plan passes.
/// Errors:      a device whose arena exceeds its memory (names both sizes).
Result<MemoryPlan> plan_memory(const Schedule& schedule, const Machine& machine);

/// Checks alignment, arena bounds, and for every pair of buffers that share bytes that every pair
/// of their accesses is ordered, in every step.
Violation verify_memory_plan(const MemoryPlan& plan);

/// Arena by arena: its size and bound, its peak with what is alive then, and every buffer.
std::string print_memory_plan(const MemoryPlan& plan, const Machine& machine);

}  // namespace graphc

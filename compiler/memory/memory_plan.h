#pragma once

#include <string>

#include "compiler/memory/sharing.h"
#include "compiler/solve/packing/arena_packing.h"
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
  Shared<Schedule> schedule;
  IdVector<PlacedValueId, PlannedBuffer> buffers;
  IdVector<ArenaId, PlannedArena> arenas;  ///< by device, then kind; none is empty
  /// Beside those of the schedule: they keep values apart that share bytes.
  std::vector<SchedulingEdge> reuse_edges = {};
};

/// Pairs of values, or chains of them, that conflict: an arena with more is packed by lives
/// alone, as time lines are, which may take more bytes.
struct PairBudget {
  int64_t to_begin_with = 2'000'000;
  int64_t per_chain = 1'000;
};

/// Gives every value its bytes. Two values share bytes only if they are disjoint in time: all accesses of one
/// come, in every step, before all accesses of the other by an order that is enforced, and the
/// other way round for the next step. On a device where the order of data and versions alone
/// exceeds the limit, dependencies are added: first such as the schedule predicts anyway, then any.
/// An operator that works in place may write over its operand where nobody reads that later.
///
/// Values of the host that take part in a copy lie in pinned memory, its others in pageable memory.
/// State, constants, values with several versions and outputs that stay on a device share with
/// nobody.
///
/// Runs after:  schedule_tasks - the order decides who may share.
/// Runs before: remove_redundant_waits, which keeps the order.
/// Ensures:     verify_memory_plan passes. An arena is above its limit only if no policy above kept
///              it below: find_excess tells.
/// Cost:        O(n log n) for n values, and that of the pairs that cannot share, up to `budget`.
MemoryPlan plan_memory(const Shared<Schedule>& schedule, const MemoryLimits& limits,
                       const PairBudget& budget = {});

/// Bytes that the plan takes of a device, from load to the end.
int64_t peak_bytes(const MemoryPlan& plan, DeviceId device);

/// A device of which the plan takes more than it may.
struct MemoryExcess {
  DeviceId device;
  int64_t needed_bytes = 0;
  int64_t limit_bytes = 0;
};
/// The first one, in the order of devices.
std::optional<MemoryExcess> find_excess(const MemoryPlan& plan, const MemoryLimits& limits);

bool share_bytes(const PlannedBuffer& a, const PlannedBuffer& b);
/// How they would share: kInPlace if they lie in the same bytes.
ShareKind share_kind(const MemoryPlan& plan, PlacedValueId a, PlacedValueId b);
/// From the first byte of `a` to that of `b`. Requires: they lie in one arena.
int64_t shift_bytes(const MemoryPlan& plan, PlacedValueId a, PlacedValueId b);

/// All dependencies that the plan has to enforce.
std::vector<SchedulingEdge> enforced_edges(const MemoryPlan& plan);

/// Checks alignment, arena bounds, that values lie on their devices and copied ones of the host in
/// pinned memory, and for every pair of buffers that share bytes that every pair
/// of their accesses is ordered, in every step.
Violation verify_memory_plan(const MemoryPlan& plan);

/// Arena by arena: its size and bound, its peak with what is alive then, and every buffer.
std::string print_memory_plan(const MemoryPlan& plan, const Machine& machine);

}  // namespace graphc

#include "compiler/memory/memory_plan.h"
#include "compiler/memory/passed_bytes.h"

namespace graphc {
namespace {

bool is_pageable(const MemoryPlan& plan, PlacedValueId value) {
  return plan.arenas[plan.buffers[value].arena].kind == MemoryKind::kPageable;
}

Violation find_unpinned_copy(const MemoryPlan& plan) {
  const PlacedGraph& placed = plan.schedule->tasks->placed;
  for (const PlacedOp& op : placed.ops) {
    if (op.kind != PlacedOpKind::kCopy) continue;
    for (const PlacedValueId value : {op.reads[0].value, op.writes.front()}) {
      if (!is_pageable(plan, value)) continue;
      return "'" + placed.values[value].name + "' is copied by '" + op.name +
             "' and lies in pageable memory";
    }
  }
  return std::nullopt;
}

/// Of two values that may not share bytes and do.
Violation find_meeting(const MemoryPlan& plan) {
  const PlacedGraph& placed = plan.schedule->tasks->placed;
  const MessageLanes lanes(plan.schedule);
  const auto accesses = value_accesses(plan.schedule, lanes);
  const auto outer = outer_accesses(accesses);
  const HappensBefore order = enforced_order(plan.schedule, lanes, plan.reuse_edges);
  const ReuseOrder reuse(plan.schedule, lanes, order);
  for (const ArenaId arena : plan.arenas.ids()) {
    for (const auto& [from, to, steps] : hand_overs_in(plan, arena, reuse, accesses)) {
      const std::string pair =
          "'" + placed.values[from].name + "' and '" + placed.values[to].name + "'";
      if (placed.is_filled_at_load(from) || placed.is_filled_at_load(to)) {
        return pair + " share bytes, and one of them is filled in at load";
      }
      if (plan.buffers[from].versions > 1 || plan.buffers[to].versions > 1) {
        return pair + " share bytes, one has several versions";
      }
      const auto reuse_distance =
          find_reuse_distance(placed, outer[from].last, outer[to].first, share_kind(plan, from, to),
                              distances_in(order), shift_bytes(plan, from, to));
      if (!reuse_distance || *reuse_distance > steps)
        return pair + " share bytes without an order between them";
    }
  }
  return std::nullopt;
}

}  // namespace

Violation verify_memory_plan(const MemoryPlan& plan) {
  const PlacedGraph& placed = plan.schedule->tasks->placed;
  for (const PlannedBuffer& a : plan.buffers) {
    const std::string& name = placed.values[a.value].name;
    if (a.offset_bytes % kBufferAlignmentBytes != 0 ||
        a.stride_bytes % kBufferAlignmentBytes != 0) {
      return "'" + name + "' is not aligned";
    }
    if (a.stride_bytes < placed.type_of(a.value).size_bytes()) return "'" + name + "' is too small";
    if (a.offset_bytes < 0 || a.offset_bytes + a.extent_bytes() > plan.arenas[a.arena].size_bytes) {
      return "'" + name + "' lies outside its arena";
    }
    if (plan.arenas[a.arena].device != placed.values[a.value].device) {
      return "'" + name + "' lies on another device than its own";
    }
  }
  if (const Violation meeting = find_meeting(plan)) return meeting;
  return find_unpinned_copy(plan);
}

}  // namespace graphc

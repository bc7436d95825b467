#include "runtime/proof/verify_memory.h"

#include <fmt/format.h>

#include "runtime/plan/plan_names.h"
#include "runtime/proof/structure_violation.h"

namespace graphrt {
namespace {

using Violation = std::optional<PlanViolation>;

/// Divides rather than multiplies, so that no number in a file can make it overflow.
bool is_inside_arena(const PlanBuffer& buffer, int64_t arena_bytes) {
  if (buffer.offset_bytes < 0 || buffer.offset_bytes > arena_bytes) return false;
  const int64_t room_bytes = arena_bytes - buffer.offset_bytes - buffer.type.size_bytes();
  if (room_bytes < 0 || buffer.versions == 1) return room_bytes >= 0;
  return room_bytes / (buffer.versions - 1) >= buffer.stride_bytes;
}

Violation check_arenas(const Plan& plan) {
  for (const ArenaId id : plan.arenas.ids()) {
    const PlanArena& arena = plan.arenas[id];
    const bool is_of_host = is_host_device(plan, arena.device);
    if (is_of_host != (arena.kind == MemoryKind::kDevice)) continue;
    return structure_violation(fmt::format(
        "arena {} on '{}' is {} memory; {}", id.value(), plan.devices[arena.device].name,
        name_of(arena.kind),
        is_of_host ? "that of the host is pinned or pageable" : "only the host has that"));
  }
  return std::nullopt;
}

Violation check_buffer(const PlanBuffer& buffer, int64_t arena_bytes) {
  const int64_t size_bytes = buffer.type.size_bytes();
  const bool is_aligned =
      buffer.offset_bytes % kBufferAlignmentBytes == 0 &&
      (buffer.versions == 1 || buffer.stride_bytes % kBufferAlignmentBytes == 0);
  if (!is_aligned) {
    return structure_violation(
        fmt::format("buffer '{}' at {} with stride {} is not aligned to {} bytes", buffer.name,
                    buffer.offset_bytes, buffer.stride_bytes, kBufferAlignmentBytes));
  }
  if (buffer.stride_bytes < size_bytes) {
    return structure_violation(
        fmt::format("versions of buffer '{}' are {} bytes apart and {} bytes long", buffer.name,
                    buffer.stride_bytes, size_bytes));
  }
  if (is_inside_arena(buffer, arena_bytes)) return std::nullopt;
  return structure_violation(fmt::format(
      "buffer '{}' at {}, {} versions of {} bytes, does not fit into its arena of {} bytes",
      buffer.name, buffer.offset_bytes, buffer.versions, size_bytes, arena_bytes));
}

/// Whether copies need the buffer elsewhere than it is.
bool is_pageable(const Plan& plan, BufferId buffer) {
  return plan.arenas[plan.buffers[buffer].arena].kind == MemoryKind::kPageable;
}

}  // namespace

std::optional<PlanViolation> find_memory_violation(const Plan& plan) {
  if (Violation violation = check_arenas(plan)) return violation;
  for (const PlanBuffer& buffer : plan.buffers) {
    if (Violation violation = check_buffer(buffer, plan.arenas[buffer.arena].size_bytes)) {
      return violation;
    }
  }
  return std::nullopt;
}

std::optional<PlanViolation> find_unpinned_copy(
    const Plan& plan, const IdVector<InstructionId, LanePosition>& positions) {
  const auto unpinned = [&](InstructionId copy, std::string_view verb, BufferId buffer) {
    return structure_violation(
        plan, positions, copy,
        fmt::format(
            "{} buffer '{}' in pageable memory; {} need the host's memory pinned", verb,
            plan.buffers[buffer].name,
            plan.instructions[copy].kind == InstructionKind::kCopy ? "copies" : "messages"));
  };
  for (const InstructionId id : plan.instructions.ids()) {
    const Instruction& instruction = plan.instructions[id];
    const bool is_message = is_message_lane(plan.lanes[positions[id].lane].kind);
    if (instruction.kind != InstructionKind::kCopy && !is_message) continue;
    for (const Operand& read : instruction.reads) {
      if (is_pageable(plan, read.buffer)) return unpinned(id, "reads", read.buffer);
    }
    for (const BufferId buffer : instruction.writes) {
      if (is_pageable(plan, buffer)) return unpinned(id, "writes", buffer);
    }
  }
  return std::nullopt;
}

}  // namespace graphrt

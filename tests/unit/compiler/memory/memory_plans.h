#pragma once

#include <string>

#include "compiler/memory/memory_plan.h"
#include "tests/unit/compiler/memory/written_schedules.h"

namespace graphc {

inline const PlannedBuffer& buffer_named(const MemoryPlan& plan, const std::string& name) {
  const PlacedGraph& placed = plan.schedule->tasks->placed;
  for (const PlannedBuffer& buffer : plan.buffers) {
    if (placed.values[buffer.value].name == name) return buffer;
  }
  CHECK(false, "no buffer " + name);
}

inline bool share_bytes(const MemoryPlan& plan, const std::string& first,
                        const std::string& second) {
  return share_bytes(buffer_named(plan, first), buffer_named(plan, second));
}

inline MemoryPlan plan_of(const Schedule& schedule, const Machine& machine) {
  return plan_memory(schedule, memory_of(machine));
}

}  // namespace graphc

#include <algorithm>

#include "compiler/memory/memory_peak.h"
#include "compiler/memory/memory_plan.h"
#include "runtime/base/text.h"
#include "runtime/plan/plan_names.h"

namespace graphc {
namespace {

constexpr size_t kMaxNamesOfAPeak = 8;

/// `  peak 1536 bytes at 400 ns (while b): w@cpu 512, a@cpu 512, b@cpu 512`.
std::string peak_line(const MemoryPlan& plan, ArenaId arena) {
  const ArenaPeak peak = arena_peak(plan, arena);
  std::string text = "  peak " + std::to_string(peak.num_bytes) + " bytes ";
  if (peak.task) {
    text += "at " + format_duration(peak.at_ns) + " (while " +
            plan.schedule->tasks->tasks[*peak.task].name + ")";
  } else {
    text += "all the time";
  }
  for (size_t i = 0; i < std::min(peak.alive.size(), kMaxNamesOfAPeak); ++i) {
    text += (i == 0 ? ": " : ", ") +
            plan.schedule->tasks->placed->values[peak.alive[i].value].name + " " +
            std::to_string(peak.alive[i].num_bytes);
  }
  if (peak.alive.size() > kMaxNamesOfAPeak) {
    text += " and " + std::to_string(peak.alive.size() - kMaxNamesOfAPeak) + " more";
  }
  return text + "\n";
}

}  // namespace

std::string print_memory_plan(const MemoryPlan& plan, const Machine& machine) {
  std::string text = "memory " + plan.schedule->tasks->placed->graph->name + "\n";
  for (const ArenaId id : plan.arenas.ids()) {
    const PlannedArena& arena = plan.arenas[id];
    text += "arena " + name_of_memory(machine.devices[arena.device].name, arena.kind) + "  " +
            std::to_string(arena.size_bytes) + " bytes, bound " +
            std::to_string(arena.bound_bytes) + "\n";
    text += peak_line(plan, id);
    for (const PlacedValueId value : values_in(plan, id)) {
      const PlannedBuffer& buffer = plan.buffers[value];
      text += "  [" + std::to_string(buffer.offset_bytes) + ", " +
              std::to_string(buffer.offset_bytes + buffer.extent_bytes()) + ")  " +
              plan.schedule->tasks->placed->values[buffer.value].name + "  " +
              std::to_string(buffer.versions) + (buffer.versions == 1 ? " version" : " versions") +
              "\n";
    }
  }
  return text;
}

}  // namespace graphc

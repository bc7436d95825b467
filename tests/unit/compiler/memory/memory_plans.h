#pragma once

#include <string>

#include "compiler/memory/memory_plan.h"
#include "tests/unit/compiler/schedule/levels.h"

namespace graphc {

/// 8 bytes a nanosecond everywhere, two workers.
inline Machine two_workers(const std::string& memory = "1GiB") {
  return machine_of("machine: m\ndevices:\n  cpu: {kind: cpu, workers: 2, memory: " + memory +
                    ", rates: {matmul_f32: 1GFLOP/s, bytes: 1GB/s}, launch: 0ns}\n");
}

inline Schedule written_schedule(const Graph& graph, const Machine& machine,
                                 const std::string& text) {
  DiagnosticSink sink;
  auto schedule = parse_schedule(file_of("s.schedule", text), tasks_of(graph, machine), sink);
  CHECK(schedule, sink.render_all());
  return *std::move(schedule);
}

inline const PlannedBuffer& buffer_named(const MemoryPlan& plan, const std::string& name) {
  const PlacedGraph& placed = plan.schedule.tasks.placed;
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

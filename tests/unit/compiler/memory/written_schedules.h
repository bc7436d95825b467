#pragma once

#include "compiler/frontend/decisions/parse_schedule.h"
#include "compiler/schedule/schedule.h"
#include "tests/unit/compiler/schedule/levels.h"

/// Schedules written by hand, for tests of what follows from them.
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

/// A chain in which every second value can take the bytes of the one before the last.
inline constexpr const char* kChain =
    "graph g\n"
    "state %w : f32[100] init zeros\n"
    "%a = relu(%w)\n"
    "%b = tanh(%a)\n"
    "%c = relu(%b)\n"
    "%d = tanh(%c)\n"
    "output %d\n";

inline constexpr const char* kChainOnOneLane =
    "cpu.worker0  a  stage=0\ncpu.worker0  b  stage=0\ncpu.worker0  c  stage=0\n"
    "cpu.worker0  d  stage=0\noutput  output d  stage=0\n";

}  // namespace graphc

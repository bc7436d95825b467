#include "compiler/fit/limits.h"

#include <algorithm>

#include "compiler/fit/lower_within.h"
#include "compiler/placement/insert_copies.h"
#include "runtime/base/text.h"

namespace graphc {

MemoryLimits limits_of(const Machine& machine, const AskedLimits& asked) {
  MemoryLimits limits = memory_of(machine);
  for (const auto& [device, limit_bytes] : asked) {
    limits[device] = std::min(limits[device], limit_bytes);
  }
  return limits;
}

bool has_room_for_all(const Schedule& schedule, const MemoryLimits& limits) {
  const PlacedGraph& placed = schedule.tasks.placed;
  MemoryLimits left_bytes = limits;
  for (const PlacedValueId value : placed.values.ids()) {
    int64_t& left = left_bytes[placed.values[value].device];
    left -= aligned_bytes(placed.type_of(value).size_bytes()) * schedule.versions[value];
    if (left < 0) return false;
  }
  return true;
}

CompileWithin compile_within(const Graph& graph, const Machine& machine, const CostModel& costs) {
  return [&](const MemoryLimits& limits) -> Outcome {
    DiagnosticSink unused;
    const auto evaluate = [&](const Assignment& assignment) {
      return score_within(limits, graph, assignment, machine, costs);
    };
    const auto placement = place(graph, machine, costs, evaluate, unused);
    if (!placement) return {};
    const auto placed = insert_copies(graph, placement->chosen.assignment, machine, unused);
    if (!placed) return {};
    const MemoryStrategy strategy = choose_strategy(*placed, machine, costs, limits);
    const Synchronised synchronised = lower_within(limits, *placed, strategy, machine, costs);
    Outcome outcome;
    outcome.interval_ns = synchronised.interval_ns;
    outcome.how = placement->chosen.name + ", " + describe(strategy, *placed, machine);
    outcome.fits = !find_excess(synchronised.memory, limits);
    for (const DeviceId device : machine.devices.ids()) {
      outcome.peak_bytes.push_back(peak_bytes(synchronised.memory, device));
    }
    return outcome;
  };
}

Result<void> check_limits(const MemoryPlan& memory, const Machine& machine,
                          const AskedLimits& asked, const CompileWithin& compile) {
  const MemoryLimits limits = limits_of(machine, asked);
  const auto excess = find_excess(memory, limits);
  if (!excess) return {};
  const Device& device = machine.devices[excess->device];
  std::string text = "device '" + device.name + "' of machine '" + machine.name + "' ";
  text += limits[excess->device] < device.memory_bytes
              ? "may use " + format_bytes(excess->limit_bytes)
              : "has " + format_bytes(excess->limit_bytes) + " of memory";
  const auto smallest = smallest_limit(excess->device, limits, compile);
  const int64_t needed_bytes = smallest.value_or(excess->needed_bytes);
  return machine_error(text + "; this graph needs " + format_bytes(needed_bytes) + " there (" +
                       std::to_string(needed_bytes) + " bytes, the smallest limit that works); " +
                       "move operators to another device or use smaller batches");
}

}  // namespace graphc

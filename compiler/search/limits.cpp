#include "compiler/search/limits.h"

#include <algorithm>

#include "compiler/search/choose_copies.h"
#include "compiler/search/choose_placement.h"
#include "runtime/base/text.h"

namespace graphc {

MemoryLimits limits_of(const Machine& machine, const AskedLimits& asked) {
  MemoryLimits limits = memory_of(machine);
  for (const auto& [device, limit_bytes] : asked) {
    limits[device] = std::min(limits[device], limit_bytes);
  }
  return limits;
}

CompileWithin compile_within(Evaluator& evaluator) {
  return [&](const MemoryLimits& limits) -> Outcome {
    DiagnosticSink unused;
    Comparison comparison(evaluator.effort());
    const auto placement = choose_placement(evaluator, limits, comparison, unused);
    if (!placement) return {};
    const Decisions decisions = with_copy_blocks(evaluator, placement->chosen.decisions, limits);
    const Synchronised synchronised = evaluator.lowered(decisions, limits);
    const Machine& machine = evaluator.machine();
    Outcome outcome;
    outcome.interval_ns = synchronised.interval_ns;
    outcome.how = placement->chosen.name + ", " +
                  describe_memory(decisions, *evaluator.placed(decisions), machine);
    outcome.fits = !find_excess(synchronised.memory, limits);
    for (const DeviceId device : machine.devices.ids()) {
      outcome.peak_bytes.push_back(peak_bytes(synchronised.memory, device));
    }
    return outcome;
  };
}

namespace {

/// `device 'gpu0' of machine 'm' may use 1 MiB`
std::string text_of(const MemoryExcess& excess, const Machine& machine) {
  const Device& device = machine.devices[excess.device];
  return "device '" + device.name + "' of machine '" + machine.name + "' " +
         (excess.limit_bytes < device.memory_bytes
              ? "may use " + format_bytes(excess.limit_bytes)
              : "has " + format_bytes(excess.limit_bytes) + " of memory");
}

}  // namespace

Result<void> check_limits(const MemoryPlan& memory, const Target& target,
                          const Shared<Graph>& graph) {
  const auto excess = find_excess(memory, target.limits);
  if (!excess) return {};
  Evaluator evaluator(graph, target.machine, target.costs, target.effort);
  const auto smallest = smallest_limit(excess->device, target.limits, compile_within(evaluator));
  const int64_t needed_bytes = smallest.value_or(excess->needed_bytes);
  return machine_error(text_of(*excess, target.machine) + "; this graph needs " +
                       format_bytes(needed_bytes) + " there (" + std::to_string(needed_bytes) +
                       " bytes, the smallest limit that works); " +
                       "move operators to another device or use smaller batches");
}

Result<void> check_decided(const MemoryPlan& memory, const Target& target) {
  const auto excess = find_excess(memory, target.limits);
  if (!excess) return {};
  return machine_error(text_of(*excess, target.machine) + "; these decisions need " +
                       format_bytes(excess->needed_bytes - excess->limit_bytes) + " more there (" +
                       std::to_string(excess->needed_bytes) + " bytes)");
}

}  // namespace graphc

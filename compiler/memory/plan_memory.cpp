#include <algorithm>

#include "compiler/memory/memory_peak.h"
#include "compiler/memory/memory_plan.h"
#include "compiler/memory/sharing.h"
#include "runtime/base/text.h"

namespace graphc {
namespace {

int64_t aligned(int64_t num_bytes) {
  return (num_bytes + kBufferAlignmentBytes - 1) / kBufferAlignmentBytes * kBufferAlignmentBytes;
}

/// Values that keep their bytes to themselves for the whole run.
IdVector<PlacedValueId, bool> find_exclusive(const Schedule& schedule) {
  const PlacedGraph& placed = schedule.tasks.placed;
  IdVector<PlacedValueId, bool> is_exclusive(placed.values.size(), false);
  for (const PlacedValueId value : placed.values.ids()) {
    is_exclusive[value] = placed.is_filled_at_load(value) || schedule.versions[value] > 1;
  }
  for (const auto& output : placed.resident_outputs) {
    if (output) is_exclusive[output->value] = true;
  }
  return is_exclusive;
}

class MemoryPlanner {
 public:
  explicit MemoryPlanner(const Schedule& schedule, const Machine& machine)
      : accesses_(value_accesses(schedule)),
        order_(enforced_order(schedule)),
        is_exclusive_(find_exclusive(schedule)) {
    plan_.schedule = schedule;
    for (const PlacedValueId value : schedule.tasks.placed.values.ids()) {
      plan_.buffers.push_back(buffer_for(value));
    }
    for (const DeviceId device : machine.devices.ids()) plan_.arenas.push_back(pack_device(device));
  }

  MemoryPlan take() { return std::move(plan_); }

 private:
  PlannedBuffer buffer_for(PlacedValueId value) const {
    PlannedBuffer buffer;
    buffer.value = value;
    buffer.device = plan_.schedule.tasks.placed.values[value].device;
    buffer.stride_bytes = aligned(plan_.schedule.tasks.placed.type_of(value).size_bytes());
    buffer.versions = plan_.schedule.versions[value];
    return buffer;
  }

  PlannedArena pack_device(DeviceId device) {
    std::vector<PlacedValueId> values;
    for (const PlannedBuffer& buffer : plan_.buffers) {
      if (buffer.device == device) values.push_back(buffer.value);
    }
    const PackingProblem problem = packing_problem(values);
    const Packing packing = pack(problem);
    for (size_t i = 0; i < values.size(); ++i) {
      plan_.buffers[values[i]].offset_bytes = packing.offset_bytes[RequestId(i)];
    }
    return {device, packing.arena_bytes, packing_bound_bytes(problem)};
  }

  PackingProblem packing_problem(const std::vector<PlacedValueId>& values) const {
    PackingProblem problem;
    problem.conflicts = IdVector<RequestId, std::vector<RequestId>>(values.size());
    for (const PlacedValueId value : values) {
      problem.size_bytes.push_back(plan_.buffers[value].extent_bytes());
    }
    for (size_t i = 0; i < values.size(); ++i) {
      for (size_t j = 0; j < values.size(); ++j) {
        if (i == j || can_share(values[i], values[j])) continue;
        problem.conflicts[RequestId(i)].push_back(RequestId(j));
      }
    }
    return problem;
  }

  bool can_share(PlacedValueId a, PlacedValueId b) const {
    if (is_exclusive_[a] || is_exclusive_[b]) return false;
    return may_share_bytes(accesses_[a], accesses_[b], order_);
  }

  MemoryPlan plan_;
  IdVector<PlacedValueId, std::vector<ValueAccess>> accesses_;
  HappensBefore order_;
  IdVector<PlacedValueId, bool> is_exclusive_;
};

constexpr size_t kMostNamesOfAPeak = 8;

/// `  peak 1536 bytes at 400 ns (while b): w@cpu 512, a@cpu 512, b@cpu 512`.
std::string peak_line(const MemoryPlan& plan, const PlannedArena& arena) {
  const ArenaPeak peak = arena_peak(plan, arena);
  std::string text = "  peak " + std::to_string(peak.num_bytes) + " bytes ";
  if (peak.task) {
    text += "at " + format_duration(peak.at_ns) + " (while " +
            plan.schedule.tasks.tasks[*peak.task].name + ")";
  } else {
    text += "all the time";
  }
  for (size_t i = 0; i < std::min(peak.alive.size(), kMostNamesOfAPeak); ++i) {
    text += (i == 0 ? ": " : ", ") + plan.schedule.tasks.placed.values[peak.alive[i].value].name +
            " " + std::to_string(peak.alive[i].num_bytes);
  }
  if (peak.alive.size() > kMostNamesOfAPeak) {
    text += " and " + std::to_string(peak.alive.size() - kMostNamesOfAPeak) + " more";
  }
  return text + "\n";
}

}  // namespace

Result<MemoryPlan> plan_memory(const Schedule& schedule, const Machine& machine) {
  MemoryPlan plan = MemoryPlanner(schedule, machine).take();
  for (const PlannedArena& arena : plan.arenas) {
    const Device& device = machine.devices[arena.device];
    if (arena.size_bytes <= device.memory_bytes) continue;
    return machine_error("device '" + device.name + "' of machine '" + machine.name + "' has " +
                         format_bytes(device.memory_bytes) + " of memory; this graph needs " +
                         format_bytes(arena.size_bytes) + " (" + std::to_string(arena.size_bytes) +
                         " bytes) there; move operators to another device or use smaller batches");
  }
  return plan;
}

std::string print_memory_plan(const MemoryPlan& plan, const Machine& machine) {
  std::string text = "memory " + plan.schedule.tasks.placed.graph.name + "\n";
  for (const PlannedArena& arena : plan.arenas) {
    text += "arena " + machine.devices[arena.device].name + "  " +
            std::to_string(arena.size_bytes) + " bytes, bound " +
            std::to_string(arena.bound_bytes) + "\n";
    const std::vector<PlacedValueId> values = values_in(plan, arena);
    if (!values.empty()) text += peak_line(plan, arena);
    for (const PlacedValueId value : values) {
      const PlannedBuffer& buffer = plan.buffers[value];
      text += "  [" + std::to_string(buffer.offset_bytes) + ", " +
              std::to_string(buffer.offset_bytes + buffer.extent_bytes()) + ")  " +
              plan.schedule.tasks.placed.values[buffer.value].name + "  " +
              std::to_string(buffer.versions) + (buffer.versions == 1 ? " version" : " versions") +
              "\n";
    }
  }
  return text;
}

}  // namespace graphc

#include <algorithm>

#include "compiler/memory/assign_arenas.h"
#include "compiler/memory/memory_plan.h"
#include "compiler/memory/sharing.h"
#include "runtime/base/text.h"
#include "runtime/plan/plan_names.h"

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
  explicit MemoryPlanner(const Schedule& schedule)
      : accesses_(value_accesses(schedule)),
        order_(enforced_order(schedule)),
        is_exclusive_(find_exclusive(schedule)) {
    plan_.schedule = schedule;
    const ArenaAssignment assigned = assign_arenas(schedule.tasks.placed);
    plan_.arenas = assigned.arenas;
    for (const PlacedValueId value : schedule.tasks.placed.values.ids()) {
      plan_.buffers.push_back(buffer_for(value, assigned.arena_of[value]));
    }
    for (const ArenaId arena : plan_.arenas.ids()) pack_arena(arena);
  }

  MemoryPlan take() { return std::move(plan_); }

 private:
  PlannedBuffer buffer_for(PlacedValueId value, ArenaId arena) const {
    PlannedBuffer buffer;
    buffer.value = value;
    buffer.arena = arena;
    buffer.stride_bytes = aligned(plan_.schedule.tasks.placed.type_of(value).size_bytes());
    buffer.versions = plan_.schedule.versions[value];
    return buffer;
  }

  void pack_arena(ArenaId arena) {
    std::vector<PlacedValueId> values;
    for (const PlannedBuffer& buffer : plan_.buffers) {
      if (buffer.arena == arena) values.push_back(buffer.value);
    }
    const PackingProblem problem = packing_problem(values);
    const Packing packing = pack(problem);
    for (size_t i = 0; i < values.size(); ++i) {
      plan_.buffers[values[i]].offset_bytes = packing.offset_bytes[RequestId(i)];
    }
    plan_.arenas[arena].size_bytes = packing.arena_bytes;
    plan_.arenas[arena].bound_bytes = packing_bound_bytes(problem);
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

}  // namespace

int64_t memory_of(const MemoryPlan& plan, DeviceId device) {
  int64_t size_bytes = 0;
  for (const PlannedArena& arena : plan.arenas) {
    if (arena.device == device) size_bytes += arena.size_bytes;
  }
  return size_bytes;
}

Result<MemoryPlan> plan_memory(const Schedule& schedule, const Machine& machine) {
  MemoryPlan plan = MemoryPlanner(schedule).take();
  for (const DeviceId id : machine.devices.ids()) {
    const Device& device = machine.devices[id];
    const int64_t needed_bytes = memory_of(plan, id);
    if (needed_bytes <= device.memory_bytes) continue;
    return machine_error("device '" + device.name + "' of machine '" + machine.name + "' has " +
                         format_bytes(device.memory_bytes) + " of memory; this graph needs " +
                         format_bytes(needed_bytes) + " (" + std::to_string(needed_bytes) +
                         " bytes) there; move operators to another device or use smaller batches");
  }
  return plan;
}

std::string print_memory_plan(const MemoryPlan& plan, const Machine& machine) {
  std::string text = "memory " + plan.schedule.tasks.placed.graph.name + "\n";
  for (const ArenaId id : plan.arenas.ids()) {
    const PlannedArena& arena = plan.arenas[id];
    text += "arena " + name_of_memory(machine.devices[arena.device].name, arena.kind) + "  " +
            std::to_string(arena.size_bytes) + " bytes, bound " +
            std::to_string(arena.bound_bytes) + "\n";
    for (const PlannedBuffer& buffer : plan.buffers) {
      if (buffer.arena != id) continue;
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

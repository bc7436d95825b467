#include "runtime/session/plan_memory.h"

#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/check.h"
#include "runtime/base/text.h"
#include "runtime/plan/plan_names.h"

namespace graphrt {
namespace {

/// What a plan asks of one memory pool, and for which devices and kinds of memory.
struct PoolDemand {
  int64_t available_bytes = 0;
  int64_t needed_bytes = 0;
  std::vector<std::string> shares;
};

/// Stays at the largest number: the sizes in a file may add up to more.
int64_t sum_of(int64_t a, int64_t b) {
  constexpr int64_t kLargest = std::numeric_limits<int64_t>::max();
  return b > kLargest - a ? kLargest : a + b;
}

/// Bytes of a device's arenas, by their kind.
std::map<MemoryKind, int64_t> bytes_by_kind(const Plan& plan, DeviceId device) {
  std::map<MemoryKind, int64_t> size_bytes;
  for (const PlanArena& arena : plan.arenas) {
    if (arena.device != device) continue;
    size_bytes[arena.kind] = sum_of(size_bytes[arena.kind], arena.size_bytes);
  }
  return size_bytes;
}

Result<void> check_free_memory(const Plan& plan,
                               const IdVector<DeviceId, std::unique_ptr<Device>>& devices) {
  std::map<std::string, PoolDemand> demands;
  for (const DeviceId id : plan.devices.ids()) {
    if (devices[id] == nullptr) continue;
    const MemoryPool pool = devices[id]->memory_pool();
    PoolDemand& demand = demands[pool.name];
    demand.available_bytes = pool.available_bytes;
    for (const auto& [kind, needed_bytes] : bytes_by_kind(plan, id)) {
      demand.needed_bytes = sum_of(demand.needed_bytes, needed_bytes);
      demand.shares.push_back(name_of_memory(devices[id]->name(), kind) + " " +
                              format_bytes(needed_bytes));
    }
  }
  for (const auto& [pool, demand] : demands) {
    if (demand.needed_bytes <= demand.available_bytes) continue;
    return machine_error("the plan needs " + format_bytes(demand.needed_bytes) + " of " + pool +
                         " memory (" + join(demand.shares, ", ") + "), and " +
                         format_bytes(demand.available_bytes) +
                         " are free; free some, or compile it with a smaller batch or a smaller "
                         "--memory-limit");
  }
  return {};
}

}  // namespace

Result<PlanMemory> PlanMemory::create(const Plan& plan,
                                      IdVector<DeviceId, std::unique_ptr<Device>> devices) {
  CHECK(devices.size() == plan.devices.size(), plan.name);
  TRY(check_free_memory(plan, devices));
  PlanMemory memory;
  memory.devices_ = std::move(devices);
  IdVector<ArenaId, std::byte*> arenas;
  for (const PlanArena& arena : plan.arenas) {
    if (memory.devices_[arena.device] == nullptr) {
      arenas.push_back(nullptr);
      continue;
    }
    TRY(std::byte * address, memory.device(arena.device).allocate(arena.size_bytes));
    arenas.push_back(address);
    if (arena.kind != MemoryKind::kPinned) continue;
    TRY(memory.adopt_host(plan, plan.devices[arena.device].host, address, arena.size_bytes));
  }
  for (const PlanBuffer& buffer : plan.buffers) {
    std::byte* arena = arenas[buffer.arena];
    memory.buffers_.push_back({plan.arenas[buffer.arena].device,
                               {.type = buffer.type,
                                .first = arena == nullptr ? nullptr : arena + buffer.offset_bytes,
                                .stride_bytes = buffer.stride_bytes,
                                .versions = buffer.versions,
                                .distance = 0}});
  }
  return memory;
}

PlanMemory::~PlanMemory() {
  while (!devices_.empty()) devices_.resize(devices_.size() - 1);
}

Result<void> PlanMemory::adopt_host(const Plan& plan, HostId host, std::byte* begin,
                                    int64_t size_bytes) {
  for (const DeviceId device : plan.devices.ids()) {
    if (plan.devices[device].host == host) TRY(devices_[device]->adopt_host(begin, size_bytes));
  }
  return {};
}

Device& PlanMemory::device_of(BufferId buffer) const { return device(buffers_[buffer].device); }

std::vector<std::string> PlanMemory::notes() const {
  std::vector<std::string> all;
  for (const std::unique_ptr<Device>& device : devices_) {
    if (device == nullptr) continue;
    for (std::string& note : device->notes()) all.push_back(std::move(note));
  }
  return all;
}

OperandSlots PlanMemory::slots(BufferId buffer, int32_t distance,
                               const std::optional<RowRange>& rows) const {
  OperandSlots slots = buffers_[buffer].slots;
  slots.distance = distance;
  if (!rows) return slots;
  slots.first += row_offset_bytes(slots.type, rows->begin);
  slots.type = type_of_rows(slots.type, rows);
  return slots;
}

Result<void> PlanMemory::fill(BufferId buffer, std::span<const std::byte> value) {
  if (!has(buffer)) return {};
  const OperandSlots& slots = buffers_[buffer].slots;
  CHECK(static_cast<int64_t>(value.size()) == slots.type.size_bytes(), to_string(slots.type));
  for (int64_t version = 0; version < slots.versions; ++version) {
    TRY(device_of(buffer).write(slots.at(version), value));
  }
  return {};
}

Result<void> PlanMemory::read(BufferId buffer, int64_t step, std::span<std::byte> to) const {
  const OperandSlots& slots = buffers_[buffer].slots;
  CHECK(static_cast<int64_t>(to.size()) == slots.type.size_bytes(), to_string(slots.type));
  return device_of(buffer).read(slots.at(step), to);
}

}  // namespace graphrt

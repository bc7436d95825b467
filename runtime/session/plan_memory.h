#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/base/ids.h"
#include "runtime/base/result.h"
#include "runtime/device/device.h"
#include "runtime/plan/plan.h"

namespace graphrt {

/// The devices of a plan, or of one of its hosts, with their arenas allocated on them: says where
/// every buffer is.
///
/// Owns the devices, so it must outlive every action bound to them.
class PlanMemory {
 public:
  /// Allocates every arena, after comparing what the plan needs with what is free, and makes the
  /// pinned ones known to all devices of their host.
  /// Requires: verify_plan(plan) found nothing; one device for each of the plan's that is here.
  /// Errors: not enough memory (kMachine): how much is needed, by whom, and how much is free.
  static Result<PlanMemory> create(const Plan& plan,
                                   IdVector<DeviceId, std::unique_ptr<Device>> devices);

  PlanMemory(PlanMemory&&) = default;
  PlanMemory& operator=(PlanMemory&&) = delete;
  /// Accelerators first: they know memory of their host, which stands before them.
  ~PlanMemory();

  Device& device(DeviceId id) const { return *devices_[id]; }
  Device& device_of(BufferId buffer) const;
  /// Whether the buffer is on a host that is here.
  bool has(BufferId buffer) const { return devices_[buffers_[buffer].device] != nullptr; }

  /// Those of all devices, in their order.
  std::vector<std::string> notes() const;

  /// The buffer, or these rows of it, as an instruction sees it that works `distance` steps behind.
  OperandSlots slots(BufferId buffer, int32_t distance,
                     const std::optional<RowRange>& rows = {}) const;

  /// Copies `value` into every version of the buffer, if it is here. Requires: the buffer's size.
  Result<void> fill(BufferId buffer, std::span<const std::byte> value);

  /// What the buffer holds of one step.
  Result<void> read(BufferId buffer, int64_t step, std::span<std::byte> to) const;

 private:
  struct Placement {
    DeviceId device;
    OperandSlots slots;
  };

  PlanMemory() = default;
  Result<void> adopt_host(const Plan& plan, HostId host, std::byte* begin, int64_t size_bytes);

  IdVector<DeviceId, std::unique_ptr<Device>> devices_;
  IdVector<BufferId, Placement> buffers_;
};

}  // namespace graphrt

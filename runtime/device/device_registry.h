#pragma once

#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/ids.h"
#include "runtime/base/result.h"
#include "runtime/device/device.h"
#include "runtime/device/lane_queue.h"
#include "runtime/device/launch.h"
#include "runtime/plan/plan.h"

namespace graphrt {

/// What serves one kind of device.
struct BackEnd {
  /// Opens the device number `index` of the machine, under the plan's name for it.
  std::function<Result<std::unique_ptr<Device>>(const std::string& name, int32_t index)> open;
  /// How many devices of this kind the machine has. Absent: as many as one likes.
  /// Errors: devices that are there and cannot be used (kMachine).
  std::function<Result<int32_t>()> count = {};
  /// Absent: lanes are run by threads.
  LaneQueueFactory make_queue = {};
  /// Called before everything else, with how the lanes will be queued: what a process can set up
  /// once only is set up for that.
  std::function<void(LaunchMode)> prepare = {};
  /// Why it cannot have any devices on this machine; empty where it could. Absent: it always could.
  std::function<std::string()> why_none = {};
};

/// Back ends by the kind of device they serve. The kind `cpu` is the host; `emulated` stands in for
/// any other kind.
class DeviceRegistry {
 public:
  void add(std::string kind, BackEnd back_end);
  const BackEnd* find(std::string_view kind) const;

 private:
  std::map<std::string, BackEnd, std::less<>> back_ends_;
};

/// The back ends of this build.
DeviceRegistry builtin_devices();

struct DeviceOptions {
  /// What may stand for a plan's accelerators:
  ///   auto      their own kind's devices; emulation, with a note, where the machine has none at all
  ///   emulated  emulation, whatever their kind
  ///   KIND      devices of that kind, nothing else
  std::string choice = "auto";
  /// Which device of its kind stands for a device of the plan, by the plan's name for it; two may
  /// share one. Those not named: the index of the machine file.
  std::map<std::string, int32_t> map;
};

/// The devices of a plan, and what the user should know about how they were found.
struct DeviceSet {
  IdVector<DeviceId, std::unique_ptr<Device>> devices;  ///< null: of a host that is not here
  /// What runs the lanes of each device: the queue of its back end; absent: threads.
  IdVector<DeviceId, std::optional<QueueId>> queue_of;
  IdVector<QueueId, LaneQueueFactory> make_queue;  ///< one a back end that has one and is used
  std::vector<std::string> notes;
};

/// Opens a device for every one of the plan, or of one of its hosts, for lanes that are queued as
/// `launch` says.
/// Errors: a map that names no accelerator of the plan (kUsage); no back end for a kind, or fewer
///         devices than the plan needs (kMachine); whatever opening a device reports.
Result<DeviceSet> open_devices(const IdVector<DeviceId, PlanDevice>& wanted,
                               const DeviceOptions& options, const DeviceRegistry& registry,
                               LaunchMode launch = LaunchMode::kRecorded,
                               std::optional<HostId> host = {});

}  // namespace graphrt

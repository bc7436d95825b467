#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/ids.h"
#include "runtime/base/result.h"
#include "runtime/device/device.h"
#include "runtime/plan/plan.h"

namespace graphrt {

using DeviceFactory = std::function<Result<std::unique_ptr<Device>>(const PlanDevice&)>;

/// Back ends by the kind of device they serve. The kind `cpu` is the host; `emulated` stands in for
/// any other kind.
class DeviceRegistry {
 public:
  void add(std::string kind, DeviceFactory factory);
  const DeviceFactory* find(std::string_view kind) const;
  std::vector<std::string> kinds() const;

 private:
  std::map<std::string, DeviceFactory, std::less<>> factories_;
};

/// The back ends of this build.
DeviceRegistry builtin_devices();

/// The devices of a plan, and what the user should know about how they were found.
struct DeviceSet {
  IdVector<DeviceId, std::unique_ptr<Device>> devices;
  std::vector<std::string> notes;
};

/// Opens a back end for every device. `choice` says what may stand for the accelerators:
///   auto      their own kind's back end; where this build has none, emulation, with a note
///   emulated  emulation, whatever their kind
///   KIND      the back end of that kind, nothing else
/// Errors: no back end for a kind (kMachine); whatever opening a device reports.
Result<DeviceSet> open_devices(const IdVector<DeviceId, PlanDevice>& wanted,
                               std::string_view choice, const DeviceRegistry& registry);

}  // namespace graphrt

#include "runtime/device/device_registry.h"

#include <utility>

#include "runtime/base/text.h"
#include "runtime/device/cpu_device.h"
#include "runtime/device/emulated/emulated_device.h"

namespace graphrt {
namespace {

constexpr std::string_view kHostKind = "cpu";
constexpr std::string_view kEmulatedKind = "emulated";

template <class DeviceType>
Result<std::unique_ptr<Device>> make_device(const PlanDevice& device) {
  return std::make_unique<DeviceType>(device.name);
}

tl::unexpected<Error> no_back_end(std::string_view kind, const std::string& who) {
  return machine_error("this build has no " + std::string(kind) + " back end" + who +
                       "; --devices=emulated runs the plan on the CPU");
}

/// The kind of back end that serves `device`.
Result<std::string> served_by(const PlanDevice& device, std::string_view choice,
                              const DeviceRegistry& registry) {
  if (device.kind == kHostKind) return device.kind;
  if (choice == kEmulatedKind) return std::string(kEmulatedKind);
  if (choice == "auto") {
    return registry.find(device.kind) != nullptr ? device.kind : std::string(kEmulatedKind);
  }
  if (device.kind == choice) return device.kind;
  return machine_error("the plan's " + device.name + " is of kind " + device.kind + ", and only " +
                       std::string(choice) + " was asked for; use --devices=" + device.kind +
                       " or --devices=emulated");
}

}  // namespace

void DeviceRegistry::add(std::string kind, DeviceFactory factory) {
  factories_.insert_or_assign(std::move(kind), std::move(factory));
}

const DeviceFactory* DeviceRegistry::find(std::string_view kind) const {
  const auto at = factories_.find(kind);
  return at == factories_.end() ? nullptr : &at->second;
}

std::vector<std::string> DeviceRegistry::kinds() const {
  std::vector<std::string> kinds;
  for (const auto& [kind, factory] : factories_) kinds.push_back(kind);
  return kinds;
}

DeviceRegistry builtin_devices() {
  DeviceRegistry registry;
  registry.add(std::string(kHostKind), make_device<CpuDevice>);
  registry.add(std::string(kEmulatedKind), make_device<EmulatedDevice>);
  return registry;
}

Result<DeviceSet> open_devices(const IdVector<DeviceId, PlanDevice>& wanted,
                               std::string_view choice, const DeviceRegistry& registry) {
  if (choice != "auto" && registry.find(choice) == nullptr) return no_back_end(choice, "");
  DeviceSet set;
  std::vector<std::string> emulated;
  for (const PlanDevice& device : wanted) {
    TRY(const std::string kind, served_by(device, choice, registry));
    const DeviceFactory* factory = registry.find(kind);
    if (factory == nullptr) return no_back_end(kind, " for the plan's " + device.name);
    if (kind != device.kind) emulated.push_back(device.name);
    TRY(std::unique_ptr<Device> opened, (*factory)(device));
    set.devices.push_back(std::move(opened));
  }
  if (choice == "auto" && !emulated.empty()) {
    set.notes.push_back("no GPU that this build can use: " + join(emulated, ", ") +
                        (emulated.size() == 1 ? " is" : " are") + " emulated on the CPU");
  }
  return set;
}

}  // namespace graphrt

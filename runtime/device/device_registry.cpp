#include "runtime/device/device_registry.h"

#include <algorithm>
#include <set>
#include <utility>

#include "runtime/base/text.h"
#include "runtime/device/cpu_device.h"
#include "runtime/device/emulated/emulated_device.h"
#include "runtime/device/loaded_back_end.h"

namespace graphrt {
namespace {

constexpr std::string_view kHostKind = "cpu";
constexpr std::string_view kEmulatedKind = "emulated";

template <class DeviceType>
Result<std::unique_ptr<Device>> make_device(const std::string& name, int32_t) {
  return std::make_unique<DeviceType>(name);
}

tl::unexpected<Error> no_back_end(std::string_view kind, const std::string& who) {
  return machine_error("this build has no " + std::string(kind) + " back end" + who +
                       "; --devices=emulated runs the plan on the CPU");
}

class DeviceOpener {
 public:
  DeviceOpener(const IdVector<DeviceId, PlanDevice>& wanted, const DeviceOptions& options,
               const DeviceRegistry& registry, LaunchMode launch, std::optional<HostId> host)
      : wanted_(wanted), options_(options), registry_(registry), launch_(launch), host_(host) {}

  Result<DeviceSet> run() {
    if (options_.choice != "auto" && registry_.find(options_.choice) == nullptr) {
      return no_back_end(options_.choice, "");
    }
    TRY(check_map());
    for (const PlanDevice& device : wanted_) {
      if (host_ && device.host != *host_) {
        set_.devices.push_back(nullptr);
        set_.queue_of.push_back(std::nullopt);
        continue;
      }
      TRY(const std::string kind, kind_that_serves(device));
      TRY(open(device, kind));
    }
    if (options_.choice == "auto" && !emulated_.empty()) {
      for (const std::string& reason : reasons_) set_.notes.push_back(reason);
      set_.notes.push_back("no GPU that this build can use: " + join(emulated_, ", ") +
                           (emulated_.size() == 1 ? " is" : " are") + " emulated on the CPU");
    }
    return std::move(set_);
  }

 private:
  Result<void> check_map() const {
    for (const auto& [name, index] : options_.map) {
      const auto is_named = [&wanted = name](const PlanDevice& device) {
        return device.name == wanted && device.kind != kHostKind;
      };
      if (std::any_of(wanted_.begin(), wanted_.end(), is_named)) continue;
      std::vector<std::string> names;
      for (const PlanDevice& device : wanted_) {
        if (device.kind != kHostKind) names.push_back(device.name);
      }
      return usage_error("--map " + name + "=" + std::to_string(index) +
                         ": the plan has no accelerator of that name; it has " +
                         (names.empty() ? "none" : join(names, ", ")));
    }
    return {};
  }

  /// How many devices of the kind this machine has; none where there is no back end for it.
  Result<int32_t> count(std::string_view kind) const {
    const BackEnd* back_end = registry_.find(kind);
    if (back_end == nullptr) return 0;
    if (back_end->prepare) back_end->prepare(launch_);
    if (back_end->why_none && !back_end->why_none().empty()) return 0;
    return back_end->count ? back_end->count() : std::numeric_limits<int32_t>::max();
  }

  Result<std::string> kind_that_serves(const PlanDevice& device) {
    if (device.kind == kHostKind) return device.kind;
    if (options_.choice == kEmulatedKind) return std::string(kEmulatedKind);
    if (options_.choice == "auto") {
      TRY(const int32_t num_devices, count(device.kind));
      note_reason(device.kind);
      return num_devices > 0 ? device.kind : std::string(kEmulatedKind);
    }
    if (device.kind == options_.choice) return device.kind;
    return machine_error("the plan's " + device.name + " is of kind " + device.kind +
                         ", and only " + options_.choice +
                         " was asked for; use --devices=" + device.kind + " or --devices=emulated");
  }

  /// Why a kind has no devices here, if there is a reason beside that there are none.
  void note_reason(const std::string& kind) {
    const BackEnd* back_end = registry_.find(kind);
    if (back_end == nullptr || !back_end->why_none) return;
    const std::string reason = back_end->why_none();
    if (!reason.empty()) reasons_.insert(reason);
  }

  Result<void> open(const PlanDevice& device, const std::string& kind) {
    const BackEnd* back_end = registry_.find(kind);
    if (back_end == nullptr) return no_back_end(kind, " for the plan's " + device.name);
    if (kind != device.kind) emulated_.push_back(device.name);
    const auto mapped = options_.map.find(device.name);
    const int32_t index = mapped == options_.map.end() ? device.index : mapped->second;
    TRY(const int32_t num_devices, count(kind));
    const std::string why_none = back_end->why_none ? back_end->why_none() : "";
    if (!why_none.empty()) return machine_error("the plan's " + device.name + ": " + why_none);
    if (index < 0 || index >= num_devices) return no_such_device(device, kind, index, num_devices);
    TRY(std::unique_ptr<Device> opened, back_end->open(device.name, index));
    set_.devices.push_back(std::move(opened));
    set_.queue_of.push_back(queue_of(kind, *back_end));
    return {};
  }

  /// All devices of one back end share its queue.
  std::optional<QueueId> queue_of(const std::string& kind, const BackEnd& back_end) {
    if (!back_end.make_queue) return std::nullopt;
    const auto [at, is_new] = queues_.try_emplace(kind, set_.make_queue.size());
    if (is_new) set_.make_queue.push_back(back_end.make_queue);
    return at->second;
  }

  static tl::unexpected<Error> no_such_device(const PlanDevice& device, const std::string& kind,
                                              int32_t index, int32_t num_devices) {
    if (num_devices == 0) {
      return machine_error("the plan's " + device.name + " needs a device of kind " + kind +
                           ", and this machine has none that can be used; --devices=emulated runs "
                           "the plan on the CPU");
    }
    return machine_error(
        "the plan's " + device.name + " is " + kind + " device " + std::to_string(index) +
        ", and this machine has " + std::to_string(num_devices) +
        (num_devices == 1 ? " (number 0)" : " (from number 0 on)") + "; --map=" + device.name +
        "=NUMBER lets another stand for it, or share one; "
        "--devices=emulated runs the plan on the CPU");
  }

  const IdVector<DeviceId, PlanDevice>& wanted_;
  const DeviceOptions& options_;
  const DeviceRegistry& registry_;
  LaunchMode launch_;
  std::optional<HostId> host_;
  DeviceSet set_;
  std::map<std::string, QueueId> queues_;  // by the kind that their back end serves
  std::vector<std::string> emulated_;
  std::set<std::string> reasons_;
};

}  // namespace

void DeviceRegistry::add(std::string kind, BackEnd back_end) {
  back_ends_.insert_or_assign(std::move(kind), std::move(back_end));
}

const BackEnd* DeviceRegistry::find(std::string_view kind) const {
  const auto at = back_ends_.find(kind);
  return at == back_ends_.end() ? nullptr : &at->second;
}

DeviceRegistry builtin_devices() {
  DeviceRegistry registry;
  registry.add(std::string(kHostKind), {make_device<CpuDevice>});
  registry.add(std::string(kEmulatedKind), {make_device<EmulatedDevice>});
#ifdef GRAPHRT_HAS_CUDA
  registry.add("cuda", loaded_back_end("cuda"));
#endif
  return registry;
}

Result<DeviceSet> open_devices(const IdVector<DeviceId, PlanDevice>& wanted,
                               const DeviceOptions& options, const DeviceRegistry& registry,
                               LaunchMode launch, std::optional<HostId> host) {
  return DeviceOpener(wanted, options, registry, launch, host).run();
}

}  // namespace graphrt

#include "compiler/frontend/read_devices.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "compiler/frontend/machine_values.h"
#include "compiler/frontend/parse_quantity.h"
#include "compiler/machine/print_quantity.h"
#include "runtime/base/text.h"

namespace graphc {
namespace {

constexpr int64_t kMaxLanes = 4096;

/// What the cost model asks of every device: memory bandwidth and the rates that operators name.
const MapKeys kNeededRates = {"`rates`", {"bytes", "matmul_f32"}};
const MapKeys kGpuRates = {"`rates`",
                           {"bytes", "matmul_f32", "matmul_tf32", "matmul_bf16", "matmul_16bit"}};
const MapKeys kCpuRates = {"`rates`", {"bytes", "matmul_f32", "matmul_16bit", "bytes_per_worker"}};

class DevicesReader {
 public:
  DevicesReader(Machine& machine, DiagnosticSink& diagnostics)
      : machine_(machine), diagnostics_(diagnostics) {}

  std::vector<std::string> run(const YamlNode* devices) {
    read_all(devices);
    return std::move(names_);
  }

 private:
  void read_all(const YamlNode* devices) {
    if (devices == nullptr || !expect_kind(*devices, YamlKind::kMap, "`devices`", diagnostics_)) {
      is_complete_ = false;
      return;
    }
    std::vector<Device> all;
    for (size_t i = 0; i < devices->keys.size(); ++i) {
      names_.push_back(devices->keys[i].text);
      std::optional<Device> device = read_device(devices->keys[i], devices->items[i]);
      is_complete_ = is_complete_ && device;
      if (device) all.push_back(*std::move(device));
    }
    std::stable_partition(all.begin(), all.end(), [](const Device& d) { return d.kind == "cpu"; });
    check_cpus(*devices, all);
    check_indexes(all);
    for (Device& device : all) machine_.devices.push_back(std::move(device));
  }

  void check_cpus(const YamlNode& devices, const std::vector<Device>& all) {
    const bool has_cpu = !all.empty() && all.front().kind == "cpu";
    if (!has_cpu && is_complete_) {
      diagnostics_.error(devices.where, "the machine has no device of kind cpu");
    }
    for (size_t i = 1; has_cpu && i < all.size() && all[i].kind == "cpu"; ++i) {
      diagnostics_
          .error(all[i].where, "a machine has one device of kind cpu; this is another one",
                 "all CPU cores are the workers of one device")
          .notes.push_back(
              {Severity::kNote, all.front().where, "the first one is here", std::nullopt, {}});
    }
  }

  void check_indexes(const std::vector<Device>& all) {
    std::map<std::pair<std::string, int32_t>, const Device*> first;
    for (const Device& device : all) {
      if (device.kind == "cpu") continue;
      const auto [at, is_new] = first.emplace(std::pair(device.kind, device.index), &device);
      if (is_new) continue;
      diagnostics_
          .error(device.where, "'" + device.name + "' has the index of '" + at->second->name +
                                   "', " + std::to_string(device.index))
          .notes.push_back({Severity::kNote,
                            at->second->where,
                            "'" + at->second->name + "' is here",
                            std::nullopt,
                            {}});
    }
  }

  std::optional<Device> read_device(const YamlNode& name, const YamlNode& map) {
    if (!expect_kind(map, YamlKind::kMap, "the device '" + name.text + "'", diagnostics_)) {
      return std::nullopt;
    }
    Device device;
    device.name = name.text;
    device.where = name.where;
    if (!is_machine_name(name.text)) {
      diagnostics_.error(name.where, "'" + name.text + "' is not a name of a device",
                         std::string(kMachineNameHint));
    }
    const YamlNode* kind = require_key(map, "kind", {"a device", {}}, name.where, diagnostics_);
    if (kind == nullptr) return std::nullopt;
    const std::optional<std::string> text = read_text(*kind, "`kind`", diagnostics_);
    if (!text) return std::nullopt;
    if (!is_identifier(*text)) {
      diagnostics_.error(kind->where, "`kind` must be cpu or the name of a back end, like cuda");
      return std::nullopt;
    }
    device.kind = *text;
    read_device_figures(name, map, device);
    return device;
  }

  void read_device_figures(const YamlNode& name, const YamlNode& map, Device& device) {
    const bool is_cpu = device.kind == "cpu";
    const std::string lanes = is_cpu ? "workers" : "streams";
    const std::string what = "a device of kind " + device.kind;
    MapKeys keys = {what, {"kind", lanes, "memory", "rates", "launch"}};
    keys.known.emplace_back(is_cpu ? "readers" : "index");
    check_keys(map, keys, diagnostics_);
    const auto require = [&](std::string_view key) {
      return require_key(map, key, keys, name.where, diagnostics_);
    };
    const YamlNode* count = require(lanes);
    if (count != nullptr) device.num_lanes = read_count(*count, lanes, 1);
    const YamlNode* readers = map.find("readers");
    if (is_cpu && readers != nullptr) device.num_readers = read_count(*readers, "readers", 1);
    if (!is_cpu) {
      const YamlNode* index = map.find("index");
      int32_t& next = num_of_kind_[device.kind];
      device.index = index == nullptr ? next : read_count(*index, "index", 0);
      ++next;
    }
    device.memory_bytes = read_figure(require("memory"), "`memory`", parse_memory).value_or(0);
    device.launch_ns = read_figure(require("launch"), "`launch`", parse_duration).value_or(0);
    if (const YamlNode* rates = require("rates")) read_rates(*rates, device);
  }

  int32_t read_count(const YamlNode& node, const std::string& key, int64_t least) {
    const std::optional<int64_t> count = read_integer(node, "`" + key + "`", diagnostics_);
    if (count && (*count < least || *count > kMaxLanes)) {
      diagnostics_.error(node.where, "`" + key + "` must be from " + std::to_string(least) +
                                         " to " + std::to_string(kMaxLanes) + "; got " + node.text);
      return 0;
    }
    return static_cast<int32_t>(count.value_or(0));
  }

  void read_rates(const YamlNode& rates, Device& device) {
    if (!expect_kind(rates, YamlKind::kMap, "`rates`", diagnostics_)) return;
    const bool is_cpu = device.kind == "cpu";
    check_keys(rates, is_cpu ? kCpuRates : kGpuRates, diagnostics_);
    for (const std::string& name : kNeededRates.known) {
      require_key(rates, name, kNeededRates, rates.where, diagnostics_);
    }
    for (const std::string& name : kGpuRates.known) {
      const YamlNode* node = rates.find(name);
      if (node == nullptr) continue;
      const std::string what = "`" + name + "`";
      const std::optional<double> rate =
          read_figure(node, what, name == "bytes" ? parse_byte_rate : parse_flop_rate);
      if (rate) device.rates[name] = *rate;
    }
    const YamlNode* per_worker = is_cpu ? rates.find("bytes_per_worker") : nullptr;
    if (per_worker != nullptr) read_bytes_per_worker(*per_worker, device);
  }

  void read_bytes_per_worker(const YamlNode& node, Device& device) {
    device.bytes_per_worker_per_s = read_figure(&node, "`bytes_per_worker`", parse_byte_rate);
    const auto bytes = device.rates.find("bytes");
    if (!device.bytes_per_worker_per_s || bytes == device.rates.end()) return;
    const double share = bytes->second / std::max(device.num_lanes, 1);
    if (*device.bytes_per_worker_per_s >= share &&
        *device.bytes_per_worker_per_s <= bytes->second) {
      return;
    }
    diagnostics_.error(node.where,
                       "`bytes_per_worker` is what one worker gets alone: from its share of "
                       "`bytes`, " +
                           print_byte_rate(share) + ", to all of it, " +
                           print_byte_rate(bytes->second));
  }

  template <class T>
  std::optional<T> read_figure(const YamlNode* node, std::string_view what,
                               Result<T> (*parse)(std::string_view)) {
    return read_quantity(node, what, parse, diagnostics_);
  }

  Machine& machine_;
  DiagnosticSink& diagnostics_;
  bool is_complete_ = true;  // no device was left out because of an error
  std::vector<std::string> names_;
  std::map<std::string, int32_t> num_of_kind_;
};

}  // namespace

std::vector<std::string> read_devices(const YamlNode* devices, Machine& machine,
                                      DiagnosticSink& diagnostics) {
  return DevicesReader(machine, diagnostics).run(devices);
}

}  // namespace graphc

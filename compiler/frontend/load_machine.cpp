#include "compiler/frontend/load_machine.h"

#include <algorithm>
#include <utility>

#include "compiler/frontend/machine_values.h"
#include "compiler/frontend/parse_quantity.h"
#include "compiler/frontend/read_links.h"
#include "compiler/frontend/yaml_reader.h"
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

class MachineReader {
 public:
  MachineReader(const YamlNode& root, DiagnosticSink& diagnostics)
      : root_(root), diagnostics_(diagnostics) {}

  Result<Machine> read() {
    const MapKeys keys = {"the machine file",
                          {"machine", "devices", "resources", "links", "algorithms", "times"}};
    check_keys(root_, keys, diagnostics_);
    const YamlNode* name = require_key(root_, "machine", keys, root_.where, diagnostics_);
    if (name != nullptr) read_name(*name);
    read_devices(require_key(root_, "devices", keys, root_.where, diagnostics_));
    read_links(root_, names_, machine_, diagnostics_);
    read_measured("algorithms", [&](const std::string& kind, const YamlNode& of,
                                    const YamlNode& item) { read_algorithm(kind, of, item); });
    read_measured("times", [&](const std::string& kind, const YamlNode& of, const YamlNode& item) {
      read_time(kind, of, item);
    });
    return std::move(machine_);
  }

 private:
  /// Printed in summaries and in to_yaml: YAML joins the lines of a text that has several.
  void read_name(const YamlNode& name) {
    machine_.name = read_text(name, "`machine`", diagnostics_).value_or("");
    if (is_plain_text(machine_.name)) return;
    diagnostics_.error(name.where, "`machine` must be one line of text without control characters");
  }

  template <class T>
  std::optional<T> read_figure(const YamlNode* node, std::string_view what,
                               Result<T> (*parse)(std::string_view)) {
    return read_quantity(node, what, parse, diagnostics_);
  }

  void read_devices(const YamlNode* devices) {
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

  /// What was measured of kernels: by kind of device a map from kernels to `read` figures. What the
  /// text of a kernel says is for the back end to know.
  template <class Read>
  void read_measured(const std::string& section, Read read) {
    const YamlNode* kinds = root_.find(section);
    if (kinds == nullptr || kinds->kind == YamlKind::kNull) return;
    if (!expect_kind(*kinds, YamlKind::kMap, "`" + section + "`", diagnostics_)) return;
    for (size_t i = 0; i < kinds->keys.size(); ++i) {
      const YamlNode& kind = kinds->keys[i];
      const YamlNode& of_kind = kinds->items[i];
      if (!expect_kind(of_kind, YamlKind::kMap, "`" + kind.text + "`", diagnostics_)) continue;
      if (kind.text == "cpu") {
        diagnostics_.error(kind.where, "`" + section + "` are those of accelerators");
      } else if (!has_device_of(kind.text)) {
        diagnostics_.error(kind.where, "the machine has no device of kind '" + kind.text + "'");
      }
      for (size_t k = 0; k < of_kind.keys.size(); ++k) {
        const YamlNode& kernel = of_kind.keys[k];
        if (!is_plain_text(kernel.text)) {
          diagnostics_.error(kernel.where, "what a kernel computes is one line");
          continue;
        }
        read(kind.text, kernel, of_kind.items[k]);
      }
    }
  }

  void read_algorithm(const std::string& kind, const YamlNode& kernel, const YamlNode& item) {
    const std::optional<std::string> text = read_text(item, "an algorithm", diagnostics_);
    if (!text) return;
    if (!is_plain_text(*text)) {
      diagnostics_.error(item.where, "an algorithm is one line");
    }
    machine_.algorithms[kind][kernel.text] = *text;
  }

  /// `9us`, or `{alone: 9us, beside: 7us}`.
  void read_time(const std::string& kind, const YamlNode& kernel, const YamlNode& item) {
    KernelTime time;
    const bool is_pair = item.kind == YamlKind::kMap;
    const MapKeys keys = {"a kernel's time", {"alone", "beside"}};
    if (is_pair) check_keys(item, keys, diagnostics_);
    const YamlNode* alone =
        is_pair ? require_key(item, "alone", keys, item.where, diagnostics_) : &item;
    const std::optional<int64_t> alone_ns = read_kernel_time(alone);
    const YamlNode* beside = is_pair ? item.find("beside") : nullptr;
    if (beside != nullptr) time.beside_ns = read_kernel_time(beside);
    if (!alone_ns) return;
    time.alone_ns = *alone_ns;
    if (time.beside_ns.value_or(0) > time.alone_ns) {
      diagnostics_.error(beside->where, "a kernel takes no longer `beside` others than `alone`");
    }
    machine_.times[kind][kernel.text] = time;
  }

  std::optional<int64_t> read_kernel_time(const YamlNode* node) {
    const std::optional<int64_t> time_ns = read_figure(node, "a kernel's time", parse_duration);
    if (time_ns && *time_ns == 0) {
      diagnostics_.error(node->where, "a kernel's time must be more than 0");
    }
    return time_ns;
  }

  bool has_device_of(std::string_view kind) const {
    return std::any_of(machine_.devices.begin(), machine_.devices.end(),
                       [&](const Device& device) { return device.kind == kind; });
  }

  const YamlNode& root_;
  DiagnosticSink& diagnostics_;
  Machine machine_;
  bool is_complete_ = true;  // no device was left out because of an error
  std::vector<std::string> names_;
  std::map<std::string, int32_t> num_of_kind_;
};

}  // namespace

Result<Machine> load_machine(std::shared_ptr<const SourceFile> file, DiagnosticSink& diagnostics) {
  const size_t errors_before = diagnostics.num_errors();
  TRY(const YamlNode root, parse_yaml(std::move(file), diagnostics));
  TRY(Machine machine, MachineReader(root, diagnostics).read());
  if (diagnostics.num_errors() > errors_before) return reported();
  return machine;
}

}  // namespace graphc

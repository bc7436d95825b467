#include "compiler/frontend/load_machine.h"

#include <algorithm>
#include <utility>

#include "compiler/frontend/machine_values.h"
#include "compiler/frontend/parse_quantity.h"
#include "compiler/frontend/read_devices.h"
#include "compiler/frontend/read_hosts.h"
#include "compiler/frontend/read_links.h"
#include "compiler/frontend/yaml_reader.h"
#include "runtime/base/text.h"

namespace graphc {
namespace {

class MachineReader {
 public:
  MachineReader(const YamlNode& root, DiagnosticSink& diagnostics)
      : root_(root), diagnostics_(diagnostics) {}

  Result<Machine> read() {
    const MapKeys keys = {
        "the machine file",
        {"machine", "devices", "resources", "links", "hosts", "network", "algorithms", "times"}};
    check_keys(root_, keys, diagnostics_);
    const YamlNode* name = require_key(root_, "machine", keys, root_.where, diagnostics_);
    if (name != nullptr) read_name(*name);
    machine_.network = read_network(root_, diagnostics_);
    if (root_.find("hosts") != nullptr) {
      machine_ = read_hosts(root_, std::move(machine_), diagnostics_);
      lacks_hosts_ = machine_.hosts.empty();
    } else {
      const YamlNode* devices = require_key(root_, "devices", keys, root_.where, diagnostics_);
      read_links(root_, read_devices(devices, machine_, diagnostics_), machine_, diagnostics_);
    }
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
      } else if (!has_device_of(kind.text) && !lacks_hosts_) {
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
    const std::optional<int64_t> time_ns =
        read_quantity(node, "a kernel's time", parse_duration, diagnostics_);
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
  bool lacks_hosts_ = false;  ///< for their errors
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

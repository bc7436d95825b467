#include "compiler/frontend/read_links.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "compiler/frontend/machine_values.h"
#include "compiler/frontend/parse_quantity.h"
#include "compiler/machine/print_quantity.h"

namespace graphc {
namespace {

const MapKeys kLinkKeys = {"a link", {"between", "to", "back", "both", "latency", "through"}};
const MapKeys kResourceKeys = {"a resource", {"bytes"}};
const MapKeys kThroughKeys = {"`through`", {"to", "back"}};

class LinkReader {
 public:
  LinkReader(const YamlNode& root, const std::vector<std::string>& device_names, Machine& machine,
             DiagnosticSink& diagnostics)
      : root_(root), device_names_(device_names), machine_(machine), diagnostics_(diagnostics) {}

  void run() {
    read_resources();
    const size_t errors_before = diagnostics_.num_errors();
    read_all_links();
    // What a link with an error was to go through is not known.
    if (diagnostics_.num_errors() > errors_before) return;
    for (const LinkResourceId id : machine_.resources.ids()) {
      const LinkResource& resource = machine_.resources[id];
      if (resource.is_of_one_link || used_.contains(id)) continue;
      diagnostics_.error(resource.where, "no link goes through '" + resource.name + "'");
    }
  }

 private:
  void read_resources() {
    const YamlNode* resources = root_.find("resources");
    if (resources == nullptr || resources->kind == YamlKind::kNull) return;
    if (!expect_kind(*resources, YamlKind::kMap, "`resources`", diagnostics_)) return;
    for (size_t i = 0; i < resources->keys.size(); ++i) {
      read_resource(resources->keys[i], resources->items[i]);
    }
  }

  void read_resource(const YamlNode& name, const YamlNode& map) {
    LinkResource resource{name.text, 0, false, name.where};
    if (!is_machine_name(name.text)) {
      diagnostics_.error(name.where, "'" + name.text + "' is not a name of a resource",
                         std::string(kMachineNameHint));
    } else if (contains(device_names_, name.text)) {
      diagnostics_.error(name.where, "'" + name.text + "' is the name of a device",
                         "what the lanes of a device share has its name already");
    }
    if (expect_kind(map, YamlKind::kMap, "the resource '" + name.text + "'", diagnostics_)) {
      check_keys(map, kResourceKeys, diagnostics_);
      const YamlNode* bytes = require_key(map, "bytes", kResourceKeys, name.where, diagnostics_);
      resource.bytes_per_s =
          read_quantity(bytes, "`bytes`", parse_byte_rate, diagnostics_).value_or(0);
    }
    resource_names_.push_back(resource.name);
    machine_.resources.push_back(std::move(resource));
  }

  void read_all_links() {
    const YamlNode* links = root_.find("links");
    if (links == nullptr || links->kind == YamlKind::kNull) return;
    if (!expect_kind(*links, YamlKind::kSequence, "`links`", diagnostics_)) return;
    for (const YamlNode& link : links->items) {
      if (expect_kind(link, YamlKind::kMap, "a link", diagnostics_)) read_link(link);
    }
  }

  void read_link(const YamlNode& map) {
    check_keys(map, kLinkKeys, diagnostics_);
    const auto require = [&](std::string_view key) {
      return require_key(map, key, kLinkKeys, map.where, diagnostics_);
    };
    LinkDirection to;
    LinkDirection back;
    const YamlNode* to_node = require("to");
    const YamlNode* back_node = require("back");
    const YamlNode* latency = require("latency");
    to.bytes_per_s = read_quantity(to_node, "`to`", parse_byte_rate, diagnostics_).value_or(0);
    back.bytes_per_s =
        read_quantity(back_node, "`back`", parse_byte_rate, diagnostics_).value_or(0);
    to.latency_ns = read_quantity(latency, "`latency`", parse_duration, diagnostics_).value_or(0);
    back.latency_ns = to.latency_ns;
    to.where = back.where = map.where;
    to.link = back.link = static_cast<int32_t>(machine_.links.size() / 2);
    const std::optional<double> both = read_both(map, std::max(to.bytes_per_s, back.bytes_per_s));
    const bool has_ends = read_ends(map, to);
    if (has_ends) {
      back.from = to.to;
      back.to = to.from;
      if (both) limit_both(machine_, to, back, *both);
    }
    if (const YamlNode* through = map.find("through")) read_through(*through, to, back);
    if (!has_ends) return;
    machine_.links.push_back(to);
    machine_.links.push_back(back);
  }

  std::optional<double> read_both(const YamlNode& map, double faster) {
    const YamlNode* node = map.find("both");
    const std::optional<double> both = read_quantity(node, "`both`", parse_byte_rate, diagnostics_);
    if (both && *both < faster) {
      diagnostics_.error(node->where,
                         "`both` is the sum of both directions; it cannot be less than one of "
                         "them, " +
                             print_byte_rate(faster));
    }
    return both;
  }

  /// `[switch0]` for both directions, or `{to: [up], back: [down]}`.
  void read_through(const YamlNode& node, LinkDirection& to, LinkDirection& back) {
    if (node.kind == YamlKind::kSequence) {
      const std::vector<LinkResourceId> ids = read_names(node, to.through.size());
      to.through.insert(to.through.end(), ids.begin(), ids.end());
      back.through.insert(back.through.end(), ids.begin(), ids.end());
      return;
    }
    if (node.kind != YamlKind::kMap) {
      diagnostics_.error(node.where,
                         "`through` must be a list of resources, or a map with one for each of "
                         "`to` and `back`");
      return;
    }
    check_keys(node, kThroughKeys, diagnostics_);
    for (const auto& [key, direction] : {std::pair("to", &to), std::pair("back", &back)}) {
      const YamlNode* names = node.find(key);
      if (names == nullptr) continue;
      const std::string what = std::string("`") + key + "`";
      if (!expect_kind(*names, YamlKind::kSequence, what, diagnostics_)) continue;
      const std::vector<LinkResourceId> ids = read_names(*names, direction->through.size());
      direction->through.insert(direction->through.end(), ids.begin(), ids.end());
    }
  }

  /// Of a direction that goes through `num_before` others.
  std::vector<LinkResourceId> read_names(const YamlNode& list, size_t num_before) {
    std::vector<LinkResourceId> ids;
    for (const YamlNode& item : list.items) {
      const std::optional<std::string> name = read_text(item, "a resource", diagnostics_);
      if (!name) continue;
      const auto at = std::find(resource_names_.begin(), resource_names_.end(), *name);
      if (at == resource_names_.end()) {
        report_unknown(item.where, "resource", *name, resource_names_);
        continue;
      }
      const LinkResourceId id(static_cast<size_t>(at - resource_names_.begin()));
      const bool is_new = std::find(ids.begin(), ids.end(), id) == ids.end();
      if (!is_new) diagnostics_.error(item.where, "'" + *name + "' is there twice");
      if (is_new) ids.push_back(id);
      used_.insert(id);
    }
    if (num_before + ids.size() <= kMaxLaneResources) return ids;
    diagnostics_.error(list.where, "a link goes through " + std::to_string(kMaxLaneResources) +
                                       " resources at most, `both` counted as one");
    return {};
  }

  bool read_ends(const YamlNode& map, LinkDirection& link) {
    const YamlNode* between = require_key(map, "between", kLinkKeys, map.where, diagnostics_);
    if (between == nullptr) return false;
    if (between->kind != YamlKind::kSequence || between->items.size() != 2) {
      diagnostics_.error(between->where, "`between` must be a list of two devices");
      return false;
    }
    const std::optional<DeviceId> from = read_end(between->items[0]);
    const std::optional<DeviceId> to = read_end(between->items[1]);
    if (!from || !to) return false;
    if (*from == *to) {
      diagnostics_.error(between->where, "a link is between two different devices");
      return false;
    }
    const auto pair = std::minmax(*from, *to);
    const auto [first, is_new] =
        linked_.emplace(std::pair(pair.first, pair.second), between->where);
    if (!is_new) {
      diagnostics_.error(between->where, "these two devices are linked twice")
          .notes.push_back({Severity::kNote, first->second, "first here", std::nullopt, {}});
    }
    link.from = *from;
    link.to = *to;
    return true;
  }

  std::optional<DeviceId> read_end(const YamlNode& node) {
    const std::optional<std::string> name = read_text(node, "a device", diagnostics_);
    if (!name) return std::nullopt;
    const std::optional<DeviceId> device = machine_.find_device(*name);
    if (!device && !contains(device_names_, *name) && !device_names_.empty()) {
      report_unknown(node.where, "device", *name, device_names_);
    }
    return device;
  }

  void report_unknown(const SourceRange& where, const std::string& what, const std::string& name,
                      const std::vector<std::string>& known) {
    const std::optional<std::string> nearest =
        nearest_name(name, known, diagnostics_.hint_budget());
    diagnostics_.error(where, "there is no " + what + " '" + name + "'",
                       nearest ? std::optional("did you mean '" + *nearest + "'?") : std::nullopt);
  }

  static bool contains(const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  }

  const YamlNode& root_;
  const std::vector<std::string>& device_names_;
  Machine& machine_;
  DiagnosticSink& diagnostics_;
  std::vector<std::string> resource_names_;  ///< of LinkResourceId 0 and on
  std::set<LinkResourceId> used_;            ///< those that links name
  std::map<std::pair<DeviceId, DeviceId>, SourceRange> linked_;
};

}  // namespace

void read_links(const YamlNode& root, const std::vector<std::string>& device_names,
                Machine& machine, DiagnosticSink& diagnostics) {
  LinkReader(root, device_names, machine, diagnostics).run();
}

}  // namespace graphc

#include "compiler/frontend/read_hosts.h"

#include <algorithm>
#include <map>
#include <utility>

#include "compiler/frontend/machine_values.h"
#include "compiler/frontend/parse_quantity.h"
#include "compiler/frontend/read_devices.h"
#include "compiler/frontend/read_links.h"
#include "compiler/machine/hosts.h"
#include "compiler/machine/print_quantity.h"
#include "runtime/base/text.h"

namespace graphc {
namespace {

const MapKeys kHostKeys = {"a host", {"devices", "resources", "links", "like"}};
const MapKeys kNetworkKeys = {"`network`", {"to", "both", "latency", "message", "cards"}};
constexpr int64_t kMaxCards = 64;

constexpr std::string_view kNetworkHint =
    "for example network: {to: 11.5GB/s, latency: 12us, message: 1us}";

class HostsReader {
 public:
  HostsReader(const YamlNode& hosts, DiagnosticSink& diagnostics)
      : hosts_(hosts), diagnostics_(diagnostics) {}

  std::vector<HostPart> run() {
    check_number();
    std::vector<HostPart> parts;
    for (size_t i = 0; i < hosts_.keys.size(); ++i) {
      check_name(hosts_.keys[i]);
      parts.push_back({hosts_.keys[i].text, part_of(i), hosts_.keys[i].where});
    }
    return parts;
  }

 private:
  void check_number() {
    const size_t count = hosts_.keys.size();
    if (count == 1) {
      diagnostics_.error(hosts_.where, "`hosts` has one host only",
                         "one host needs no name: write its `devices` and `links` without `hosts`");
    } else if (count == 0 || count > kMaxHosts) {
      diagnostics_.error(hosts_.where, "a machine has 2 to " + std::to_string(kMaxHosts) +
                                           " hosts; got " + std::to_string(count));
    }
  }

  void check_name(const YamlNode& name) {
    if (is_identifier(name.text)) return;
    diagnostics_.error(name.where, "'" + name.text + "' is not a name of a host",
                       "a name is a letter or '_', then letters, digits, '_' and '.'");
  }

  /// Read once, however many are like it.
  const Machine& part_of(size_t index) {
    if (const auto known = parts_.find(index); known != parts_.end()) return known->second;
    const YamlNode& name = hosts_.keys[index];
    const YamlNode& map = hosts_.items[index];
    Machine& part = parts_[index];
    if (!expect_kind(map, YamlKind::kMap, "the host '" + name.text + "'", diagnostics_)) {
      return part;
    }
    check_keys(map, kHostKeys, diagnostics_);
    if (const YamlNode* like = map.find("like")) {
      const std::optional<size_t> other = other_host(index, *like);
      if (map.items.size() > 1) {
        diagnostics_.error(like->where, "a host that is `like` another one has nothing of its own");
      }
      if (other) part = part_of(*other);
      return part;
    }
    const YamlNode* devices = require_key(map, "devices", kHostKeys, name.where, diagnostics_);
    const std::vector<std::string> names = read_devices(devices, part, diagnostics_);
    read_links(map, names, part, diagnostics_);
    return part;
  }

  /// The one that `like` names, if following what they are like ends somewhere.
  std::optional<size_t> other_host(size_t index, const YamlNode& like) {
    const std::optional<size_t> other = find_host(like);
    std::vector<std::string> way = {hosts_.keys[index].text};
    for (std::optional<size_t> at = other; at;) {
      way.push_back(hosts_.keys[*at].text);
      if (*at == index) {
        diagnostics_.error(
            like.where, "hosts are like each other in a circle: " + join(way, ", which is like "),
            "one of them has to say its `devices`");
        return std::nullopt;
      }
      // A circle that this host only leads to is told where it is.
      if (way.size() > hosts_.keys.size()) return std::nullopt;
      const YamlNode* next = hosts_.items[*at].find("like");
      at = next == nullptr ? std::nullopt : index_of(next->text);
    }
    return other;
  }

  std::optional<size_t> find_host(const YamlNode& like) {
    const std::optional<std::string> name = read_text(like, "`like`", diagnostics_);
    if (!name) return std::nullopt;
    const std::optional<size_t> index = index_of(*name);
    if (index) return index;
    std::vector<std::string> names;
    for (const YamlNode& key : hosts_.keys) names.push_back(key.text);
    const auto nearest = nearest_name(*name, names, diagnostics_.hint_budget());
    diagnostics_.error(like.where, "there is no host '" + *name + "'",
                       nearest ? std::optional("did you mean '" + *nearest + "'?") : std::nullopt);
    return std::nullopt;
  }

  std::optional<size_t> index_of(const std::string& name) const {
    const auto at = std::find_if(hosts_.keys.begin(), hosts_.keys.end(),
                                 [&](const YamlNode& key) { return key.text == name; });
    if (at == hosts_.keys.end()) return std::nullopt;
    return static_cast<size_t>(at - hosts_.keys.begin());
  }

  const YamlNode& hosts_;
  DiagnosticSink& diagnostics_;
  std::map<size_t, Machine> parts_;  ///< of hosts that were read, by their place
};

std::optional<Network> read_network_line(const YamlNode& map, DiagnosticSink& diagnostics) {
  if (!expect_kind(map, YamlKind::kMap, "`network`", diagnostics)) return std::nullopt;
  check_keys(map, kNetworkKeys, diagnostics);
  const auto require = [&](std::string_view key) {
    return require_key(map, key, kNetworkKeys, map.where, diagnostics);
  };
  Network network;
  network.where = map.where;
  network.bytes_per_s =
      read_quantity(require("to"), "`to`", parse_byte_rate, diagnostics).value_or(0);
  network.latency_ns =
      read_quantity(require("latency"), "`latency`", parse_duration, diagnostics).value_or(0);
  network.message_ns =
      read_quantity(require("message"), "`message`", parse_duration, diagnostics).value_or(0);
  const YamlNode* both = map.find("both");
  network.both_per_s = read_quantity(both, "`both`", parse_byte_rate, diagnostics);
  if (network.both_per_s && *network.both_per_s < network.bytes_per_s) {
    diagnostics.error(both->where,
                      "`both` is the sum of both directions; it cannot be less than one of them, " +
                          print_byte_rate(network.bytes_per_s));
  }
  if (const YamlNode* cards = map.find("cards")) {
    const std::optional<int64_t> count = read_integer(*cards, "`cards`", diagnostics);
    if (count && (*count < 1 || *count > kMaxCards)) {
      diagnostics.error(cards->where, "`cards` must be from 1 to " + std::to_string(kMaxCards) +
                                          "; got " + cards->text);
    }
    network.num_cards = static_cast<int32_t>(std::clamp<int64_t>(count.value_or(1), 1, kMaxCards));
  }
  return network;
}

}  // namespace

std::optional<Network> read_network(const YamlNode& root, DiagnosticSink& diagnostics) {
  const YamlNode* network = root.find("network");
  if (network == nullptr || network->kind == YamlKind::kNull) return std::nullopt;
  return read_network_line(*network, diagnostics);
}

Machine read_hosts(const YamlNode& root, Machine whole, DiagnosticSink& diagnostics) {
  const YamlNode& hosts = *root.find("hosts");
  for (const char* key : {"devices", "resources", "links"}) {
    for (const YamlNode& known : root.keys) {
      if (known.text != key) continue;
      diagnostics.error(known.where, "`" + known.text + "` beside `hosts`",
                        "where there are hosts, devices and links are those of one of them");
    }
  }
  const YamlNode* network = root.find("network");
  if (network == nullptr || network->kind == YamlKind::kNull) {
    diagnostics.error(hosts.where,
                      "nothing says how the hosts are connected: there is no `network`",
                      std::string(kNetworkHint));
  }
  if (!expect_kind(hosts, YamlKind::kMap, "`hosts`", diagnostics)) return whole;
  const size_t errors_before = diagnostics.num_errors();
  const std::vector<HostPart> parts = HostsReader(hosts, diagnostics).run();
  if (diagnostics.num_errors() > errors_before || !whole.network) return whole;
  return join_hosts(std::move(whole), parts);
}

}  // namespace graphc

#include "compiler/machine/machine.h"

#include <algorithm>

#include "compiler/machine/hosts.h"
#include "compiler/machine/print_quantity.h"
#include "runtime/base/text.h"

namespace graphc {
namespace {

// A name that YAML could take for something else goes into quotes.
std::string yaml_text(const std::string& text) {
  const bool is_word =
      text == "null" || text == "Null" || text == "NULL" || text == "true" || text == "false";
  const bool is_plain = is_identifier(text) && !is_word;
  return is_plain ? text : in_quotes(text);
}

std::string print_device(const Device& device) {
  const bool is_cpu = device.kind == "cpu";
  std::string text = "  " + yaml_text(device.name) + ": {kind: " + yaml_text(device.kind);
  if (!is_cpu) text += ", index: " + std::to_string(device.index);
  text += (is_cpu ? ", workers: " : ", streams: ") + std::to_string(device.num_lanes);
  text += ", memory: " + print_memory(device.memory_bytes) + ", rates: {";
  bool is_first = true;
  for (const auto& [name, rate] : device.rates) {
    text += (is_first ? "" : ", ") + name + ": " +
            (name == "bytes" ? print_byte_rate(rate) : print_flop_rate(rate));
    is_first = false;
  }
  if (device.bytes_per_worker_per_s) {
    text += ", bytes_per_worker: " + print_byte_rate(*device.bytes_per_worker_per_s);
  }
  text += "}, launch: " + print_duration(device.launch_ns);
  if (device.num_readers != 1) text += ", readers: " + std::to_string(device.num_readers);
  return text + "}\n";
}

std::string print_resource(const LinkResource& resource) {
  return "  " + yaml_text(resource.name) + ": {bytes: " + print_byte_rate(resource.bytes_per_s) +
         "}\n";
}

/// `[switch0, card0]`, without what `both` says.
std::string print_named(const Machine& machine, const LinkDirection& link) {
  std::vector<std::string> names;
  for (const LinkResourceId id : link.through) {
    const LinkResource& resource = machine.resources[id];
    if (!resource.is_of_one_link) names.push_back(yaml_text(resource.name));
  }
  return "[" + join(names, ", ") + "]";
}

std::string print_through(const Machine& machine, const LinkDirection& to,
                          const LinkDirection& back) {
  const std::string of_to = print_named(machine, to);
  const std::string of_back = print_named(machine, back);
  if (of_to == of_back) return of_to == "[]" ? "" : ", through: " + of_to;
  return ", through: {to: " + of_to + ", back: " + of_back + "}";
}

std::string print_link(const Machine& machine, const LinkDirection& to, const LinkDirection& back) {
  std::string text = "  - {between: [" + yaml_text(machine.devices[to.from].name) + ", " +
                     yaml_text(machine.devices[to.to].name) + "]";
  text += ", to: " + print_byte_rate(to.bytes_per_s);
  text += ", back: " + print_byte_rate(back.bytes_per_s);
  for (const LinkResourceId id : to.through) {
    const LinkResource& resource = machine.resources[id];
    if (resource.is_of_one_link) text += ", both: " + print_byte_rate(resource.bytes_per_s);
  }
  text += ", latency: " + print_duration(to.latency_ns);
  return text + print_through(machine, to, back) + "}\n";
}

/// Devices of a host and what connects them.
std::string print_parts(const Machine& machine) {
  std::string text = "devices:\n";
  for (const Device& device : machine.devices) text += print_device(device);
  const auto is_named = [](const LinkResource& resource) { return !resource.is_of_one_link; };
  if (std::any_of(machine.resources.begin(), machine.resources.end(), is_named)) {
    text += "resources:\n";
  }
  for (const LinkResource& resource : machine.resources) {
    if (is_named(resource)) text += print_resource(resource);
  }
  if (!machine.links.empty()) text += "links:\n";
  // The two directions of an entry stand one after the other, the written one first.
  for (size_t i = 0; i + 1 < machine.links.size(); i += 2) {
    text += print_link(machine, machine.links[i], machine.links[i + 1]);
  }
  return text;
}

/// Hosts that are like another one say so.
std::string print_hosts(const Machine& machine) {
  std::string text = "hosts:\n";
  std::map<std::string, std::string> first_with;
  for (const HostId host : machine.hosts.ids()) {
    const std::string name = yaml_text(machine.hosts[host].name);
    const std::string parts = print_parts(machine_of_host(machine, host));
    const auto [first, is_new] = first_with.emplace(parts, name);
    if (!is_new) {
      text += "  " + name + ": {like: " + first->second + "}\n";
      continue;
    }
    text += "  " + name + ":\n";
    for (const std::string_view line : split(parts, '\n')) {
      if (!line.empty()) text += "    " + std::string(line) + "\n";
    }
  }
  return text;
}

std::string print_network(const Network& network) {
  std::string text = "network: {to: " + print_byte_rate(network.bytes_per_s);
  if (network.both_per_s) text += ", both: " + print_byte_rate(*network.both_per_s);
  text += ", latency: " + print_duration(network.latency_ns);
  text += ", message: " + print_duration(network.message_ns);
  if (network.num_cards != 1) text += ", cards: " + std::to_string(network.num_cards);
  return text + "}\n";
}

/// What was measured of kernels, by kind of device and kernel.
template <class Figure>
using MeasuredByKind = std::map<std::string, std::map<std::string, Figure>>;

template <class Figure>
const Figure* find_measured(const MeasuredByKind<Figure>& measured, const std::string& kind,
                            const std::string& signature) {
  const auto of_kind = measured.find(kind);
  if (of_kind == measured.end()) return nullptr;
  const auto at = of_kind->second.find(signature);
  return at == of_kind->second.end() ? nullptr : &at->second;
}

std::string print_time(const KernelTime& time) {
  std::string alone = print_duration(time.alone_ns);
  if (!time.beside_ns) return alone;
  return "{alone: " + alone + ", beside: " + print_duration(*time.beside_ns) + "}";
}

template <class Figure, class Print>
std::string print_measured(const std::string& section, const MeasuredByKind<Figure>& measured,
                           Print print) {
  std::string text = measured.empty() ? "" : section + ":\n";
  for (const auto& [kind, of_kind] : measured) {
    text += "  " + yaml_text(kind) + ":\n";
    for (const auto& [signature, figure] : of_kind) {
      text += "    " + yaml_text(signature) + ": " + print(figure) + "\n";
    }
  }
  return text;
}

}  // namespace

std::optional<DeviceId> Machine::find_device(const std::string& device_name) const {
  for (const DeviceId id : devices.ids()) {
    if (devices[id].name == device_name) return id;
  }
  return std::nullopt;
}

DeviceId Machine::host_of(DeviceId device) const {
  CHECK(devices.contains(device), "a device of the machine");
  return hosts.empty() ? host() : hosts[devices[device].host].cpu;
}

const LinkDirection* Machine::find_link(DeviceId from, DeviceId to) const {
  const HostId host_from = devices[from].host;
  const HostId host_to = devices[to].host;
  if (host_from != host_to) {
    return is_host(from) && is_host(to) ? &network_link(host_from, host_to) : nullptr;
  }
  const size_t begin = hosts.empty() ? 0 : hosts[host_from].first_link;
  const size_t end = hosts.empty() ? links.size() : begin + hosts[host_from].num_links;
  for (size_t i = begin; i < end; ++i) {
    if (links[i].from == from && links[i].to == to) return &links[i];
  }
  return nullptr;
}

const LinkDirection& Machine::network_link(HostId from, HostId to) const {
  CHECK(from != to && hosts.contains(from) && hosts.contains(to), "two of several hosts");
  const MachineHost& last = hosts[HostId(hosts.size() - 1)];
  const size_t first = last.first_link + last.num_links;
  const size_t among_others = to.index() - (to.index() > from.index() ? 1 : 0);
  return links[first + from.index() * (hosts.size() - 1) + among_others];
}

const LinkResource* Machine::slowest_resource(const LinkDirection& link) const {
  const LinkResource* slowest = nullptr;
  for (const LinkResourceId id : link.through) {
    const double least = slowest == nullptr ? link.bytes_per_s : slowest->bytes_per_s;
    if (resources[id].bytes_per_s < least) slowest = &resources[id];
  }
  return slowest;
}

double Machine::bytes_per_s(const LinkDirection& link) const {
  const LinkResource* slowest = slowest_resource(link);
  return slowest == nullptr ? link.bytes_per_s : slowest->bytes_per_s;
}

std::string Machine::algorithm_for(const std::string& kind, const std::string& signature) const {
  const std::string* algorithm = find_measured(algorithms, kind, signature);
  return algorithm == nullptr ? "" : *algorithm;
}

std::optional<KernelTime> Machine::time_for(const std::string& kind,
                                            const std::string& signature) const {
  const KernelTime* time = find_measured(times, kind, signature);
  return time == nullptr ? std::nullopt : std::optional(*time);
}

std::optional<int64_t> Machine::least_time_for(const std::string& kind, std::string_view op) const {
  const auto of_kind = times.find(kind);
  if (of_kind == times.end()) return std::nullopt;
  const std::string prefix = std::string(op) + "(";
  std::optional<int64_t> least_ns;
  for (auto at = of_kind->second.lower_bound(prefix);
       at != of_kind->second.end() && at->first.starts_with(prefix); ++at) {
    least_ns = std::min(least_ns.value_or(at->second.alone_ns), at->second.alone_ns);
  }
  return least_ns;
}

void limit_both(Machine& machine, LinkDirection& to, LinkDirection& back, double bytes_per_s) {
  const std::string name = machine.devices[to.from].name + "-" + machine.devices[to.to].name;
  const LinkResourceId id = machine.resources.push_back({name, bytes_per_s, true, to.where});
  to.through.push_back(id);
  back.through.push_back(id);
}

bool is_alike(const Device& a, const Device& b) {
  return a.kind == b.kind && a.num_lanes == b.num_lanes && a.memory_bytes == b.memory_bytes &&
         a.rates == b.rates && a.bytes_per_worker_per_s == b.bytes_per_worker_per_s &&
         a.num_readers == b.num_readers && a.launch_ns == b.launch_ns;
}

std::span<const LinkDirection> links_of_kinds(const Machine& machine) {
  const auto network = std::find_if(machine.links.begin(), machine.links.end(),
                                    [](const LinkDirection& link) { return link.is_network; });
  const bool has_network = network != machine.links.end();
  return std::span(machine.links)
      .first(static_cast<size_t>(network - machine.links.begin()) + (has_network ? 1 : 0));
}

std::string name_of_link(const Machine& machine, const LinkDirection& link) {
  const Device& from = machine.devices[link.from];
  const Device& to = machine.devices[link.to];
  if (link.is_network) return machine.hosts[from.host].name + "->" + machine.hosts[to.host].name;
  const size_t prefix = machine.hosts.empty() ? 0 : machine.hosts[to.host].name.size() + 1;
  return from.name + "->" + to.name.substr(prefix);
}

std::string name_on_host(const Machine& machine, DeviceId device, std::string_view name) {
  if (machine.hosts.empty()) return std::string(name);
  return machine.hosts[machine.devices[device].host].name + "/" + std::string(name);
}

MemoryLimits memory_of(const Machine& machine) {
  MemoryLimits limits;
  for (const Device& device : machine.devices) limits.push_back(device.memory_bytes);
  return limits;
}

Machine single_cpu_machine() {
  constexpr double kFlopsPerS = 50e9;
  constexpr double kBytesPerS = 10e9;
  constexpr int64_t kMemoryBytes = int64_t{8} << 30;
  constexpr int64_t kLaunchNs = 100;
  Device cpu;
  cpu.name = "cpu";
  cpu.kind = "cpu";
  cpu.memory_bytes = kMemoryBytes;
  cpu.rates = {{"bytes", kBytesPerS}, {"matmul_f32", kFlopsPerS}};
  cpu.launch_ns = kLaunchNs;
  Machine machine;
  machine.name = "one-cpu";
  machine.devices.push_back(std::move(cpu));
  return machine;
}

std::string to_yaml(const Machine& machine) {
  std::string text = "machine: " + yaml_text(machine.name) + "\n";
  text += machine.hosts.empty() ? print_parts(machine) : print_hosts(machine);
  if (machine.network) text += print_network(*machine.network);
  text += print_measured("algorithms", machine.algorithms, yaml_text);
  text += print_measured("times", machine.times, print_time);
  return text;
}

}  // namespace graphc
